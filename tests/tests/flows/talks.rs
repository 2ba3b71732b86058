//! The conversation is remembered: within a process, across processes, and by its session only.
use tests::{Place, turns};

fn ask(place: &Place, flags: &[&str], prompt: &str) -> String {
    let args = [&["run", "-p", prompt], flags].concat();
    place.run(&args).ended(0).text()
}

const FIRST: &str = "what did I say first?";

#[test]
fn what_was_said_is_remembered_across_processes() {
    let place = Place::new();
    ask(&place, &[], "My name is Grace.");
    assert!(ask(&place, &[], "what is my name?").contains("Grace"));
    assert!(ask(&place, &[], FIRST).contains("“My name is Grace.”"));
    // A new session knows nothing of it, and is the latest from then on.
    assert!(!ask(&place, &["--new"], "what is my name?").contains("Grace"));
    assert!(ask(&place, &[], FIRST).contains("“what is my name?”"));
}

#[test]
fn a_named_session_is_opened_and_found_again() {
    let place = Place::new();
    ask(&place, &["--session", "work"], "remember that the key is blue");
    ask(&place, &["--session", "home"], "remember that the key is red");
    assert!(ask(&place, &["--session", "work"], "what do you remember?").contains("the key is blue"));
    let home = ask(&place, &["--session", "home"], "what do you remember?");
    assert!(home.contains("the key is red") && !home.contains("blue"), "{home}");
}

#[test]
fn lines_are_turns_of_one_session() {
    let place = Place::new();
    let done = place
        .oxydra(&["run", "--json"])
        .input("say one\n\n  \nsay two\r\nwhat did I say first?")
        .done()
        .ended(0);
    let seen = turns(&done.frames());
    let answers: Vec<_> = seen.iter().map(|turn| turn.answer()).collect();
    assert_eq!(answers, ["one", "two", "The first thing you said was: “say one”"]);
    assert!(seen.iter().all(|turn| turn.session == seen[0].session));
}
