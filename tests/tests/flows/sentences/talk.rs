//! Talking, and trying the machine.
use super::Newcomer;

#[test]
fn talks() {
    let mut she = Newcomer::new(&[("a.txt", "")]);
    she.hears("Hi there!", &["rehearsal model", "--help-rehearsal"]);
    she.hears("Who are you?", &["rehearsal model"]);
    she.hears("say hello and goodbye", &["hello and goodbye"]);
    she.hears("Reply with \"yes, then no\".", &["yes, then no"]);
    she.hears("Thank you!", &["welcome"]);
    she.hears("list the files", &["a.txt"]);
    she.hears("what did I just say?", &["“list the files”"]);
    she.hears("What did I say first?", &["“Hi there!”"]);
    she.hears("My name is Ada.", &["Ada"]);
    she.hears("What is my name?", &["Ada"]);
    she.hears("remember that the key is under the mat", &["under the mat"]);
    she.hears("What do you remember?", &["under the mat", "Ada"]);
    she.hears("How many messages are there?", &["13"]);
    she.hears("summarise our conversation", &["list the files", "My name is Ada."]);
    she.hears("What did you answer last?", &["So far"]);
}

#[test]
fn says_plainly_what_it_does_not_understand() {
    let mut she = Newcomer::new(&[("a.txt", "kept")]);
    for sentence in
        ["fly me to the moon", "delete", "write", "🙂", "SELECT * FROM files;", "list the files then dance"]
    {
        let seen = she.talk.ask(sentence);
        assert!(seen.answer().contains("I do not understand"), "{sentence}: {}", seen.answer());
        assert!(seen.answer().contains("--help-rehearsal"), "{sentence}: {}", seen.answer());
    }
    she.finds("say nothing happened", "a.txt", "kept");
}

#[test]
fn the_machine_is_tried() {
    let mut she = Newcomer::new(&[]);
    she.hears("rehearse a slow answer of 3 words", &["Nothing is wrong"]);
    she.hears("rehearse a malformed call", &["not JSON"]);
    she.hears("rehearse an unknown tool", &["there is no tool"]);
    let seen = she.talk.ask("rehearse a cut answer");
    assert!(seen.answer().contains("another attempt") && seen.resets > 0, "{seen:#?}");
    let seen = she.talk.ask("rehearse an unavailable model");
    assert!(seen.answer().contains("another attempt"), "{seen:#?}");
}

#[test]
fn the_grammar_is_printed() {
    let place = tests::Place::new();
    let help = place.run(&["run", "--help-rehearsal"]).ended(0).text();
    for chapter in [
        "TO LIST FILES",
        "TO READ",
        "TO SEARCH",
        "TO COUNT",
        "TO WRITE",
        "TO APPEND",
        "TO REPLACE",
        "TO DELETE",
    ] {
        assert!(help.contains(chapter), "{chapter}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 100), "it fits a terminal");
    assert_eq!(place.run(&["help", "rehearsal"]).ended(0).text(), help);
    assert!(!place.home().exists());
}
