//! Bytes that no server should send: none makes a parser panic, hang, grow without a bound or end an answer twice.
use super::*;
use crate::testing;
use serde_json::{Value, json};

fn survive(api: Api, bytes: &[u8]) {
    match api {
        Api::Chat => testing::fuzz_chat(bytes),
        Api::Responses => testing::fuzz_responses(bytes),
        Api::Messages => testing::fuzz_messages(bytes),
        Api::Gemini => testing::fuzz_gemini(bytes),
    }
}

#[test]
fn bytes_that_are_no_text_are_survived() {
    for BodyOf { api, bytes, .. } in corpus() {
        for at in (0..bytes.len()).step_by(13) {
            for wrong in [0xff, 0xc3, 0x00] {
                let mut damaged = bytes.clone();
                damaged[at] = wrong;
                survive(api, &damaged);
            }
        }
    }
}

/// Every value that can be made of one by putting something else in one place of it.
fn misshapen(value: &Value, into: &mut Vec<Value>, put: &dyn Fn(Value) -> Value) {
    for other in
        [json!(null), json!(-1), json!(1e300), json!("x"), json!([{}]), json!({ "type": 7 }), json!(true)]
    {
        into.push(put(other));
    }
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                misshapen(field, into, &|other| {
                    let mut changed = value.clone();
                    changed[name] = other;
                    put(changed)
                });
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                misshapen(item, into, &|other| {
                    let mut changed = value.clone();
                    changed[place] = other;
                    put(changed)
                });
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn json_of_the_wrong_shape_is_survived() {
    for BodyOf { api, bytes, name } in corpus().into_iter().filter(|body| body.name.starts_with("calls")) {
        let text = String::from_utf8(bytes).expect("it is text");
        let events: Vec<&str> = text.split("\n\n").collect();
        for (at, event) in events.iter().enumerate() {
            let Some((head, data)) = event.split_once("data: ") else { continue };
            let Ok(value) = serde_json::from_str::<Value>(data) else { continue };
            let mut shapes = Vec::new();
            misshapen(&value, &mut shapes, &|changed| changed);
            for shape in shapes {
                let mut changed = events.clone();
                let odd = format!("{head}data: {shape}");
                changed[at] = &odd;
                let (fragments, ended) = read(api, [changed.join("\n\n").as_bytes()]);
                let ends = fragments.iter().filter(|part| matches!(part, Fragment::Finish(_))).count();
                assert_eq!(ends, usize::from(ended.is_ok()), "{name}: {odd}");
            }
        }
    }
}

#[test]
fn events_that_come_twice_or_not_at_all_are_survived() {
    for BodyOf { api, bytes, .. } in corpus().into_iter().filter(BodyOf::is_stream) {
        let text = String::from_utf8(bytes).expect("it is text");
        let events: Vec<&str> = text.split_inclusive("\n\n").collect();
        for at in 0..events.len() {
            let mut twice = events.clone();
            twice.insert(at, events[at]);
            survive(api, twice.concat().as_bytes());
            let mut without = events.clone();
            without.remove(at);
            survive(api, without.concat().as_bytes());
            let mut swapped = events.clone();
            swapped.swap(at, at.saturating_sub(1));
            survive(api, swapped.concat().as_bytes());
        }
    }
}

#[test]
fn a_line_without_an_end_is_given_up_on_before_it_fills_the_memory() {
    let megabyte = vec![b'x'; 1 << 20];
    for api in Api::ALL {
        for head in [&b"data: "[..], b"{\"text\":\"", b": "] {
            let mut pieces = 0;
            let lines = std::iter::once(head).chain(
                std::iter::repeat_with(|| {
                    pieces += 1;
                    megabyte.as_slice()
                })
                .take(100),
            );
            let (fragments, ended) = read(api, lines);
            assert!(fragments.is_empty() && matches!(ended, Err(ModelFault::Broken(_))), "{ended:?}");
            assert!(pieces <= 9, "{pieces} MiB were taken");
        }
    }
}

#[test]
fn arguments_that_are_no_json_and_deltas_of_nothing_come_through_as_they_are() {
    let answer = |api: Api, body: &str| {
        let (fragments, ended) = read(api, [body.as_bytes()]);
        ended.expect("it is whole");
        let mut collector = domain::Collector::default();
        fragments.into_iter().for_each(|fragment| collector.take(fragment));
        collector
            .finish()
            .expect("it is an answer")
            .calls
            .into_iter()
            .map(|call| call.arguments)
            .collect::<Vec<_>>()
    };
    for BodyOf { api, bytes, .. } in corpus().into_iter().filter(|body| body.name == "calls.sse") {
        let text = String::from_utf8(bytes).expect("it is text");
        let odd = text.replace(r#"\"ü.txt\"}"#, "oops");
        match api {
            // Its arguments are part of its JSON: they are an object, or the whole is none.
            Api::Gemini => assert_eq!(answer(api, &text), [r#"{"path":"ü.txt"}"#, r#"{"path":"."}"#]),
            Api::Chat | Api::Responses | Api::Messages => {
                // A server whose last word differs from its pieces: the pieces count.
                assert_eq!(answer(api, &odd), [r#"{"path":oops"#, r#"{"path":"."}"#]);
            }
        }
    }
}
