//! One turn with two parallel calls, through each of the four APIs, as it should be and with everything that goes wrong.
use crate::{
    aimock::KEY,
    asked::{Asked, are_attempts},
    peer::Peer,
    script::Answer,
    speaks::Speaks,
};
use frames::Frame;
use serde_json::json;

/// Reads one file and writes another.
fn both() -> Answer {
    let calls = [
        ("call_read", "file_read", json!({ "path": "a.txt" })),
        ("call_write", "file_write", json!({ "path": "b.txt", "content": "“beta”\n" })),
    ];
    Answer::says_and_calls("I look and write.", &calls)
}

/// What holds for what an API was asked: the system text once, the key nowhere but in its header, each call with its result.
fn check(asked: &[Asked], speaks: Speaks) {
    for request in asked {
        let roles = request.roles();
        let systems = roles.iter().filter(|role| *role == "system").count();
        assert_eq!(systems, 1, "{speaks:?}: {roles:?}");
        assert!(!request.body.to_string().contains(KEY), "{speaks:?}: a key in a body");
    }
}

/// How many results a request holds, and whether what they answer goes with them.
fn pairs(request: &Asked) -> (usize, bool) {
    // The server puts a call without a name before results whose calls it does not find.
    let calls =
        request.messages().iter().flat_map(|message| message["tool_calls"].as_array().into_iter().flatten());
    let called = calls.filter(|call| call["function"]["name"] != "").count();
    (request.results().len(), called > 0)
}

#[test]
fn two_parallel_calls_through_each_api() {
    for speaks in Speaks::ALL {
        let peer = Peer::speaking(speaks, &[&[both()], &[Answer::says("done, and done")]]);
        let told = peer.turn(Some("read a.txt and write b.txt"));
        assert_eq!(told.seen.called(), ["file_read done", "file_write done"], "{speaks:?}");
        assert_eq!((told.seen.answer(), told.seen.resets), ("done, and done", 0), "{speaks:?}");
        assert_eq!(peer.place.read("b.txt").as_deref(), Some("“beta”\n"), "{speaks:?}");
        let asked = peer.asked();
        check(&asked, speaks);
        let [first, second] = &asked[..] else { panic!("two requests: {asked:#?}") };
        assert_ne!(first.key, second.key, "another question has another key");
        // A server that remembers is sent the results alone.
        assert_eq!(pairs(second), (2, speaks.sends_all()), "{speaks:?}: {second:#?}");
        assert!(second.results()[0].contains("alpha"), "{speaks:?}: {second:#?}");
    }
}

#[test]
fn whatever_goes_wrong_is_tried_again_through_each_api() {
    for speaks in Speaks::ALL {
        let wrong = [
            Answer::fails(429, "rate_limit_exceeded", "slow down").retry_after(1),
            Answer::fails(500, "server_error", "sorry"),
            Answer::chaos("malformedRate"),
            both().cut_behind(4),
        ];
        let attempts = [&wrong[..], &[both()]].concat();
        let peer = Peer::speaking(speaks, &[&attempts, &[Answer::says("at last")]]);
        let told = peer.turn(Some("read a.txt and write b.txt"));
        assert_eq!((told.seen.answer(), told.seen.called().len()), ("at last", 2), "{speaks:?}");
        let asked = peer.asked();
        check(&asked, speaks);
        are_attempts(&asked[..5]);
        assert!(asked[1].at_ms - asked[0].at_ms >= 1_000, "{speaks:?}: it was not waited for");
        assert!(asked[3].is_cut, "{speaks:?}: {:#?}", asked[3]);
        assert_eq!(pairs(&asked[5]), (2, speaks.sends_all()), "{speaks:?}");
    }
}

#[test]
fn another_model_stands_in_through_another_api() {
    let busy = Answer::fails(503, "overloaded", "try later");
    // The first round is answered by the one, then it fails: the other goes on where it was.
    let first = Peer::speaking(Speaks::Messages, &[&[both()], &[busy.clone(), busy.clone(), busy]]);
    let second = crate::aimock::Aimock::start(Speaks::Gemini, &[&[], &[Answer::says("done by another")]]);
    first.stood_in_for_by(&second, 1);
    let told = first.turn(Some("read a.txt and write b.txt"));
    assert_eq!((told.seen.answer(), told.seen.called().len()), ("done by another", 2));
    let said: Vec<_> = told.frames.iter().filter_map(crate::peer::progress).collect();
    assert!(said.contains(&"o4-mini answers instead"), "{said:?}");
    assert!(told.seen.resets > 0, "listeners start over");
    let asked = second.asked();
    check(&asked, Speaks::Gemini);
    assert_eq!(asked.len(), 1);
    assert_eq!(pairs(&asked[0]), (2, true), "{asked:#?}");
    let Some(Frame::TurnCompleted(_)) = told.frames.last() else { panic!("{told:#?}") };
}
