//! What is sent when the server remembers, and when it must not be taken to.
use super::*;
use crate::wire::tests::{call, result};
use domain::{ProviderState, SessionId};
use expect_test::{Expect, expect};
use serde_json::json;

/// An answer behind `past`, in session `s`, with the state that its API wants back.
fn answered(past: &[Message], session: &str, text: &str, calls: &[domain::ToolCall]) -> Message {
    let body = json!({ "id": "resp_1", "session": session, "past": Past::of(past).written() });
    let crate::wire::Origin(of) = wire().origin;
    let state = ProviderState { of, body: domain::Json::printed(body.to_string()) };
    Message::Assistant { text: text.into(), calls: calls.to_vec(), state: Some(state) }
}

/// What is sent: the id, and each item in short.
fn sent(messages: Vec<Message>, context: Context) -> String {
    let mut asked = question(messages);
    asked.instructions = "be brief".into();
    let Written { body, leans, .. } = wire().written(&asked, context).expect("it can be asked");
    assert_eq!(body["instructions"], "be brief");
    let id = body["previous_response_id"].as_str();
    assert_eq!(id.is_some(), leans);
    let items = body["input"].as_array().expect("a list").iter().map(|item| {
        let field = |name: &str| item[name].as_str().map(|text| format!(" {text}")).unwrap_or_default();
        let words = item["content"][0]["text"].as_str().map(|text| format!(" {text}")).unwrap_or_default();
        let role = item["role"].as_str().or(item["type"].as_str()).unwrap_or_default();
        format!("{role}{}{}{}{words}", field("call_id"), field("arguments"), field("output"))
    });
    format!("{}: {}", id.unwrap_or("everything"), items.collect::<Vec<_>>().join(" · "))
}
fn check(messages: Vec<Message>, expected: Expect) {
    expected.assert_eq(&sent(messages, Context::New));
}

fn story() -> Vec<Message> {
    let mut said = vec![user("read it")];
    said.push(answered(
        &said,
        "s",
        "I look.",
        &[call("fc 1", "file_read", "{}"), call("b", "file_read", "{}")],
    ));
    said.extend([result(0, "one"), result(1, "two")]);
    said
}

#[test]
fn only_what_is_new_is_sent_to_a_server_that_remembers() {
    // By its own ids, whatever they look like.
    let mut said = story();
    for (place, id) in [(2, "fc 1"), (3, "b")] {
        let Message::Tool { call, .. } = &mut said[place] else { unreachable!("it is a result") };
        call.id = id.into();
    }
    check(said.clone(), expect!["resp_1: function_call_output fc 1 one · function_call_output b two"]);
    expect!["everything: user read it · assistant I look. · function_call call_0 {} · function_call b {} · function_call_output call_0 one · function_call_output b two"].assert_eq(&sent(said.clone(), Context::Whole));
    said.push(answered(&said, "s", "it says one and two", &[]));
    said.push(user("thanks"));
    check(said, expect!["resp_1: user thanks"]);
}

#[test]
fn another_past_another_session_and_another_model_are_sent_everything() {
    // The front was cut off to fit the window.
    let mut cut = vec![user("hello"), Message::assistant("hi", vec![])];
    cut.extend(story());
    check(
        cut,
        expect![
            "everything: user hello · assistant hi · user read it · assistant I look. · function_call call_0 {} · function_call b {} · function_call_output call_0 one · function_call_output b two"
        ],
    );
    // What was said before was condensed.
    let mut condensed = story();
    condensed[0] = user("in short");
    check(
        condensed,
        expect![
            "everything: user in short · assistant I look. · function_call call_0 {} · function_call b {} · function_call_output call_0 one · function_call_output b two"
        ],
    );
    // A fork of another session.
    let mut forked = story();
    forked[1] = answered(&forked[..1], "other", "I look.", &[call("a", "x", "{}"), call("b", "y", "{}")]);
    check(
        forked,
        expect![
            "everything: user read it · assistant I look. · function_call a {} · function_call b {} · function_call_output a one · function_call_output b two"
        ],
    );
    // Another model answered last.
    let mut other = story();
    other.push(Message::assistant("done", vec![]));
    other.push(user("thanks"));
    check(
        other,
        expect![
            "everything: user read it · assistant I look. · function_call call_0 {} · function_call b {} · function_call_output call_0 one · function_call_output b two · assistant done · user thanks"
        ],
    );
}

#[test]
fn an_id_is_kept_of_a_whole_answer_whose_calls_can_be_answered() {
    let kept = |events: &[&str]| {
        let asked = question(vec![user("hi")]);
        let Written { parser, .. } = wire().written(&asked, Context::New).expect("it can be asked");
        let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        let (fragments, _) = kit::read(parser, [body.as_bytes()]);
        let state = fragments.into_iter().find_map(|fragment| match fragment {
            domain::Fragment::State(state) => Some(state),
            _ => None,
        });
        state.map(|state| (state.of, Memory::read(&serde_json::from_str(state.body.as_str()).expect("JSON"))))
    };
    let call = |id: &str, place: u32| {
        format!(
            r#"{{"type":"response.output_item.done","output_index":{place},"item":{{"type":"function_call","call_id":"{id}","name":"x","arguments":"{{}}"}}}}"#
        )
    };
    let done = r#"{"type":"response.completed","response":{"id":"resp_9","status":"completed"}}"#;
    let memory = Memory {
        id: "resp_9".into(),
        session: SessionId::parse("s").expect("it is one").to_string(),
        past: Past::of(&[user("hi")]).written(),
    };
    let ours = Some(("responses example.com gpt-x".to_owned(), Some(memory)));
    assert_eq!(kept(&[done]), ours);
    assert_eq!(kept(&[&call("a", 0), &call("b", 1), done]), ours);
    assert_eq!(kept(&[&call("a", 0), &call("a", 1), done]), None, "two calls of one id");
    assert_eq!(kept(&[&call("", 0), done]), None, "a call without an id");
    let half = r#"{"type":"response.incomplete","response":{"id":"resp_9","status":"incomplete"}}"#;
    assert_eq!(kept(&[half]), None, "half an answer");
}
