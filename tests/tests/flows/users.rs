//! Users do not meet: not in sessions, not in files, not in turns under way.
use crate::killed::Sentence;
use frames::Frame;
use tests::{Place, turns};

#[test]
fn a_session_answers_to_its_owner_only() {
    let place = Place::new();
    place.run(&["run", "--user", "ada", "--session", "s", "-p", "My name is Ada."]).ended(0);
    let refused = place.run(&["run", "--user", "bob", "--session", "s", "-p", "what is my name?"]);
    refused.refused(2, &["session `s` belongs to another user", "--user"]);
    let own = place.run(&["run", "--user", "bob", "-p", "what is my name?"]).ended(0);
    assert!(!own.text().contains("Ada"));
    let again = place.run(&["run", "--user", "ada", "-p", "what is my name?"]).ended(0);
    assert!(again.text().contains("Ada"));
    let listed = place.run(&["sessions", "--user", "bob"]).ended(0).text();
    assert!(listed.lines().count() == 1 && !listed.starts_with("s  "), "{listed}");
}

#[test]
fn files_of_one_user_are_not_those_of_another() {
    let place = Place::new();
    place.run(&["run", "--user", "ada", "-p", "write secret.txt: plans"]).ended(0);
    let listed = place.run(&["run", "--user", "bob", "-p", "list the files"]).ended(0).text();
    assert!(listed.contains("There are no files here."), "{listed}");
    let read = place.run(&["run", "--user", "bob", "-p", "read ../../ada/shared/secret.txt"]).ended(0).text();
    assert!(!read.contains("plans"), "{read}");
}

#[test]
fn a_turn_of_one_user_neither_shows_to_nor_blocks_another() {
    let place = Place::new();
    let mut running = place.oxydra(&["run", "--json", "--user", "ada", "-p", Sentence::SLOW]).start();
    running.until(|frame| matches!(frame, Frame::AssistantDelta(_)));
    running.kill();
    let done = place.run(&["run", "--json", "--user", "bob", "-p", "say hi"]).ended(0);
    let seen = turns(&done.frames());
    assert_eq!((seen.len(), seen[0].answer()), (1, "hi"));
    assert_eq!(done.err, "");
    // It is still there for its own user, and can be cancelled by that user.
    let mut ada = place.oxydra(&["run", "--json", "--user", "ada"]).start();
    ada.until(|frame| matches!(frame, Frame::TurnStarted(_)));
    ada.interrupt();
    ada.until(|frame| matches!(frame, Frame::TurnCancelled(_)));
    ada.end_input();
    ada.done().ended(130);
}
