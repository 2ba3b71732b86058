//! Two calls in one answer: both are carried out, and each has its own result in what is asked next.
use crate::{peer::Peer, script::Answer};
use frames::Frame;
use serde_json::json;

const PROMPT: &str = "read a.txt, and write greeting.txt";

#[test]
fn both_calls_have_their_results() {
    let calls = [
        ("call_read", "file_read", json!({ "path": "a.txt" })),
        ("call_write", "file_write", json!({ "path": "greeting.txt", "content": "good morning, “Welt”\n" })),
    ];
    let first = Answer::says_and_calls("I look and write.", &calls).usage(100, 20);
    let peer = Peer::with(&[&[first], &[Answer::says("a.txt says alpha.").usage(150, 5)]]);
    let told = peer.turn(Some(PROMPT));
    assert_eq!(told.seen.called(), ["file_read done", "file_write done"]);
    assert_eq!((told.seen.answer(), told.seen.resets), ("a.txt says alpha.", 0));
    assert_eq!(peer.place.read("greeting.txt").as_deref(), Some("good morning, “Welt”\n"));

    let asked = peer.asked();
    let [first, second] = &asked[..] else { panic!("two requests: {asked:#?}") };
    assert_eq!((first.roles(), first.status), (vec!["system".into(), "user".into()], 200));
    assert_eq!(first.messages()[1]["content"], PROMPT);
    assert_eq!(second.roles()[2..], ["assistant call_read call_write", "tool call_read", "tool call_write"]);
    assert_eq!(second.messages()[..2], *first.messages(), "what was said stays as it was");
    assert_eq!(second.messages()[2]["content"], "I look and write.");
    assert!(
        second.results()[0].contains("alpha") && second.results()[1].contains("greeting.txt"),
        "{second:#?}"
    );
    assert_ne!(first.key, second.key, "another question has another key");
    assert_eq!((first.attempt.as_str(), second.attempt.as_str()), ("1", "1"));

    let Some(Frame::TurnCompleted(done)) = told.frames.last() else { panic!("{told:#?}") };
    let usage = done.response.usage.expect("the peer said what was used");
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (250, 25));
}

#[test]
fn calls_with_one_id_are_told_apart() {
    let read = |path: &str| ("call_1", "file_read", json!({ "path": path }));
    let first = Answer::calls(&[read("a.txt"), read("b.txt")]);
    let second = Answer::calls(&[read("a.txt")]);
    let peer = Peer::with(&[&[first], &[second], &[Answer::says("alpha, beta, alpha")]]);
    assert_eq!(peer.turn(Some("read them")).seen.called(), ["file_read done"; 3]);
    let asked = peer.asked();
    let last = asked.last().expect("it was asked");
    let results: Vec<_> = last.results().iter().map(|result| result.contains("alpha")).collect();
    assert_eq!(results, [true, false, true], "{last:#?}");
    let ids: Vec<_> =
        last.roles().into_iter().filter_map(|role| role.strip_prefix("tool ").map(str::to_owned)).collect();
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
}

#[test]
fn a_second_prompt_comes_with_all_that_was_said() {
    let call = Answer::calls(&[("call_read", "file_read", json!({ "path": "b.txt" }))]);
    let peer = Peer::with(&[&[call], &[Answer::says("beta")], &[Answer::says("as I said: beta")]]);
    peer.turn(Some("what is in b.txt?"));
    assert_eq!(peer.turn(Some("again?")).seen.answer(), "as I said: beta");
    let asked = peer.asked();
    let roles = asked.last().expect("it was asked").roles();
    assert_eq!(roles, ["system", "user", "assistant call_read", "tool call_read", "assistant", "user"]);
}

#[test]
fn thoughts_are_shown_and_not_sent_back() {
    let thought = "alpha is a letter, and a word";
    let call = ("call_read", "file_read", json!({ "path": "a.txt" }));
    let first = Answer::calls_and_says(call, "I look.").thinks(thought);
    let peer = Peer::with(&[&[first], &[Answer::says("alpha").thinks("that was it")]]);
    let told = peer.turn(Some("what is in a.txt?"));
    assert_eq!((told.seen.answer(), told.seen.called()), ("alpha", vec!["file_read done".to_owned()]));
    let thinks = |frame: &Frame| matches!(frame, Frame::ReasoningDelta(it) if thought.contains(&it.delta));
    assert!(told.frames.iter().filter(|frame| thinks(frame)).count() > 1, "{told:#?}");
    let asked = peer.asked();
    assert!(!asked[1].body.to_string().contains(thought), "{asked:#?}");
    assert_eq!(asked[1].messages()[2]["content"], "I look.", "words behind a call are kept");
}
