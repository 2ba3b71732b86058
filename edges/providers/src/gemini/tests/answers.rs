//! Chunks as servers send them, with what they come to.
use super::*;
use expect_test::{Expect, expect};

fn check(chunks: &[&str], expected: Expect) {
    let body: String = chunks.iter().map(|chunk| format!("data: {chunk}\r\n\r\n")).collect();
    check_body(&body, expected);
}
fn check_body(body: &str, expected: Expect) {
    let parser = || Box::new(Chunks::new(wire("gemini-2.5-flash").origin));
    let (fragments, ended) = kit::read(parser(), [body.as_bytes()]);
    assert_eq!(
        kit::read(parser(), body.as_bytes().chunks(1)),
        (fragments.clone(), ended.clone()),
        "cut into bytes"
    );
    expected.assert_eq(&kit::outcome(&fragments, ended));
}

fn parts(parts: &str) -> String {
    format!(r#"{{"candidates":[{{"index":0,"content":{{"role":"model","parts":[{parts}]}}}}]}}"#)
}
fn ends(reason: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"parts":[{{"text":""}}]}},"finishReason":"{reason}"}}],"usageMetadata":{{"promptTokenCount":10,"cachedContentTokenCount":8,"toolUsePromptTokenCount":1,"candidatesTokenCount":3,"thoughtsTokenCount":4}}}}"#
    )
}

#[test]
fn text_thoughts_and_ends() {
    check(
        &[
            &parts(r#"{"text":"well","thought":true}"#),
            &parts(r#"{"text":"Grü"},{"text":""},{"inlineData":{"mimeType":"image/png","data":""}}"#),
            r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"another"}]}}]}"#,
            &parts(r#"{"text":"ße"}"#),
            &ends("STOP"),
        ],
        expect!["(well) Grüße · stop, 11+7, 0 µ$"],
    );
    check(&[&parts(r#"{"text":"so"}"#), &ends("MAX_TOKENS")], expect!["so · length, 11+7, 0 µ$"]);
    check(
        &[&parts(r#"{"text":"so"}"#), &ends("SAFETY")],
        expect!["so · refused: the provider's content filter ended the answer (SAFETY), 11+7, 0 µ$"],
    );
    check(
        &[&ends("MALFORMED_FUNCTION_CALL")],
        expect![
            "! the model broke its protocol: the model wrote a call that its own server turned down (MALFORMED_FUNCTION_CALL)"
        ],
    );
    check(
        &[r#"{"promptFeedback":{"blockReason":"OTHER"},"usageMetadata":{"promptTokenCount":4}}"#],
        expect![" · refused: the provider's content filter stopped the question (OTHER), 4+0, 0 µ$"],
    );
    check(
        &[&parts(r#"{"text":"so"}"#)],
        expect!["! the model is unavailable: the answer was cut off: it ended without a finish reason"],
    );
}

#[test]
fn calls_are_counted_over_all_chunks() {
    check(
        &[
            &parts(r#"{"functionCall":{"name":"x","args":{"q":1}},"thoughtSignature":"s"}"#),
            &parts(r#"{"functionCall":{"name":"x","args":{"q":2},"id":"b"}},{"functionCall":{"name":"y"}}"#),
            &ends("STOP"),
        ],
        expect![[r#" [ x {\"q\":1}] [b x {\"q\":2}] [ y {}] · calls, 11+7, 0 µ$"#]],
    );
    check(
        &[&parts(r#"{"functionCall":{"args":{}}}"#), &ends("STOP")],
        expect!["! call 0 of the answer names no tool"],
    );
}

#[test]
fn errors() {
    let said = parts(r#"{"text":"so"}"#);
    check(
        &[&said, r#"{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}"#],
        expect!["! the model is unavailable: the answer was an error, 503: overloaded"],
    );
    let asked_to_wait = r#"[{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED","details":[
        {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"17s"}]}}]"#;
    check_body(asked_to_wait, expect!["! the model is unavailable: the answer was an error, 429: slow down"]);
    let (_, ended) = kit::read(Box::new(Chunks::new(wire("m").origin)), [asked_to_wait.as_bytes()]);
    assert!(
        matches!(ended, Err(ModelFault::Unavailable { retry_after: Some(wait), .. }) if wait.as_secs() == 17)
    );
}

#[test]
fn answers_that_come_whole() {
    let whole = format!("[{},\n{}]", parts(r#"{"text":"hi"}"#), ends("STOP"));
    check_body(&whole, expect!["hi · stop, 11+7, 0 µ$"]);
    check_body(
        &whole[1..whole.find(",\n").expect("it has two")],
        expect!["! the model is unavailable: the answer was cut off: it ended without a finish reason"],
    );
}
