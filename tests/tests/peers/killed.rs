//! The process is killed while an answer streams in, and started again: the question is asked once more under the same
//! key, and what had come of the first answer counts for nothing.
use crate::{asked::are_attempts, peer::Peer, script::Answer};
use frames::Frame;
use serde_json::{Value, json};
use tests::turns;

/// What is answered in the end.
const TEXT: &str = "one two three four five six seven eight nine ten";

/// An answer that is still coming when whoever kills the program gets to it, however busy the machine is.
fn endless() -> Answer {
    Answer::says_and_calls(&format!("{TEXT} ").repeat(500), &[append("lost\n")]).slowly()
}

fn append(line: &str) -> (&'static str, &'static str, Value) {
    ("call_append", "file_write", json!({ "path": "log.txt", "content": line, "mode": "append" }))
}

/// Has a turn killed behind this many pieces of its answer; returns its id.
fn killed(peer: &Peer, pieces: u32) -> String {
    let mut running = peer.oxydra(Some("count, then append to log.txt")).start();
    let mut heard = 0;
    let frames = running.until(|frame| {
        heard += u32::from(matches!(frame, Frame::AssistantDelta(it) if !it.delta.is_empty()));
        heard == pieces
    });
    running.kill();
    let Some(Frame::TurnStarted(started)) = frames.first() else { panic!("{frames:#?}") };
    started.turn.turn_id.clone()
}

#[test]
fn killed_in_the_middle_of_an_answer_it_asks_under_the_same_key() {
    let answer = Answer::says_and_calls(TEXT, &[append("once\n")]);
    let peer = Peer::with(&[&[endless(), answer], &[Answer::says("appended")]]);
    let turn = killed(&peer, 3);
    let told = peer.turn(None);
    assert_eq!((&told.seen.turn, told.seen.answer()), (&turn, "appended"), "the same turn goes on");
    assert_eq!(told.askings()[..1], ["asking the model, attempt 2"], "{told:#?}");
    assert_eq!(peer.place.read("log.txt").as_deref(), Some("once\n"));
    let asked = peer.asked();
    assert_eq!(asked.len(), 3);
    are_attempts(&asked[..2]);
    assert_ne!(asked[1].key, asked[2].key);
    assert!(turns(&peer.oxydra(None).done().ended(0).frames()).is_empty(), "it is finished once");
    assert_eq!(peer.asked().len(), 3, "nothing was asked for it");
}

#[test]
fn killed_again_and_again_attempts_are_counted_on() {
    let peer = Peer::with(&[&[endless(), endless(), endless(), Answer::says(TEXT)]]);
    let turn = killed(&peer, 2);
    for _ in 0..2 {
        let mut running = peer.oxydra(None).start();
        running.until(|frame| matches!(frame, Frame::AssistantDelta(it) if !it.delta.is_empty()));
        running.kill();
    }
    let told = peer.turn(None);
    assert_eq!((&told.seen.turn, told.seen.answer()), (&turn, TEXT));
    let asked = peer.asked();
    assert_eq!(asked.len(), 4);
    are_attempts(&asked);
}
