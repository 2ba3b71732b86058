//! Exit codes and error frames: what a script can branch on.
use frames::{ErrorCode, Frame};
use tests::{Done, Ended, Place, turns};

fn error_of(done: &Done) -> (ErrorCode, String) {
    let frames = done.frames();
    let [Frame::Error(error)] = &frames[..] else { panic!("one error: {frames:?}") };
    assert_eq!(done.err, format!("oxydra: {}\n", error.message), "a person reads the same");
    (error.code.clone(), error.message.clone())
}

#[test]
fn nothing_to_do_is_no_failure() {
    let place = Place::new();
    let done = place.run(&["run"]).ended(0);
    assert_eq!((done.text(), done.err), (String::new(), String::new()));
    place.run(&["--version"]).ended(0);
    place.run(&["help", "run"]).ended(0);
}

#[test]
fn a_wrong_command_line_is_2() {
    let place = Place::new();
    place.run(&[]).refused(2, &["Try `oxydra run`"]);
    place.run(&["fly"]).refused(2, &["unknown command \"fly\""]);
    place.run(&["run", "hello"]).refused(2, &["-p \"hello\""]);
    place.run(&["run", "--model", "gpt-99"]).refused(2, &["--model", "gpt-99"]);
    place.run(&["instances", "show", "zz"]).refused(2, &["`zz` is not an instance id"]);
    assert!(!place.home().exists(), "nothing was made");
    let (code, message) = error_of(&place.run(&["run", "--json", "--fly"]).ended(2));
    assert_eq!((code, message.contains("--fly")), (ErrorCode::InvalidRequest, true));
}

#[test]
fn a_spent_budget_is_4_and_says_which_key() {
    let place = Place::new();
    let run = |args: &[&str]| place.oxydra(args).env("OXYDRA__RUNTIME__MAX_TURNS", "1").done();
    run(&["run", "-p", "say hi"]).ended(0);
    let done = run(&["run", "-p", "list the files"]).ended(4);
    assert!(done.err.contains("out of turns. `runtime.max_turns`"), "{}", done.err);
    let seen = turns(&run(&["run", "--json", "-p", "list the files"]).ended(4).frames());
    let Ended::Failed(code, why) = &seen[0].ended else { panic!("{seen:#?}") };
    assert_eq!((code, why.contains("runtime.max_turns")), (&ErrorCode::BudgetSpent, true));
    // The next turn has a budget of its own, and sees what this one did.
    place.run(&["run", "-p", "what did I say first?"]).ended(0);
}

#[test]
fn the_last_turn_decides_between_lines() {
    let place = Place::new();
    let run = |input: &str| place.oxydra(&["run"]).env("OXYDRA__RUNTIME__MAX_TURNS", "1").input(input).done();
    run("list the files\nsay hi\n").ended(0);
    run("say hi\nlist the files\n").ended(4);
}

#[test]
fn no_home_is_1_and_says_so() {
    let place = Place::new();
    for args in [&["sessions"][..], &["instances"], &["instances", "show", "ab"]] {
        place.run(args).refused(1, &[".oxydra"]);
    }
    assert!(!place.home().exists(), "looking makes no home");
    let (code, _) = error_of(&place.run(&["sessions", "--json"]).ended(1));
    assert_eq!(code, ErrorCode::Storage);
    place.run(&["run"]).ended(0);
    place.run(&["instances", "show", "ab"]).refused(2, &["no instance begins with `ab`"]);
}
