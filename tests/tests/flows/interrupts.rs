//! Ctrl-C: the first one cancels the turn, the second one quits.
use crate::killed::Sentence;
use frames::Frame;
use tests::{Ended, Place, Running, Seen, turns};

/// Waits until the model speaks, and returns what was said until then.
fn speaking(running: &mut Running) -> Vec<Frame> {
    running.until(|frame| matches!(frame, Frame::AssistantDelta(_)))
}

#[test]
fn it_cancels_the_turn_and_the_exit_code_says_so() {
    let place = Place::new();
    let mut running = place.oxydra(&["run", "--json", "-p", Sentence::SLOW]).start();
    speaking(&mut running);
    running.interrupt();
    let done = running.done().ended(130);
    let seen = turns(&done.frames());
    assert_eq!((seen.len(), &seen[0].ended), (1, &Ended::Cancelled));
    assert!(turns(&place.run(&["run", "--json"]).ended(0).frames()).is_empty(), "it stays cancelled");
    let next = place.run(&["run", "-p", "what did I say first?"]).ended(0).text();
    assert!(next.contains(Sentence::SLOW), "{next}");
}

#[test]
fn a_person_reads_that_it_was_cancelled() {
    let place = Place::new();
    let running = place.oxydra(&["run", "-p", Sentence::SLOW]).start();
    // Its one line ends with the turn: the journal says when the model is being asked.
    while !place.run(&["instances"]).text().contains("Asking") {}
    running.interrupt();
    let done = running.done().ended(130);
    assert!(done.err.ends_with("cancelled\n"), "{}", done.err);
}

#[test]
fn between_lines_the_next_prompt_works() {
    let place = Place::new();
    let mut running = place.oxydra(&["run", "--json"]).start();
    running.say(Sentence::SLOW);
    let mut frames = speaking(&mut running);
    running.interrupt();
    frames.extend(running.until(Seen::is_last));
    assert_eq!(Seen::of(&frames).ended, Ended::Cancelled);
    assert_eq!(running.ask("say hi").answer(), "hi");
    running.end_input();
    running.done().ended(0);
}

#[test]
fn at_the_prompt_it_quits() {
    let place = Place::new();
    let mut running = place.oxydra(&["run", "--json"]).start();
    running.ask("hello");
    running.interrupt();
    running.done().ended(130);
}

#[test]
fn the_second_one_quits() {
    let place = Place::new();
    let mut running = place.oxydra(&["run", "--json"]).start();
    running.say(Sentence::SLOW);
    speaking(&mut running);
    running.interrupt();
    running.until(|frame| matches!(frame, Frame::TurnCancelled(_)));
    running.interrupt();
    running.done().ended(130);
    // The home is free again, and nothing is left to finish.
    let seen = turns(&place.run(&["run", "--json", "-p", "say hi"]).ended(0).frames());
    assert_eq!((seen.len(), seen[0].answer()), (1, "hi"));
}

#[test]
fn a_turn_of_an_earlier_process_can_be_cancelled_too() {
    let place = Place::new();
    let mut running = place.oxydra(&["run", "--json", "-p", Sentence::SLOW]).start();
    speaking(&mut running);
    running.kill();
    let mut running = place.oxydra(&["run", "--json"]).start();
    running.until(|frame| matches!(frame, Frame::TurnStarted(_)));
    running.interrupt();
    running.end_input();
    let done = running.done().ended(130);
    assert_eq!(turns(&done.frames())[0].ended, Ended::Cancelled);
}
