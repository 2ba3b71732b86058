//! Events as servers send them, with what they come to.
use super::*;
use crate::wire::Past;
use expect_test::{Expect, expect};

fn check(events: &[&str], expected: Expect) {
    let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    check_body(&body, expected);
}
fn check_body(body: &str, expected: Expect) {
    let parser =
        || -> Box<Events> { Box::new(Events::new(wire().origin, "s".into(), Past::EMPTY.written())) };
    let (fragments, ended) = kit::read(parser(), [body.as_bytes()]);
    assert_eq!(
        kit::read(parser(), body.as_bytes().chunks(1)),
        (fragments.clone(), ended.clone()),
        "cut into bytes"
    );
    expected.assert_eq(&kit::outcome(&fragments, ended));
}

const DONE: &str = r#"{"type":"response.completed","response":{"id":"resp_1","status":"completed","usage":{"input_tokens":30,"input_tokens_details":{"cached_tokens":20},"output_tokens":5}}}"#;

#[test]
fn text_thoughts_and_refusals() {
    check(
        &[
            r#"{"type":"response.created","response":{"id":"resp_1","status":"in_progress","error":null}}"#,
            r#"{"type":"response.reasoning_summary_part.added","output_index":0,"summary_index":0}"#,
            r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"delta":"well"}"#,
            r#"{"type":"response.reasoning_summary_part.added","output_index":0,"summary_index":1}"#,
            r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"delta":"yes"}"#,
            r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"message","content":[]}}"#,
            r#"{"type":"response.output_text.delta","output_index":1,"delta":"Grü"}"#,
            r#"{"type":"response.output_text.delta","output_index":1,"delta":""}"#,
            r#"{"type":"response.output_text.delta","output_index":1,"delta":"ße"}"#,
            r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"message","content":[{"type":"output_text","text":"Grüße"}]}}"#,
            DONE,
            r#"{"type":"error","message":"what is behind the end"}"#,
        ],
        expect![[r#"(well\n\nyes) Grüße · stop, 30+5, 0 µ$"#]],
    );
    check(
        &[
            r#"{"type":"response.refusal.delta","output_index":0,"delta":"I can't"}"#,
            r#"{"type":"response.refusal.delta","output_index":0,"delta":" do it"}"#,
            DONE,
        ],
        expect![" · refused: I can't do it, 30+5, 0 µ$"],
    );
    check(
        &[
            r#"{"type":"response.output_text.delta","output_index":0,"delta":"so"}"#,
            r#"{"type":"response.incomplete","response":{"id":"r","status":"incomplete","incomplete_details":{"reason":"content_filter"}}}"#,
        ],
        expect!["so · refused: the provider's content filter ended the answer"],
    );
    check(
        &[
            r#"{"type":"response.output_text.delta","output_index":0,"delta":"so"}"#,
            r#"{"type":"response.incomplete","response":{"id":"r","status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#,
        ],
        expect!["so · length"],
    );
}

#[test]
fn calls_in_pieces_and_whole() {
    check(
        &[
            r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"a","name":"x","arguments":""}}"#,
            r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","call_id":"b","name":"y","arguments":""}}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":1,"delta":"{"}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":0,"delta":"{\"q\":"}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":1,"delta":"}"}"#,
            r#"{"type":"response.function_call_arguments.delta","output_index":0,"delta":"1}"}"#,
            r#"{"type":"response.function_call_arguments.done","output_index":0,"arguments":"{\"q\":1}"}"#,
            r#"{"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","call_id":"b","name":"y","arguments":"{}"}}"#,
            DONE,
        ],
        expect![[r#" [a x {\"q\":1}] [b y {}] · calls, 30+5, 0 µ$"#]],
    );
    // A server that sends items only when they are done, or only with the response.
    check(
        &[
            r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","call_id":"a","name":"x","arguments":"{}"}}"#,
            r#"{"type":"response.completed","response":{"id":"r","status":"completed","output":[{"type":"function_call","call_id":"a","name":"x","arguments":"{}"},{"type":"message","content":[{"type":"output_text","text":"hm"}]}]}}"#,
        ],
        expect!["hm [a x {}] · calls"],
    );
    // Arguments of a call that never began: nothing is called.
    check(
        &[r#"{"type":"response.function_call_arguments.delta","output_index":3,"delta":"{}"}"#, DONE],
        expect!["! call 0 of the answer names no tool"],
    );
}

#[test]
fn errors_and_ends() {
    let said = r#"{"type":"response.output_text.delta","output_index":0,"delta":"so "}"#;
    check(
        &[said, r#"{"type":"error","code":"rate_limit_exceeded","message":"slow down","param":null}"#],
        expect!["! the model is unavailable: the answer was an error, rate_limit_exceeded: slow down"],
    );
    check(
        &[
            said,
            r#"{"type":"response.failed","response":{"id":"r","status":"failed","error":{"code":"server_error","message":"sorry"}}}"#,
        ],
        expect!["! the model is unavailable: the answer was an error, server_error: sorry"],
    );
    check(
        &[said, r#"{"type":"response.cancelled","response":{"id":"r","status":"cancelled"}}"#],
        expect!["! the model is unavailable: the server gave up on the answer"],
    );
    check(
        &[said],
        expect!["! the model is unavailable: the answer was cut off: it ended without a finish reason"],
    );
    check(
        &[said, "{\"type\":"],
        expect![[r#"! the model broke its protocol: it answered what is not JSON: {"type":"#]],
    );
    check_body(
        "event: error\ndata: {\"message\":\"gone\"}\n\n",
        expect!["! the model is unavailable: the answer was an error: gone"],
    );
    check_body(
        r#"{"error":{"message":"no such thing","type":"invalid_request_error"}}"#,
        expect![
            "! the model refused the question: the answer was an error, invalid_request_error: no such thing"
        ],
    );
    check_body(
        r#"{"hello":1}"#,
        expect!["! the model broke its protocol: it answered a document that is no response"],
    );
}

#[test]
fn a_response_that_comes_whole() {
    check_body(
        r#" {"id":"resp_1","object":"response","error":null,"status":"completed","output":[
            {"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},
            {"type":"message","content":[{"type":"output_text","text":"hi"}]},
            {"type":"function_call","call_id":"a","name":"x","arguments":"{}"}],
            "usage":{"input_tokens":1,"output_tokens":2}}"#,
        expect!["(hm) hi [a x {}] · calls, 1+2, 0 µ$"],
    );
}
