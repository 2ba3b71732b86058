//! Calls that a model got wrong: it is told, and asked again, in a form that the server takes back.
use crate::{peer::Peer, script::Answer};
use serde_json::json;

#[test]
fn bad_arguments_are_told_and_corrected() {
    let call = |id: &str, arguments| Answer::calls(&[(id, "file_write", arguments)]);
    let peer = Peer::with(&[
        &[call("call_1", json!({ "path": "n.txt", "contents": "x" }))],
        &[call("call_2", json!("{\"path\": \"n.txt\", \"content\": \"half"))],
        &[call("call_3", json!({ "path": "n.txt", "content": "right\n" }))],
        &[Answer::says("written")],
    ]);
    let told = peer.turn(Some("write n.txt"));
    assert_eq!(told.seen.called(), ["file_write refused", "file_write refused", "file_write done"]);
    let [unknown, half] = &told.seen.corrections[..] else { panic!("two corrections: {told:#?}") };
    assert!(unknown.contains("`contents`") && half.contains("JSON"), "{told:#?}");
    assert_eq!(peer.place.read("n.txt").as_deref(), Some("right\n"));

    let asked = peer.asked();
    assert_eq!(asked.len(), 4);
    assert_eq!(asked[1].results(), [unknown], "the model reads what the person reads");
    assert_eq!(asked[2].results(), [unknown, half]);
    let arguments = |n: usize| &asked[3].messages()[n]["tool_calls"][0]["function"]["arguments"];
    // What is JSON goes back as it came; what is none would make a server refuse the whole conversation.
    assert_eq!(*arguments(2), json!({ "path": "n.txt", "contents": "x" }).to_string());
    assert!(arguments(4).as_str().is_some_and(|text| text.contains("half")), "{}", arguments(4));
}

#[test]
fn of_two_calls_one_is_wrong() {
    let calls = [
        ("call_1", "file_read", json!({ "path": "a.txt" })),
        ("call_2", "file_melt", json!({ "path": "a.txt" })),
    ];
    let peer = Peer::with(&[&[Answer::calls(&calls)], &[Answer::says("alpha, and nothing melts")]]);
    let told = peer.turn(Some("read a.txt and melt it"));
    assert_eq!(told.seen.called(), ["file_read done", "file_melt refused"]);
    let asked = peer.asked();
    let [read, melt] = asked[1].results()[..] else { panic!("two results: {asked:#?}") };
    assert!(read.contains("alpha") && melt.contains("file_melt"), "{asked:#?}");
}
