//! Events as servers send them, with what they come to.
use super::*;
use expect_test::{Expect, expect};

fn check(events: &[&str], expected: Expect) {
    let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    check_body(&body, expected);
}
fn check_body(body: &str, expected: Expect) {
    let parser = || Box::new(Events::new(wire(None).origin));
    let (fragments, ended) = kit::read(parser(), [body.as_bytes()]);
    assert_eq!(
        kit::read(parser(), body.as_bytes().chunks(1)),
        (fragments.clone(), ended.clone()),
        "cut into bytes"
    );
    expected.assert_eq(&kit::outcome(&fragments, ended));
}

const START: &str = r#"{"type":"message_start","message":{"usage":{"input_tokens":10,"cache_read_input_tokens":100,"cache_creation_input_tokens":5,"output_tokens":1}}}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;

fn stop(reason: &str) -> String {
    format!(
        r#"{{"type":"message_delta","delta":{{"stop_reason":"{reason}"}},"usage":{{"output_tokens":7}}}}"#
    )
}

#[test]
fn text_thoughts_and_ends() {
    check(
        &[
            START,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"well"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig"}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Grü"}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":""}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{}}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"ße"}}"#,
            r#"{"type":"content_block_stop","index":1}"#,
            &stop("end_turn"),
            STOP,
            r#"{"type":"error","error":{"message":"what is behind the end"}}"#,
        ],
        expect!["(well) Grüße · stop, 115+7, 0 µ$"],
    );
    let text = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"so"}}"#;
    check(&[text, &stop("max_tokens"), STOP], expect!["so · length, 0+7, 0 µ$"]);
    check(
        &[text, &stop("refusal"), STOP],
        expect!["so · refused: the provider's content filter ended the answer, 0+7, 0 µ$"],
    );
    check(&[text, &stop("model_context_window_exceeded"), STOP], expect!["so · length, 0+7, 0 µ$"]);
    check(&[text, &stop("stop_sequence")], expect!["so · stop, 0+7, 0 µ$"]);
}

#[test]
fn calls_are_counted_apart_from_other_blocks() {
    check(
        &[
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"I look."}}"#,
            r#"{"type":"content_block_start","index":1,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}}"#,
            r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"not\":\"ours\"}"}}"#,
            r#"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"a","name":"x","input":{}}}"#,
            r#"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"b","name":"y","input":{}}}"#,
            r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"p\""}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}"#,
            r#"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            r#"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":":1}"}}"#,
            r#"{"type":"content_block_stop","index":2}"#,
            r#"{"type":"content_block_stop","index":3}"#,
            r#"{"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"c","name":"z","input":{}}}"#,
            r#"{"type":"content_block_stop","index":4}"#,
            &stop("tool_use"),
            STOP,
        ],
        expect![[r#"I look. [a x {}] [b y {\"p\":1}] [c z ] · calls, 0+7, 0 µ$"#]],
    );
    // The limit comes between the name and the arguments: nothing is called.
    check(
        &[
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"x","input":{}}}"#,
            r#"{"type":"content_block_stop","index":0}"#,
            &stop("max_tokens"),
            STOP,
        ],
        expect!["! call 0 of the answer was cut off at its limit"],
    );
    // Deltas of a block that never began, or of another kind.
    check(
        &[
            r#"{"type":"content_block_delta","index":7,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"so"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
            &stop("end_turn"),
            STOP,
        ],
        expect!["so · stop, 0+7, 0 µ$"],
    );
}

#[test]
fn errors_and_cuts() {
    let said = r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"so"}}"#;
    check(
        &[said, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#],
        expect!["! the model is unavailable: the answer was an error, overloaded_error: Overloaded"],
    );
    check_body(
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"no\"}}\n\n",
        expect!["! the model refused the question: the answer was an error, invalid_request_error: no"],
    );
    check(
        &[said],
        expect!["! the model is unavailable: the answer was cut off: it ended without a finish reason"],
    );
    check(
        &[said, STOP],
        expect!["! the model is unavailable: the answer was cut off: it ended without a finish reason"],
    );
    check_body(
        r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
        expect![
            "! the model cannot be used: the server does not accept the key (authentication_error): invalid x-api-key"
        ],
    );
}

#[test]
fn a_message_that_comes_whole() {
    check_body(
        r#" {"type":"message","role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"sig"},
            {"type":"text","text":"hi"},{"type":"tool_use","id":"a","name":"x","input":{"q":1}},
            {"type":"tool_use","id":"b","name":"y","input":{}}],
            "stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}}"#,
        expect![[r#"(hm) hi [a x {\"q\":1}] [b y ] · calls, 1+2, 0 µ$"#]],
    );
}
