//! What a person may ask of a model besides words: files to look at, how it thinks, and in which form it answers. It is read
//! where it arrives, in the words of each API. A key may be in a file, where somebody renews it.
use crate::{
    encoder::{Encoder, Encoding},
    relay::Passed,
    script::Answer,
    speaks::Speaks,
};
use serde_json::{Value, json};
use std::fs;
use tests::Place;

const SCHEMA: &str = r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}"#;

const ANSWER: &str = r#"{"city":"Bern"}"#;

fn started(speaks: Speaks) -> Encoding {
    Encoding::start(Encoder::Aimock, speaks, &[&[Answer::says(ANSWER)]], Vec::new())
}

fn run(place: &Place, flags: &[&str], code: i32) -> tests::Done {
    let oxydra = place.oxydra(&[&["run", "--json", "-p", "which city?"], flags].concat());
    // Anthropic's thoughts count as written: there has to be room for them.
    oxydra.env("OXYDRA__PROVIDERS__REGISTRY__PEER__MAX_OUTPUT_TOKENS", "8000").done().ended(code)
}

fn only(encoding: &Encoding) -> Passed {
    let passed = encoding.passed();
    let [passed] = &passed[..] else { panic!("one request: {passed:#?}") };
    passed.clone()
}

/// Where a request says how much is thought, and that.
fn thinks(speaks: Speaks) -> (&'static str, Value) {
    match speaks {
        Speaks::Chat => ("/reasoning_effort", json!("low")),
        Speaks::Responses => ("/reasoning/effort", json!("low")),
        Speaks::Messages => ("/thinking/budget_tokens", json!(1_024)),
        Speaks::Gemini => ("/generationConfig/thinkingConfig/thinkingBudget", json!(1_024)),
    }
}

/// Where a request has the schema of the answer.
fn schema(speaks: Speaks) -> Option<&'static str> {
    match speaks {
        Speaks::Chat => Some("/response_format/json_schema/schema"),
        Speaks::Responses => Some("/text/format/schema"),
        Speaks::Messages => Some("/output_config/format/schema"),
        // Its models of today's name write JSON or call tools.
        Speaks::Gemini => None,
    }
}

#[test]
fn how_much_is_thought_is_said_in_the_words_of_each_api() {
    for speaks in Speaks::ALL {
        let encoding = started(speaks);
        run(&encoding.place(), &["--thinking", "low"], 0);
        let (pointer, wanted) = thinks(speaks);
        assert_eq!(only(&encoding).body.pointer(pointer), Some(&wanted), "{speaks:?}");
        let silent = started(speaks);
        run(&silent.place(), &[], 0);
        assert_eq!(only(&silent).body.pointer(pointer), None, "{speaks:?}: nobody asked");
    }
}

#[test]
fn an_answer_of_a_form_is_asked_for_with_its_schema() {
    for speaks in Speaks::ALL {
        let encoding = started(speaks);
        let place = encoding.place();
        fs::write(place.root().join("city.json"), SCHEMA).expect("it is written");
        let Some(pointer) = schema(speaks) else {
            let refused = run(&place, &["--json-schema", "city.json"], 2);
            assert!(refused.text().contains("write JSON or call tools, not both"), "{refused:#?}");
            assert!(encoding.passed().is_empty());
            continue;
        };
        let told = run(&place, &["--json-schema", "city.json"], 0);
        assert!(told.text().contains("Bern"), "{told:#?}");
        let wanted: Value = serde_json::from_str(SCHEMA).expect("it is JSON");
        assert_eq!(only(&encoding).body.pointer(pointer), Some(&wanted), "{speaks:?}");
    }
}

#[test]
fn an_answer_that_does_not_fit_is_turned_down_in_the_form_of_each_api() {
    for speaks in Speaks::ALL.into_iter().filter(|speaks| schema(*speaks).is_some()) {
        let rounds: &[&[Answer]] = &[&[Answer::says("It is Bern.")], &[Answer::says(ANSWER)]];
        let encoding = Encoding::start(Encoder::Aimock, speaks, rounds, Vec::new());
        let place = encoding.place();
        fs::write(place.root().join("city.json"), SCHEMA).expect("it is written");
        let told = run(&place, &["--json-schema", "city.json"], 0);
        let Some(frames::Frame::TurnCompleted(done)) = told.frames().pop() else { panic!("{told:#?}") };
        assert_eq!(done.response.message, ANSWER, "{speaks:?}");
        let passed = encoding.passed();
        let [_, second] = &passed[..] else { panic!("two requests: {passed:#?}") };
        let said = second.body.to_string();
        assert!(said.contains("has not the form") && said.contains("it is not JSON"), "{speaks:?}: {said}");
    }
}

#[test]
fn what_is_no_schema_or_cannot_be_held_to_one_is_refused_before_anything_is_sent() {
    let encoding = started(Speaks::Chat);
    let place = encoding.place();
    fs::write(place.root().join("broken.json"), "{").expect("it is written");
    fs::write(place.root().join("city.json"), SCHEMA).expect("it is written");
    let entry = fs::read_to_string(place.home().join("agent.toml")).expect("it is there");
    let refused = |flags: &[&str], more: &str, words: &str| {
        fs::write(place.home().join("agent.toml"), format!("{entry}{more}")).expect("it is written");
        let said = run(&place, flags, 2);
        assert!(said.text().contains(words), "{said:#?}");
    };
    refused(&["--json-schema", "broken.json"], "", "broken.json, which is not JSON");
    refused(&["--json-schema", "gone.json"], "", "cannot be read");
    refused(&["--json-schema", "city.json", "--model", "rehearsal"], "", "cannot be held to a JSON schema");
    refused(&["--thinking", "hard"], "", "one of off, free, low, medium, high");
    refused(&["--thinking", "low"], "reasoning = false\n", "does not think before it answers");
    let formless = "\n[catalog.overrides.\"peer/o4-mini\"]\nstructured_output = false\n";
    refused(&["--json-schema", "city.json"], formless, "asks for more than peer/o4-mini can");
    assert!(encoding.passed().is_empty(), "nothing was sent");
}

#[test]
fn a_key_in_a_file_is_shown_to_the_server_and_to_nobody_else() {
    let encoding = started(Speaks::Messages);
    let place = encoding.place();
    let entry = fs::read_to_string(place.home().join("agent.toml")).expect("it is there");
    let key = Encoder::Aimock.key();
    let named = entry.replace(&format!("api_key = \"{key}\""), "api_key_file = \"the-key\"");
    fs::write(place.home().join("agent.toml"), named).expect("it is written");
    let refused = run(&place, &[], 2);
    assert!(refused.text().contains("`providers.registry.peer.api_key_file`"), "{refused:#?}");
    fs::write(place.home().join("the-key"), format!("{key}\n")).expect("it is written");
    let told = run(&place, &[], 0);
    assert!(!told.text().contains(key) && !told.err.contains(key), "{told:#?}");
    assert_eq!(only(&encoding).header("x-api-key"), Some(key));
}

const IMAGE: &[u8] = b"\x89PNG\r\n\x1a\npixels";
const DOCUMENT: &[u8] = b"%PDF-1.7 pages";
const NOTE: &str = "attached: good morning, “Welt”";

/// A place with three files, and the flags that attach them.
fn with_files(encoding: &Encoding) -> (Place, [&'static str; 6]) {
    let place = encoding.place();
    for (name, bytes) in [("a.png", IMAGE), ("b.pdf", DOCUMENT), ("c.txt", NOTE.as_bytes())] {
        fs::write(place.root().join(name), bytes).expect("it is written");
    }
    (place, ["--attach", "a.png", "--attach", "b.pdf", "--attach", "c.txt"])
}

/// Where the three files are in what is said first.
fn files(speaks: Speaks) -> [&'static str; 3] {
    match speaks {
        Speaks::Chat => [
            "/messages/1/content/0/image_url/url",
            "/messages/1/content/1/file/file_data",
            "/messages/1/content/2/text",
        ],
        Speaks::Responses => {
            ["/input/0/content/0/image_url", "/input/0/content/1/file_data", "/input/0/content/2/text"]
        }
        Speaks::Messages => [
            "/messages/0/content/0/source/data",
            "/messages/0/content/1/source/data",
            "/messages/0/content/2/source/data",
        ],
        Speaks::Gemini => [
            "/contents/0/parts/0/inlineData/data",
            "/contents/0/parts/1/inlineData/data",
            "/contents/0/parts/2/text",
        ],
    }
}

fn has_files(body: &Value, speaks: Speaks) {
    // The two as base64, the words as they are.
    let wanted = ["iVBORw0KGgpwaXhlbHM=", "JVBERi0xLjcgcGFnZXM=", NOTE];
    for (pointer, wanted) in files(speaks).into_iter().zip(wanted) {
        let found = body.pointer(pointer).and_then(Value::as_str);
        assert!(found.is_some_and(|found| found.ends_with(wanted)), "{speaks:?} {pointer}: {body:#}");
    }
}

#[test]
fn files_go_with_a_prompt_and_stay_in_the_conversation() {
    for speaks in Speaks::ALL {
        let rounds: &[&[Answer]] = &[&[Answer::says("I see")], &[Answer::says("still there")]];
        let encoding = Encoding::start(Encoder::Aimock, speaks, rounds, Vec::new());
        let (place, flags) = with_files(&encoding);
        run(&place, &flags, 0);
        run(&place, &[], 0);
        let passed = encoding.passed();
        let [first, second] = &passed[..] else { panic!("two requests: {passed:#?}") };
        has_files(&first.body, speaks);
        if speaks.sends_all() {
            has_files(&second.body, speaks);
        }
    }
}

#[test]
fn files_that_a_model_does_not_read_are_refused_or_told_of() {
    let rounds: &[&[Answer]] = &[&[Answer::says("I see")], &[Answer::says("I do not")]];
    let encoding = Encoding::start(Encoder::Aimock, Speaks::Chat, rounds, Vec::new());
    let (place, flags) = with_files(&encoding);
    let blind = [&flags[..], &["--model", "rehearsal"]].concat();
    assert!(run(&place, &blind, 2).text().contains("rehearsal does not read image/png, which `a.png` is"));
    let entry = fs::read_to_string(place.home().join("agent.toml")).expect("it is there");
    let reads = |modalities: &str| {
        let agent = format!("{entry}input_modalities = {modalities}\n");
        fs::write(place.home().join("agent.toml"), agent).expect("it is written");
    };
    reads("[\"text\", \"image\"]");
    assert!(run(&place, &flags, 2).text().contains("does not read application/pdf, which `b.pdf` is"));
    let gone = run(&place, &["--attach", "gone.png"], 2);
    assert!(gone.text().contains("cannot attach gone.png"), "{gone:#?}");
    assert!(encoding.passed().is_empty(), "nothing was sent");
    // What one model was shown, another one that cannot see it is told of.
    run(&place, &flags[..2], 0);
    reads("[\"text\"]");
    run(&place, &[], 0);
    let last = encoding.passed().pop().expect("it was asked").body.to_string();
    assert!(!last.contains("iVBOR") && last.contains("`a.png` (image/png) was attached"), "{last}");
    let shown = place.run(&["sessions", "show", &session(&place)]).ended(0).text();
    assert!(shown.contains("[attaches a.png, image/png, 14 bytes]"), "{shown}");
}

/// The only session.
fn session(place: &Place) -> String {
    let listed = place.run(&["sessions"]).ended(0).text();
    listed.split_whitespace().next().expect("there is one").to_owned()
}
