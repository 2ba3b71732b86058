//! Bodies as servers send them, with what they come to.
use super::*;
use expect_test::{Expect, expect};

/// Each chunk is the inside of a `data:` line; how they are cut makes no difference.
fn check(chunks: &[&str], expected: Expect) {
    let body: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    check_body(&body, expected);
}
fn check_body(body: &str, expected: Expect) {
    let (fragments, ended) = read([body.as_bytes()]);
    assert_eq!(read(body.as_bytes().chunks(1)), (fragments.clone(), ended.clone()), "cut into bytes");
    expected.assert_eq(&kit::outcome(&fragments, ended));
}

const STOP: &str = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;

#[test]
fn text_thoughts_and_refusals() {
    check(
        &[
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
            r#"{"choices":[{"index":1,"delta":{"content":"another choice"}},{"index":0,"delta":{"content":"Grü"}}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"ße"},"finish_reason":"stop"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1},"cost":0.0000012}}"#,
            "[DONE]",
            "what is behind the end",
        ],
        expect!["Grüße · stop, 3+2, 2 µ$"],
    );
    check(
        &[
            r#"{"choices":[{"delta":{"reasoning_content":"well","reasoning":"well"}}]}"#,
            r#"{"choices":[{"delta":{"reasoning":", yes"}}]}"#,
            r#"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":" or"}]},{"type":"text","text":"no"}]}}]}"#,
            STOP,
        ],
        expect!["(well, yes or) no · stop"],
    );
    check(
        &[
            r#"{"choices":[{"delta":{"refusal":"I can't"}}]}"#,
            r#"{"choices":[{"delta":{"refusal":" do it"}}]}"#,
            STOP,
        ],
        expect![" · refused: I can't do it"],
    );
    check(
        &[r#"{"choices":[{"delta":{"content":"so"},"finish_reason":"content_filter"}]}"#],
        expect!["so · refused: the provider's content filter ended the answer"],
    );
    check(&[r#"{"choices":[{"delta":{"content":"so"},"finish_reason":"length"}]}"#], expect!["so · length"]);
}

#[test]
fn calls_in_pieces() {
    check(
        &[
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"x","arguments":""}},{"index":1,"id":"b","function":{"name":"y","arguments":"{"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"function":{"arguments":"}"}},{"index":0,"function":{"arguments":"{\"q\":1}"}}]}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        ],
        expect![[r#" [a x {\"q\":1}] [b y {}] · calls"#]],
    );
    // A server that says `stop` behind a call, and one that says `tool_calls` behind none.
    check(
        &[r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"x","arguments":{"q":1}}}]}}]}"#, STOP],
        expect![[r#" [ x {\"q\":1}] · calls"#]],
    );
    check(
        &[r#"{"choices":[{"delta":{"content":"hm"},"finish_reason":"tool_calls"}]}"#],
        expect!["hm · stop"],
    );
    // Nothing is called without a name, and nothing that was cut off.
    check(
        &[
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{}"}}]}}]}"#,
            STOP,
        ],
        expect!["! call 0 of the answer names no tool"],
    );
    check(
        &[
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"x","arguments":"{}"}}]}}]}"#,
            "[DONE]",
        ],
        expect!["! the model is unavailable: the answer was cut off: it ended without a finish reason"],
    );
}

#[test]
fn a_server_that_does_not_stream() {
    let whole = r#" {"choices":[{"index":0,"message":{"role":"assistant","content":"hi","reasoning":"hm","tool_calls":[
        {"id":"a","function":{"name":"x","arguments":"{}"}},{"id":"a","function":{"name":"x","arguments":"{}"}}]},"finish_reason":"tool_calls"}],
        "usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    check_body(whole, expect!["(hm) hi [a x {}] [a x {}] · calls, 1+2, 0 µ$"]);
    check_body(
        r#"{"error":{"message":"no such thing","type":"invalid_request_error"}}"#,
        expect![
            "! the model refused the question: the answer was an error, invalid_request_error: no such thing"
        ],
    );
    check_body(
        r#"{"choices":[{"message":{"content":"ha"#,
        expect![[
            r#"! the model broke its protocol: it answered what is not JSON: {"choices":[{"message":{"content":"ha"#
        ]],
    );
    check_body(
        "<!doctype html>\n<title>Sign in\n here</title>",
        expect!["! the model broke its protocol: it answered a page of HTML: Sign in here"],
    );
    check_body(
        "",
        expect!["! the model is unavailable: the answer was cut off: it ended without a finish reason"],
    );
    check_body(
        "hello?\n",
        expect!["! the model is unavailable: the answer was cut off: it ended without a finish reason"],
    );
}

#[test]
fn errors_inside_a_stream() {
    let said = r#"{"choices":[{"delta":{"content":"so "}}]}"#;
    check(
        &[said, r#"{"error":{"message":"overloaded","code":502}}"#, STOP],
        expect!["! the model is unavailable: the answer was an error, 502: overloaded"],
    );
    check(
        &[said, r#"{"error":{"message":"slow down","type":"rate_limit_error","code":"rate_limited"}}"#],
        expect!["! the model is unavailable: the answer was an error, rate_limit_error: slow down"],
    );
    check(
        &[said, r#"{"object":"error","message":"too long","type":"BadRequestError","code":400}"#],
        expect!["! the model refused the question: the answer was an error, BadRequestError: too long"],
    );
    check_body(
        "event: error\ndata: {\"message\":\"gone\"}\n\n",
        expect!["! the model is unavailable: the answer was an error: gone"],
    );
    check(
        &[said, r#"{"choices":[{"delta":{},"finish_reason":"error"}]}"#],
        expect!["! the model is unavailable: the server gave up on the answer (error)"],
    );
    check(
        &[said, "{\"choices\":["],
        expect![[r#"! the model broke its protocol: it answered what is not JSON: {"choices":["#]],
    );
    // Behind an end, an error takes nothing back.
    check(&[said, STOP, r#"{"error":{"message":"late"}}"#], expect!["so  · stop"]);
    check(
        &[
            r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#,
            r#"{"error":{"message":"limit","code":400}}"#,
        ],
        expect!["! the model refused the question: the answer was an error, 400: limit"],
    );
}

#[test]
fn a_stream_that_is_cut_anywhere_is_no_answer() {
    let body = format!("data: {}\n\ndata: {STOP}\n\n", r#"{"choices":[{"delta":{"content":"so"}}]}"#);
    // Without the blank line the last event is whole as well: its line had ended.
    for end in 0..body.len() - 1 {
        let (fragments, ended) = read([&body.as_bytes()[..end]]);
        let whole = fragments.iter().any(|fragment| matches!(fragment, Fragment::Finish(_)));
        assert!(ended.is_err() && !whole, "cut at {end}");
    }
    assert!(read([&body.as_bytes()[..body.len() - 1]]).1.is_ok());
}

#[test]
fn a_stream_that_never_ends_is_given_up_on() {
    let mut reader = Body::read_by(Box::<Chunks>::default());
    let mut fragments = Out::new();
    let comment = format!(":{}\n", "x".repeat(1 << 20));
    let pushed = (0..300).try_for_each(|_| reader.push(comment.as_bytes(), &mut fragments));
    let fault = pushed.expect_err("300 MiB are too much");
    assert_eq!(
        fault.to_string(),
        "the model broke its protocol: the answer does not end: it has more than 268435456 bytes"
    );
    let endless = format!("data: {}", "x".repeat(9 << 20));
    let fault = read([endless.as_bytes()]).1.expect_err("9 MiB are too much");
    assert_eq!(
        fault.to_string(),
        "the model broke its protocol: an event of the stream holds more than 8388608 bytes"
    );
}
