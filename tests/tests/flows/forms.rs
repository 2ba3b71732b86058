//! Answers that are JSON of a schema, as a script meets them: standard output holds one of them or nothing.
use crate::outages::{Does, asks, serve};
use expect_test::{Expect, expect};
use frames::{ErrorCode, Frame, ProgressKind};
use tests::{Oxydra, Place};

const SCHEMA: &str = r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}"#;

const BERN: Does = Does::Says(r#"{\"city\":\"Bern\"}"#);

const TOWN: Does = Does::Says(r#"{\"town\":\"Bern\"}"#);

fn asked(place: &Place, script: &'static [Does]) -> Oxydra {
    std::fs::write(place.root().join("city.json"), SCHEMA).expect("it is written");
    asks(place, &serve(script)).arg("--json-schema").arg("city.json")
}

fn check(script: &'static [Does], exit: i32, expected: Expect) {
    let done = asked(&Place::new(), script).done().ended(exit);
    expected.assert_eq(&format!("{}--\n{}", done.text(), done.err));
}

#[test]
fn a_pipe_is_given_json_of_the_schema_or_nothing() {
    check(
        &[BERN],
        0,
        expect![[r#"
            {"city":"Bern"}
            --
            oxydra: nobody knows whether desk/m can be held to a JSON schema; it is sent one all the same, and its answers are checked here. Whoever knows says it: `structured_output = true` or `false` under `catalog.overrides."desk/m"`
        "#]],
    );
    check(
        &[Does::Says("Bern, I think"), TOWN, BERN],
        0,
        expect![[r#"
            {"city":"Bern"}
            --
            oxydra: nobody knows whether desk/m can be held to a JSON schema; it is sent one all the same, and its answers are checked here. Whoever knows says it: `structured_output = true` or `false` under `catalog.overrides."desk/m"`
            · corrected: the answer does not fit the schema: it is not JSON: expected value at line 1 column 1; asked again, answer 2 of 3
            · corrected: the answer does not fit the schema: the whole lacks `city`; /town is no property that may be there; asked again, answer 3 of 3
        "#]],
    );
    check(
        &[TOWN],
        1,
        expect![[r#"
            --
            oxydra: nobody knows whether desk/m can be held to a JSON schema; it is sent one all the same, and its answers are checked here. Whoever knows says it: `structured_output = true` or `false` under `catalog.overrides."desk/m"`
            · corrected: the answer does not fit the schema: the whole lacks `city`; /town is no property that may be there; asked again, answer 2 of 3
            · corrected: the answer does not fit the schema: the whole lacks `city`; /town is no property that may be there; asked again, answer 3 of 3
            · corrected: the answer does not fit the schema: the whole lacks `city`; /town is no property that may be there; that was answer 3 of 3
            oxydra: no answer fits the schema (`runtime.answer_schema`): 3 answers in a row had not the form that was asked for; in the last one the whole lacks `city`; /town is no property that may be there. Another model may do better, or a schema that says less
        "#]],
    );
}

#[test]
fn frames_say_what_was_wrong_and_which_answer_counts() {
    let mended = asked(&Place::new(), const { &[TOWN, BERN] }).arg("--json").done().ended(0).frames();
    let is_correction = |frame: &&Frame| matches!(frame, Frame::TurnProgress(it) if it.progress.kind == ProgressKind::Correction);
    assert_eq!(mended.iter().filter(is_correction).count(), 1);
    let mut words = String::new();
    for frame in &mended {
        match frame {
            Frame::AssistantDelta(delta) if delta.reset => words.clone_from(&delta.delta),
            Frame::AssistantDelta(delta) => words.push_str(&delta.delta),
            _ => {}
        }
    }
    assert_eq!(words, r#"{"city":"Bern"}"#, "who joins the words behind the last reset has the answer");
    let Some(Frame::TurnCompleted(done)) = mended.last() else { panic!("{mended:#?}") };
    assert_eq!(done.response.message, words);
    let never = asked(&Place::new(), const { &[TOWN] }).arg("--json").done().ended(1).frames();
    let Some(Frame::Error(error)) = never.last() else { panic!("{never:#?}") };
    assert_eq!(error.code, ErrorCode::AnswerUnfit);
    assert_eq!(never.iter().filter(is_correction).count(), 3);
}

#[test]
fn the_budget_ends_it_before_that() {
    let done = asked(&Place::new(), const { &[TOWN] }).env("OXYDRA__RUNTIME__MAX_TURNS", "2").done();
    assert_eq!(done.refused(4, &["out of turns"]).text(), "");
}

#[test]
fn what_was_taken_back_stays_in_the_conversation() {
    let place = Place::new();
    asked(&place, const { &[TOWN, BERN] }).done().ended(0);
    asks(&place, &serve(const { &[Does::Says("hello")] })).done().ended(0);
    let said = place.run(&["sessions"]).ended(0).text();
    let session = said.split_whitespace().next().expect("there is one").to_owned();
    let shown = place.run(&["sessions", "show", &session]).ended(0).text();
    assert!(shown.contains("town") && shown.contains("city") && shown.contains("hello"), "{shown}");
}
