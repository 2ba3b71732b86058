//! A source in, a catalog out; or the name of the field that is wrong.
use crate::{Catalog, Status};
use domain::{MicroUsd, Tokens, Usage};
use expect_test::{Expect, expect};

const SOURCE: &str = r#"{
  "z": {"id": "z", "name": "Zed", "env": ["Z_KEY"], "models": {
    "z-2": {"id": "z-2", "name": "Zed 2", "family": "zed", "attachment": true, "reasoning": true, "tool_call": true,
      "structured_output": true, "temperature": false, "open_weights": false, "knowledge": "2026-01", "release_date": "2026-03-05",
      "last_updated": "2026-04-01", "modalities": {"input": ["text", "image"], "output": ["text"]},
      "limit": {"context": 400000, "input": 272000, "output": 128000}, "interleaved": {"field": "reasoning_content"},
      "cost": {"input": 1.25, "output": 10, "cache_read": 0.125, "tiers": [{"input": 2.5, "output": 15, "tier": {"size": 200000}}]}},
    "z-1": {"name": "Zed 1", "tool_call": true, "release_date": "2024-01-05", "last_updated": "2024-01-05",
      "modalities": {"input": ["text"], "output": ["text"]}, "limit": {"context": 8000, "output": 4000}, "cost": {"input": 0, "output": 0}},
    "z-old": {"name": "Zed old", "tool_call": true, "status": "deprecated", "release_date": "2025-12-05", "last_updated": "2025-12-05",
      "modalities": {"input": ["text"], "output": ["text"]}, "limit": {"context": 8000, "output": 4000}},
    "z-draws": {"name": "Zed draws", "release_date": "2026-01-01", "last_updated": "2026-01-01",
      "modalities": {"input": ["text"], "output": ["image"]}, "limit": {"context": 0, "output": 0}}
  }},
  "a": {"name": "A", "models": {
    "m:8b": {"name": "M \"8b\"", "tool_call": true, "open_weights": true, "interleaved": true, "status": "beta", "release_date": "2026",
      "last_updated": "2026-02", "modalities": {"input": ["text"], "output": ["text"]}, "limit": {"context": 32768, "input": 0, "output": 8192}}
  }}
}"#;

fn source() -> Catalog {
    Catalog::from_source(SOURCE).expect("it is one")
}

#[test]
fn a_source_becomes_facts_and_the_same_text_every_time() {
    let catalog = source();
    assert_eq!(catalog.len(), 5);
    let text = catalog.chosen().to_text();
    expect![[r#"
        {"version": "2026-04-01-8f480702dccb",
        "providers": {
        "a": {"name": "A", "models": {
          "m:8b": {"name": "M \"8b\"", "can": ["tool_call","open_weights"], "reads": ["text"], "writes": ["text"], "context": 32768, "output_max": 8192, "released": "2026", "updated": "2026-02", "status": "beta"}
        }},
        "z": {"name": "Zed", "models": {
          "z-2": {"name": "Zed 2", "family": "zed", "can": ["attachment","reasoning","tool_call","structured_output"], "interleaved": "reasoning_content", "reads": ["text","image"], "writes": ["text"], "context": 400000, "input_max": 272000, "output_max": 128000, "micro_usd": {"input": 1250000, "cached": 125000, "cache_written": 1250000, "output": 10000000}, "above": [[200000, {"input": 2500000, "cached": 2500000, "cache_written": 2500000, "output": 15000000}]], "knowledge": "2026-01", "released": "2026-03-05", "updated": "2026-04-01"}
        }}
        }}
    "#]].assert_eq(&text);
    assert_eq!(Catalog::from_text(&text).expect("it is one"), catalog.chosen());
    assert_eq!(Catalog::from_text(&catalog.to_text()).expect("it is one"), catalog);
    // The order of a source says nothing.
    let value: serde_json::Value = serde_json::from_str(SOURCE).expect("it is JSON");
    let pretty = serde_json::to_string_pretty(&value).expect("it is JSON");
    assert_eq!(Catalog::from_source(&pretty).expect("it is one").to_text(), catalog.to_text());
}

#[test]
fn a_model_says_what_it_takes_and_costs() {
    let catalog = source();
    let model = catalog.model("z", "z-2").expect("it is listed");
    assert_eq!(
        (model.limits.input, model.interleaved.as_deref()),
        (Some(Tokens(272_000)), Some("reasoning_content"))
    );
    let cost = |input, cached| {
        let usage =
            Usage { input: Tokens(input), cached: Tokens(cached), output: Tokens(1_000), ..Usage::default() };
        model.cost.as_ref().expect("it costs something").of(&usage)
    };
    assert_eq!(cost(1_000, 0), MicroUsd(1_250 + 10_000));
    assert_eq!(cost(1_000, 1_000), MicroUsd(125 + 10_000));
    assert_eq!(cost(200_001, 0), MicroUsd(500_003 + 15_000));
    assert_eq!(catalog.model("a", "m:8b").expect("it is listed").status, Status::Beta);
    assert_eq!(catalog.model("a", "z-2"), None);
}

#[test]
fn what_is_wrong_in_a_source_is_named() {
    let check = |from: &str, to: &str, expected: Expect| {
        let broken = SOURCE.replacen(from, to, 1);
        assert_ne!(broken, SOURCE);
        let error = Catalog::from_source(&broken).expect_err("it is broken");
        expected.assert_eq(&error.to_string());
    };
    check("{\n", "[\n", expect!["it is no JSON: expected `,` or `]` at line 2 column 6"]);
    check("\"name\": \"Zed\"", "\"name\": 3", expect!["`source.z.name` must be text on one line"]);
    check(
        "\"id\": \"z-2\"",
        "\"id\": \"z-3\"",
        expect!["`source.z.models.z-2.id` must be the name that it is listed under"],
    );
    check(
        "\"context\": 400000",
        "\"context\": -1",
        expect!["`source.z.models.z-2.limit.context` must be a whole number of tokens"],
    );
    check(
        "\"context\": 400000, ",
        "",
        expect!["`source.z.models.z-2.limit.context` must be a whole number of tokens"],
    );
    check(
        "\"input\": 1.25",
        "\"input\": \"free\"",
        expect!["`source.z.models.z-2.cost.input` must be a price in US dollars"],
    );
    check(
        "\"input\": 1.25",
        "\"input\": -1",
        expect!["`source.z.models.z-2.cost.input` must be a price in US dollars"],
    );
    check(
        "\"status\": \"beta\"",
        "\"status\": \"maybe\"",
        expect!["`source.a.models.m:8b.status` must be alpha, beta or deprecated"],
    );
    check(
        "\"2026-04-01\"",
        "\"in April\"",
        expect!["`source.z.models.z-2.last_updated` must be a date such as 2026-07-01"],
    );
    check(
        "\"attachment\": true",
        "\"attachment\": 1",
        expect!["`source.z.models.z-2.attachment` must be true or false"],
    );
    check(
        "\"output\": [\"image\"]",
        "\"output\": \"image\"",
        expect!["`source.z.models.z-draws.modalities.output` must be a list of texts"],
    );
}

#[test]
fn a_text_that_was_changed_by_hand_is_refused() {
    let text = source().to_text();
    let error = Catalog::from_text(&text.replace("400000", "800000")).expect_err("it was changed");
    expect!["its version is 2026-04-01-3a02fd65d833 and its facts are those of 2026-04-01-94e7967652a1: it was changed by hand; `oxydra catalog fetch` makes a new one"].assert_eq(&error.to_string());
    assert!(Catalog::from_text("").is_err() && Catalog::from_text("{}").is_err());
}

#[test]
fn differences_are_named_model_by_model() {
    let (ours, theirs) = (source(), SOURCE.replace("400000", "800000").replace("z-1", "z-0"));
    let theirs = Catalog::from_source(&theirs).expect("it is one");
    let differences: Vec<_> = ours.differences(&theirs).iter().map(ToString::to_string).collect();
    assert_eq!(differences, ["+ z/z-0", "- z/z-1", "~ z/z-2"]);
    assert_eq!(ours.differences(&ours), []);
}

#[test]
fn the_pinned_catalog_is_whole_and_lists_what_is_used_by_itself() {
    let pinned = Catalog::pinned();
    assert_eq!(pinned.to_text(), Catalog::pinned_text(), "`oxydra catalog fetch --pinned` makes it");
    assert_eq!(pinned.chosen(), *pinned);
    for (provider, model) in
        [("openai", "gpt-4.1-mini"), ("anthropic", "claude-haiku-4-5"), ("google", "gemini-2.5-flash")]
    {
        let known = pinned.model(provider, model).expect("the model that is chosen by itself is listed");
        assert!(known.flags.tool_call && known.cost.is_some() && known.status == Status::Current);
    }
}
