//! Configuration that is wrong is refused before anything happens: key, file, line, and what is allowed.
use frames::{ErrorCode, Frame};
use std::fs;
use tests::Place;

fn with(agent: &str) -> Place {
    let place = Place::new();
    fs::create_dir_all(place.home()).expect("it is made");
    fs::write(place.home().join("agent.toml"), agent).expect("it is written");
    place
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (agent, words) in [
        ("[runtime]\nmax_turns = 0\n", &["`runtime.max_turns`", "agent.toml line 2", "from 1 to 1000"][..]),
        ("[runtime]\nmax_turns = \"many\"\n", &["`runtime.max_turns`", "line 2", "not \"many\""]),
        (
            "[runtime]\nmax_turn = 3\n",
            &["unknown key `runtime.max_turn`", "line 2", "did you mean `runtime.max_turns`"],
        ),
        ("[runtime]\nmax_turns = = 3\n", &["agent.toml line 2, column 13", "not TOML"]),
        ("\n\n[selection]\nprovider = \"nobody\"\n", &["agent.toml line 4", "`nobody`", "rehearsal"]),
        ("weather = \"fine\"\n", &["unknown key `weather`", "line 1"]),
    ] {
        let place = with(agent);
        place.run(&["run", "-p", "hello"]).refused(2, words);
        assert!(!place.journal().exists(), "nothing was made");
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let place = with("[runtime]\nmax_turns = 0\nturn_timeout_secs = -1\n");
    let run = place
        .oxydra(&["run", "-p", "hello"])
        .env("OXYDRA__RUNTIME__MAX_COST", "free")
        .env("OXYDRA__RUNTIM__X", "1");
    run.done().refused(
        2,
        &["max_turns", "turn_timeout_secs", "OXYDRA__RUNTIME__MAX_COST", "US dollars", "OXYDRA__RUNTIM__X"],
    );
}

#[test]
fn a_program_gets_it_as_a_frame() {
    let place = with("weather = 1\n");
    let frames = place.run(&["run", "--json", "-p", "hello"]).ended(2).frames();
    let [Frame::Error(error)] = &frames[..] else { panic!("one error: {frames:?}") };
    assert_eq!((&error.code, error.message.contains("`weather`")), (&ErrorCode::InvalidConfiguration, true));
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let place = Place::new();
    fs::create_dir_all(place.home().join("agent.toml")).expect("it is made");
    place.run(&["run", "-p", "hello"]).refused(2, &["agent.toml"]);
    let place = Place::new();
    fs::create_dir_all(place.home()).expect("it is made");
    fs::write(place.home().join("agent.toml"), b"max\xff = 1\n").expect("it is written");
    place.run(&["run", "-p", "hello"]).refused(2, &["agent.toml", "UTF-8"]);
}

#[test]
fn what_is_right_counts_and_the_environment_beats_the_file() {
    let place = with("[runtime]\nmax_turns = 1\n");
    place.run(&["run", "-p", "list the files"]).ended(4);
    place.oxydra(&["run", "-p", "list the files"]).env("OXYDRA__RUNTIME__MAX_TURNS", "2").done().ended(0);
    let elsewhere = with("[selection]\nprovider = \"openai\"\nmodel = \"some\"\n");
    elsewhere.run(&["run", "--model", "rehearsal", "-p", "say hi"]).ended(0);
}
