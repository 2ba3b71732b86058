//! Questions as they are sent.
use super::*;
use domain::{AnswerForm, CallOutcome, Fragment, Json, ProviderState, ToolCall};
use expect_test::{Expect, expect};

/// The contents of a request, one per line.
fn check(messages: Vec<Message>, model: &str, expected: Expect) {
    let body = sent(&question(messages), model);
    let lines = body["contents"].as_array().expect("there are contents").iter().map(Value::to_string);
    expected.assert_eq(&lines.collect::<Vec<_>>().join("\n"));
}

fn result(position: u32, call: ToolCall, text: &str) -> Message {
    let outcome = if text.is_empty() { CallOutcome::Failed } else { CallOutcome::Done };
    Message::Tool { position, call, outcome, text: text.into() }
}

#[test]
fn results_name_their_tools_and_stand_together() {
    let (x, y) = (call("", "x", "{\"q\":1}"), call("id-2", "y", "nonsense"));
    let story = vec![
        user("go"),
        Message::assistant("I look.", vec![x.clone(), y.clone()]),
        result(0, x.clone(), "one"),
        result(1, y, ""),
        result(2, x, "nobody's"),
        user("and now?"),
    ];
    check(
        story.clone(),
        "gemini-2.5-flash",
        expect![[r#"
        {"parts":[{"text":"go"}],"role":"user"}
        {"parts":[{"text":"I look."},{"functionCall":{"args":{"q":1},"name":"x"}},{"functionCall":{"args":{"malformed":"nonsense"},"id":"id-2","name":"y"}}],"role":"model"}
        {"parts":[{"functionResponse":{"name":"x","response":{"result":"one"}}},{"functionResponse":{"id":"id-2","name":"y","response":{"error":""}}},{"text":"and now?"}],"role":"user"}"#]],
    );
    // The third generation wants to see that somebody signed.
    let body = sent(&question(story), "gemini-3-pro-preview");
    expect![[r#"{"parts":[{"text":"I look."},{"functionCall":{"args":{"q":1},"name":"x"},"thoughtSignature":"skip_thought_signature_validator"},{"functionCall":{"args":{"malformed":"nonsense"},"id":"id-2","name":"y"}}],"role":"model"}"#]].assert_eq(&body["contents"][1].to_string());
}

#[test]
fn signatures_go_back_in_the_part_they_came_with() {
    let body = r#"{"candidates":[{"content":{"parts":[{"text":"I look.","thoughtSignature":"w"},{"functionCall":{"name":"x","args":{}},"thoughtSignature":"s"},
        {"functionCall":{"name":"y","args":{}}}]},"finishReason":"STOP"}]}"#;
    let model = "gemini-3-pro-preview";
    let parser =
        wire(model).written(&question(vec![user("hi")]), Context::New).expect("it can be asked").parser;
    let (fragments, _) = kit::read(parser, [body.as_bytes()]);
    let state = fragments.into_iter().find_map(|fragment| match fragment {
        Fragment::State(state) => Some(state),
        _ => None,
    });
    let state = state.expect("there is something to give back");
    expect![[r#"{"calls":["s",null],"words":"w"}"#]].assert_eq(state.body.as_str());
    let calls = vec![call("", "x", "{}"), call("", "y", "{}")];
    let back = |state: ProviderState| {
        let answered =
            Message::Assistant { text: "I look.".into(), calls: calls.clone(), state: Some(state) };
        sent(&question(vec![user("go"), answered]), model)["contents"][1]["parts"].to_string()
    };
    expect![[r#"[{"text":"I look.","thoughtSignature":"w"},{"functionCall":{"args":{},"name":"x"},"thoughtSignature":"s"},{"functionCall":{"args":{},"name":"y"}}]"#]].assert_eq(&back(state.clone()));
    expect![[r#"[{"text":"I look."},{"functionCall":{"args":{},"name":"x"},"thoughtSignature":"skip_thought_signature_validator"},{"functionCall":{"args":{},"name":"y"}}]"#]].assert_eq(&back(ProviderState { of: "gemini elsewhere".into(), ..state }));
}

#[test]
fn schemas_are_put_into_googles_form() {
    let spec = |parameters: &str| domain::ToolSpec {
        name: "x".into(),
        description: "Does.".into(),
        parameters: Json::printed(parameters.into()),
        tier: domain::Tier::ReadOnly,
        recovery: domain::Recovery::Pure,
    };
    let declared = |parameters: &str| {
        let mut asked = question(vec![user("hi")]);
        asked.tools = vec![spec(parameters)];
        sent(&asked, "m")["tools"][0]["functionDeclarations"][0].to_string()
    };
    expect![[r#"{"description":"Does.","name":"x"}"#]]
        .assert_eq(&declared(r#"{"type":"object","properties":{},"additionalProperties":false}"#));
    expect![[r#"{"description":"Does.","name":"x","parameters":{"properties":{"a":{"nullable":true,"type":"string"},"b":{"anyOf":[{"type":"string"},{"type":"integer"}]},"c":{"enum":["k"],"type":"string"},"d":{"properties":{"again":{"properties":{"again":{"properties":{"again":{"properties":{"again":{"properties":{"again":{}},"type":"object"}},"type":"object"}},"type":"object"}},"type":"object"}},"type":"object"},"e":{"items":{"anyOf":[{"type":"string"},{"type":"integer"}]},"type":"array"}},"required":["a"],"type":"object"}}"#]].assert_eq(&declared(
        r##"{"$schema":"x","type":"object","additionalProperties":false,"required":["a"],"properties":{
            "a":{"type":["string","null"],"format":"uri"},"b":{"type":["string","integer"]},"c":{"const":"k"},
            "d":{"$ref":"#/$defs/d"},"e":{"type":"array","items":{"oneOf":[{"type":"string"},{"type":"integer","enum":[1]}]}}},
            "$defs":{"d":{"type":"object","properties":{"again":{"$ref":"#/$defs/d"}}}}}"##,
    ));
}

#[test]
fn instructions_forms_and_where_it_goes() {
    let mut asked = question(vec![user("hi")]);
    asked.instructions = "be brief".into();
    asked.form =
        AnswerForm::JsonSchema(Json::printed(r#"{"type":"object","additionalProperties":false}"#.into()));
    expect![[r#"
        {
          "contents": [
            {
              "parts": [
                {
                  "text": "hi"
                }
              ],
              "role": "user"
            }
          ],
          "generationConfig": {
            "maxOutputTokens": 100,
            "responseMimeType": "application/json",
            "responseSchema": {
              "type": "object"
            }
          },
          "systemInstruction": {
            "parts": [
              {
                "text": "be brief"
              }
            ]
          }
        }"#]]
    .assert_eq(&format!("{:#}", sent(&asked, "m")));
    asked.form = AnswerForm::JsonObject;
    expect![[r#"{"maxOutputTokens":100,"responseMimeType":"application/json"}"#]]
        .assert_eq(&sent(&asked, "m")["generationConfig"].to_string());
    let url = |model: &str, streams| {
        let server = crate::Server { streams, ..kit::server(Api::Gemini, model) };
        Gemini::new(&server).expect("it can be asked").url.to_string()
    };
    expect!["https://example.com/v1beta/models/m:streamGenerateContent?alt=sse"].assert_eq(&url("m", true));
    expect!["https://example.com/v1beta/tunedModels/m:generateContent"]
        .assert_eq(&url("tunedModels/m", false));
}
