//! A server that is busy, breaks off, or says what makes no sense: the question is asked again under the same key, that is
//! said, and half an answer is never acted on.
use crate::{
    asked::{Asked, are_attempts},
    peer::Peer,
    script::Answer,
};
use frames::{ErrorCode, Frame};
use serde_json::json;

/// What attempts are said to be, up to this one.
fn said(attempts: usize) -> Vec<String> {
    let later = (2..=attempts).map(|attempt| format!("asking the model, attempt {attempt}"));
    ["asking the model".to_owned()].into_iter().chain(later).collect()
}

#[test]
fn a_busy_server_is_asked_again_when_it_said() {
    let busy = Answer::fails(429, "rate_limit_exceeded", "slow down").retry_after(2);
    let peer = Peer::with(&[&[busy, Answer::says("now")]]);
    let told = peer.turn(Some("hello"));
    assert_eq!((told.seen.answer(), told.askings()), ("now", said(2).iter().map(String::as_str).collect()));
    let asked = peer.asked();
    are_attempts(&asked);
    assert_eq!(asked.iter().map(|asked| asked.status).collect::<Vec<_>>(), [429, 200]);
    let waited = asked[1].at_ms - asked[0].at_ms;
    assert!(waited >= 2000, "it came back after {waited} ms");
    let resets: Vec<_> = told.frames.iter().filter_map(attempt_of_reset).collect();
    assert_eq!(resets, [2], "listeners start over");
}

#[test]
fn an_account_with_nothing_left_is_not_asked_again() {
    let peer = Peer::with(&[&[Answer::fails(429, "insufficient_quota", "You exceeded your current quota")]]);
    let frames = peer.oxydra(Some("hello")).done().ended(1).frames();
    let Some(Frame::Error(error)) = frames.last() else { panic!("{frames:#?}") };
    assert!(
        error.code == ErrorCode::TurnFailed && error.message.contains("exceeded your current quota"),
        "{error:?}"
    );
    assert_eq!(peer.asked().len(), 1);
}

#[test]
fn whatever_goes_wrong_is_tried_again() {
    let wrong = [
        Answer::fails(503, "overloaded", "try later"),
        Answer::chaos("dropRate"),
        Answer::chaos("malformedRate"),
        Answer::chaos("disconnectRate"),
    ];
    let attempts = [&wrong[..], &[Answer::says("at last")]].concat();
    let peer = Peer::with(&[&attempts]);
    let told = peer.turn(Some("hello"));
    assert_eq!(
        (told.seen.answer(), told.askings()),
        ("at last", said(5).iter().map(String::as_str).collect())
    );
    are_attempts(&peer.asked());
}

#[test]
fn a_server_that_refuses_for_good_is_believed() {
    let peer = Peer::with(&[&[Answer::fails(400, "context_length_exceeded", "too long for me")]]);
    let frames = peer.oxydra(Some("hello")).done().ended(1).frames();
    let Some(Frame::Error(error)) = frames.last() else { panic!("{frames:#?}") };
    assert!(error.message.contains("too long for me"), "{error:?}");
    assert_eq!(peer.asked().len(), 1);
}

#[test]
fn half_a_call_is_never_carried_out() {
    let call = |line: &str| {
        let arguments = json!({ "path": "log.txt", "content": format!("{line}\n"), "mode": "append" });
        Answer::calls(&[("call_append", "file_write", arguments)])
    };
    // The first chunk is the role, the second the name; arguments follow in pieces, and a last chunk says why it ends.
    let arguments = json!({ "path": "log.txt", "content": "lost\n", "mode": "append" }).to_string();
    let all = 2 + u32::try_from(arguments.len().div_ceil(7)).expect("it is short");
    let cut = [2, all / 2, all].map(|chunks| call("lost").cut_behind(chunks));
    let attempts = [&cut[..], &[call("once")]].concat();
    let peer = Peer::with(&[&attempts, &[Answer::says("appended")]]);
    let told = peer.turn(Some("append to log.txt"));
    assert_eq!((told.seen.answer(), told.seen.called()), ("appended", vec!["file_write done".to_owned()]));
    assert_eq!(peer.place.read("log.txt").as_deref(), Some("once\n"));
    let asked = peer.asked();
    are_attempts(&asked[..4]);
    assert_eq!(asked.iter().map(|asked| asked.is_cut).collect::<Vec<_>>(), [true, true, true, false, false]);
    assert_eq!(
        asked[4].roles()[2..],
        ["assistant call_append", "tool call_append"],
        "the model hears of one call"
    );
}

#[test]
fn listeners_start_over_when_an_answer_is_cut() {
    let text = "one two three four five six seven eight nine ten";
    let peer = Peer::with(&[&[Answer::says(text).cut_behind(5), Answer::says(text)]]);
    let told = peer.turn(Some("count"));
    // That the words behind the last reset are the answer is checked for every turn.
    assert_eq!((told.seen.answer(), told.seen.resets), (text, 1));
    let before = told.frames.iter().take_while(|frame| attempt_of_reset(frame).is_none());
    let heard: String = before.filter_map(delta).collect();
    assert!(!heard.is_empty() && text.starts_with(&heard), "{heard:?}");
    let asked = peer.asked();
    are_attempts(&asked);
    assert_eq!(asked.iter().map(|asked: &Asked| asked.is_cut).collect::<Vec<_>>(), [true, false]);
}

fn attempt_of_reset(frame: &Frame) -> Option<u32> {
    if let Frame::AssistantDelta(it) = frame { it.reset.then_some(it.attempt) } else { None }
}

fn delta(frame: &Frame) -> Option<&str> {
    if let Frame::AssistantDelta(it) = frame { Some(&it.delta) } else { None }
}
