//! Schemas and answers, and what is said of them.
use crate::Schema;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

/// Each schema with answers that fit, and with answers that do not.
#[test]
fn every_keyword_lets_pass_and_turns_down() {
    type Row = (Value, Vec<Value>, Vec<Value>);
    let rows: Vec<Row> = vec![
        (json!({}), vec![json!(null), json!([1, "a"])], vec![]),
        (json!({"type": "integer"}), vec![json!(1), json!(1.0)], vec![json!(1.5), json!("1"), json!(null)]),
        (json!({"type": ["string", "null"]}), vec![json!("a"), json!(null)], vec![json!(1)]),
        (json!({"type": "number"}), vec![json!(1), json!(1.5)], vec![json!(true)]),
        (json!({"enum": [1, "a", {"b": [2]}]}), vec![json!(1.0), json!({"b": [2]})], vec![json!({"b": [3]})]),
        (json!({"const": null}), vec![json!(null)], vec![json!(0)]),
        (json!({"multipleOf": 0.01}), vec![json!(19.99), json!(2), json!("a")], vec![json!(0.001)]),
        (json!({"minimum": 1, "maximum": 3}), vec![json!(1), json!(3.0)], vec![json!(0.9), json!(4)]),
        (json!({"exclusiveMinimum": 1, "exclusiveMaximum": 3}), vec![json!(2)], vec![json!(1), json!(3)]),
        (
            json!({"minLength": 2, "maxLength": 3}),
            vec![json!("äö"), json!(7)],
            vec![json!("a"), json!("abcd")],
        ),
        (json!({"pattern": "^a+$"}), vec![json!("aa"), json!(1)], vec![json!("b")]),
        (
            json!({"minItems": 1, "maxItems": 2}),
            vec![json!([1]), json!("a")],
            vec![json!([]), json!([1, 2, 3])],
        ),
        (json!({"uniqueItems": true}), vec![json!([1, "1"])], vec![json!([1, 1.0])]),
        (
            json!({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}),
            vec![json!([]), json!(["a", 1, 2])],
            vec![json!([1]), json!(["a", "b"])],
        ),
        (json!({"prefixItems": [true], "items": false}), vec![json!([1])], vec![json!([1, 2])]),
        (json!({"contains": {"const": 1}}), vec![json!([2, 1])], vec![json!([]), json!([2])]),
        (
            json!({"contains": {"const": 1}, "minContains": 2, "maxContains": 3}),
            vec![json!([1, 1, 0])],
            vec![json!([1]), json!([1, 1, 1, 1])],
        ),
        (json!({"contains": true, "minContains": 0}), vec![json!([])], vec![]),
        (json!({"required": ["a"]}), vec![json!({"a": null}), json!(1)], vec![json!({})]),
        (
            json!({"properties": {"a": {"type": "string"}}, "additionalProperties": false}),
            vec![json!({}), json!({"a": "x"})],
            vec![json!({"a": 1}), json!({"b": 1})],
        ),
        (
            json!({"patternProperties": {"^x_": {"type": "integer"}}, "additionalProperties": {"type": "null"}}),
            vec![json!({"x_a": 1, "b": null})],
            vec![json!({"x_a": "1"}), json!({"b": 1})],
        ),
        (json!({"propertyNames": {"maxLength": 1}}), vec![json!({"a": 1})], vec![json!({"ab": 1})]),
        (
            json!({"minProperties": 1, "maxProperties": 1}),
            vec![json!({"a": 1})],
            vec![json!({}), json!({"a": 1, "b": 2})],
        ),
        (
            json!({"dependentRequired": {"a": ["b"]}}),
            vec![json!({"b": 1}), json!({"a": 1, "b": 2})],
            vec![json!({"a": 1})],
        ),
        (
            json!({"dependentSchemas": {"a": {"minProperties": 2}}}),
            vec![json!({"b": 1}), json!({"a": 1, "b": 1})],
            vec![json!({"a": 1})],
        ),
        (json!({"allOf": [{"minimum": 1}, {"maximum": 2}]}), vec![json!(2)], vec![json!(0), json!(3)]),
        (json!({"anyOf": [{"type": "string"}, {"minimum": 2}]}), vec![json!("a"), json!(3)], vec![json!(1)]),
        (
            json!({"oneOf": [{"type": "integer"}, {"minimum": 2}]}),
            vec![json!(1), json!(2.5)],
            vec![json!(3), json!(1.5)],
        ),
        (json!({"not": {"type": "string"}}), vec![json!(1)], vec![json!("a")]),
        (
            json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}}),
            vec![json!({"a": 1, "b": 1}), json!({"c": 1})],
            vec![json!({"a": 1}), json!({})],
        ),
        (json!({"if": false, "then": false}), vec![json!(1)], vec![]),
        (
            json!({"$defs": {"tree": {"properties": {"next": {"$ref": "#/$defs/tree"}}, "required": ["n"]}}, "$ref": "#/$defs/tree"}),
            vec![json!({"n": 1, "next": {"n": 2}})],
            vec![json!({"n": 1, "next": {}})],
        ),
        (
            json!({"properties": {"children": {"items": {"$ref": "#"}}}, "additionalProperties": false}),
            vec![json!({"children": [{}, {"children": []}]})],
            vec![json!({"children": [{"child": 1}]})],
        ),
        (json!({"format": "date", "x-mine": 1, "title": "t"}), vec![json!("never")], vec![]),
    ];
    for (written, fitting, unfitting) in rows {
        let schema = Schema::read(&written.to_string()).expect("it is one");
        for value in fitting {
            assert_eq!(schema.misfits(&value.to_string()), None, "{value} in {written}");
        }
        for value in unfitting {
            assert!(schema.misfits(&value.to_string()).is_some(), "{value} in {written}");
        }
    }
}

fn check(schema: &Value, answers: &[&str], expected: Expect) {
    let schema = Schema::read(&schema.to_string()).expect("it is one");
    let said = |answer: &&str| schema.misfits(answer).unwrap_or_else(|| "it fits".to_owned()) + "\n";
    expected.assert_eq(&answers.iter().map(said).collect::<String>());
}

#[test]
fn what_is_wrong_is_said_by_its_place() {
    let city = json!({
        "type": "object",
        "properties": {
            "city": {"type": "string", "minLength": 1},
            "size": {"enum": ["small", "large"]},
            "people": {"items": {"anyOf": [{"type": "string"}, {"type": "object", "required": ["name"]}]}},
        },
        "required": ["city"],
        "additionalProperties": false,
    });
    check(
        &city,
        &[
            r#"{"city": "Bern"}"#,
            " {\"city\": \"Bern\"}\n",
            "Here you are: {}",
            "```json\n{\"city\": \"Bern\"}\n```",
            "{\"city\": \"Bern\"} and so on",
            "",
            "[]",
            r#"{"size": "huge", "town": 1}"#,
            r#"{"city": "", "people": ["a", 1, {}]}"#,
        ],
        expect![[r#"
            it fits
            it fits
            it is not JSON: expected value at line 1 column 1
            it is not JSON: expected value at line 1 column 1
            it is not JSON: trailing characters at line 1 column 18
            it is not JSON: EOF while parsing a value at line 1 column 0
            the whole is an array and has to be of type object
            the whole lacks `city`; /size is "huge" and has to be one of "small", "large"; /town is no property that may be there
            /city has 0 characters, at least 1 are wanted; /people/1 fits none of `anyOf`: /people/1 is 1 and has to be of type string, or /people/1 is 1 and has to be of type object; /people/2 fits none of `anyOf`: /people/2 is an object and has to be of type string, or /people/2 lacks `name`
        "#]],
    );
}

#[test]
fn what_cannot_be_checked_is_refused_by_its_place() {
    let deep = (0..80).map(|n| (format!("d{n}"), json!({"$ref": format!("#/$defs/d{}", n + 1)})));
    let deep: serde_json::Map<_, _> = deep.chain([("d80".to_owned(), json!(true))]).collect();
    let schemas = [
        json!([]),
        json!({"type": "text"}),
        json!({"properties": {"a/b": {"minLength": -1}}}),
        json!({"properties": {"a": {"$ref": "https://example.com/a.json"}}}),
        json!({"items": {"$ref": "#/$defs/gone"}}),
        json!({"$defs": {"a": {"$ref": "other.json#/b"}}}),
        json!({"$ref": "#"}),
        json!({"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}}),
        json!({"$defs": deep, "$ref": "#/$defs/d0"}),
        json!({"items": [{"type": "string"}]}),
        json!({"unevaluatedProperties": false}),
        json!({"properties": {"a": {"$id": "x"}}}),
        json!({"pattern": "("}),
        json!({"patternProperties": {"(": true}}),
        json!({"anyOf": []}),
        json!({"required": "a"}),
        json!({"exclusiveMinimum": true}),
        json!({"multipleOf": 0}),
        json!({"properties": {"a": 7}}),
    ];
    let said: String = schemas
        .iter()
        .map(|schema| match Schema::read(&schema.to_string()) {
            Ok(_) => panic!("{schema} is read"),
            Err(bad) => format!("{}\n", bad.to_string().lines().next().expect("it says something")),
        })
        .collect();
    expect![[r#"
        is no JSON schema: write an object, such as {"type": "object"}
        is no JSON schema that can be checked: no type, which is one of null, boolean, object, array, number, integer, string at `#/type`
        is no JSON schema that can be checked: no whole number from 0 at `#/properties/a~1b/minLength`
        is no JSON schema that can be checked: `https://example.com/a.json`, and nothing is fetched (put it under `$defs` and write `#/$defs/…`), at `#/properties/a/$ref`
        is no JSON schema that can be checked: `#/$defs/gone`, which is not in this schema, at `#/items/$ref`
        is no JSON schema that can be checked: `other.json#/b`, and nothing is fetched (put it under `$defs` and write `#/$defs/…`), at `#/$defs/a/$ref`
        is no JSON schema that can be checked: a `$ref` that leads back to itself, or over more than 64 steps, at `#`
        is no JSON schema that can be checked: a `$ref` that leads back to itself, or over more than 64 steps, at `#/$defs/a`
        is no JSON schema that can be checked: a `$ref` that leads back to itself, or over more than 64 steps, at `#`
        is no JSON schema that can be checked: a list of schemas (write `prefixItems`) at `#/items`
        is no JSON schema that can be checked: a keyword that is not checked here (write `additionalProperties`) at `#/unevaluatedProperties`
        is no JSON schema that can be checked: `$id` (a schema within a schema has no address of its own) at `#/properties/a`
        is no JSON schema that can be checked: no pattern (Parsing error at position 1: Opening parenthesis without closing parenthesis) at `#/pattern`
        is no JSON schema that can be checked: no pattern (Parsing error at position 1: Opening parenthesis without closing parenthesis) at `#/patternProperties`
        is no JSON schema that can be checked: no list of at least one schema at `#/anyOf`
        is no JSON schema that can be checked: no list of names at `#/required`
        is no JSON schema that can be checked: no number at `#/exclusiveMinimum`
        is no JSON schema that can be checked: no number above 0 at `#/multipleOf`
        is no JSON schema that can be checked: what is neither a schema nor true or false at `#/properties/a`
    "#]].assert_eq(&said);
    assert!(Schema::read("{").is_err_and(|bad| bad.to_string().starts_with("is not JSON: ")));
}

#[test]
fn what_would_take_for_ever_is_given_up() {
    // Each level asks twice: two to the power of its depth.
    let schema = json!({
        "$defs": {"a": {"anyOf": [
            {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}},
            {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}},
        ]}},
        "$ref": "#/$defs/a",
    });
    let schema = Schema::read(&schema.to_string()).expect("it is one");
    let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    assert!(
        schema
            .misfits(&nested(3))
            .is_some_and(|said| said.contains("/a/a/a is 1 and has to be of type object"))
    );
    assert!(schema.misfits(&nested(100)).is_some_and(|said| said.contains("takes too long to check")));
    let slow = Schema::read(r#"{"items": {"pattern": "^(?:(a+)\\1?)+b"}}"#).expect("it is one");
    let said = slow.misfits(&json!(["b", "a".repeat(64)]).to_string());
    assert!(said.is_some_and(|said| said.contains("takes too long to check")));
    let unique = Schema::read(r#"{"uniqueItems": true}"#).expect("it is one");
    let many: Vec<usize> = (0..100_000).collect();
    assert!(unique.misfits(&json!(many).to_string()).is_some_and(|said| said.contains("too long")));
    assert!(unique.misfits(&format!("{}{}", "[".repeat(200), "]".repeat(200))).is_some());
}

#[test]
fn no_more_is_said_than_anybody_mends_at_once() {
    let schema = Schema::read(r#"{"items": {"type": "string"}}"#).expect("it is one");
    let said = schema.misfits(&json!((0..50).collect::<Vec<_>>()).to_string()).expect("it does not fit");
    assert_eq!(said.matches("has to be of type string").count(), 8);
    let long = "x".repeat(10_000);
    let said = schema.misfits(&json!([{ long: 1 }]).to_string()).expect("it does not fit");
    assert!(said.len() < 200, "{said}");
    let nested = (0..12).fold(json!({"type": "string"}), |inner, _| json!({"anyOf": [inner, inner]}));
    let schema = Schema::read(&nested.to_string()).expect("it is one");
    assert!(schema.misfits("1").is_some_and(|said| said.len() < 1_000));
}
