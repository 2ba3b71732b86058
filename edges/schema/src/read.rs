//! Looks at all of a schema before anything is held against it. What could not be checked later is refused here, by its place.
use crate::{BadSchema, pattern::Patterns, refs, ring};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// What a keyword has to be.
#[derive(Clone, Copy)]
enum Kind {
    /// A schema.
    Schema,
    /// A list of schemas, at least one.
    Schemas,
    /// Schemas by name.
    Named,
    /// Schemas by a pattern.
    ByPattern,
    /// A number.
    Number,
    /// A number above zero.
    Divisor,
    /// A count.
    Count,
    /// Yes or no.
    Flag,
    /// A list of names.
    Names,
    /// Lists of names, by name.
    NamesByName,
    /// A list of anything, at least one.
    Values,
    /// Names of types.
    Types,
    /// A pattern.
    Pattern,
    /// Where another schema is.
    Reference,
    /// Anything.
    Anything,
    /// It is not checked here: what to write instead.
    Unchecked(&'static str),
}

/// The keywords that mean something.
const KEYWORDS: &[(&str, Kind)] = &[
    ("type", Kind::Types),
    ("enum", Kind::Values),
    ("const", Kind::Anything),
    ("multipleOf", Kind::Divisor),
    ("maximum", Kind::Number),
    ("exclusiveMaximum", Kind::Number),
    ("minimum", Kind::Number),
    ("exclusiveMinimum", Kind::Number),
    ("maxLength", Kind::Count),
    ("minLength", Kind::Count),
    ("pattern", Kind::Pattern),
    ("maxItems", Kind::Count),
    ("minItems", Kind::Count),
    ("uniqueItems", Kind::Flag),
    ("maxContains", Kind::Count),
    ("minContains", Kind::Count),
    ("maxProperties", Kind::Count),
    ("minProperties", Kind::Count),
    ("required", Kind::Names),
    ("dependentRequired", Kind::NamesByName),
    ("allOf", Kind::Schemas),
    ("anyOf", Kind::Schemas),
    ("oneOf", Kind::Schemas),
    ("not", Kind::Schema),
    ("if", Kind::Schema),
    ("then", Kind::Schema),
    ("else", Kind::Schema),
    ("dependentSchemas", Kind::Named),
    ("prefixItems", Kind::Schemas),
    ("items", Kind::Schema),
    ("contains", Kind::Schema),
    ("properties", Kind::Named),
    ("patternProperties", Kind::ByPattern),
    ("additionalProperties", Kind::Schema),
    ("propertyNames", Kind::Schema),
    ("$ref", Kind::Reference),
    ("$defs", Kind::Named),
    ("definitions", Kind::Named),
    ("additionalItems", Kind::Unchecked("write `prefixItems` and `items`")),
    ("dependencies", Kind::Unchecked("write `dependentRequired` or `dependentSchemas`")),
    ("unevaluatedProperties", Kind::Unchecked("write `additionalProperties`")),
    ("unevaluatedItems", Kind::Unchecked("write `items`")),
    ("$dynamicRef", Kind::Unchecked("write `$ref`")),
    ("$recursiveRef", Kind::Unchecked("write `$ref`")),
];

/// What can be a type.
const TYPES: &[&str] = &["null", "boolean", "object", "array", "number", "integer", "string"];

/// Looks at all of a schema, and returns its patterns.
pub(crate) fn checked(root: &Value) -> Result<Patterns, BadSchema> {
    let mut reader = Reader {
        root,
        patterns: Patterns::default(),
        seen: HashSet::new(),
        ahead: vec![(root, "#".to_owned())],
        all: Vec::new(),
    };
    while let Some((schema, at)) = reader.ahead.pop() {
        reader.schema(schema, &at)?;
    }
    let mut ended = HashSet::new();
    reader.all.iter().try_for_each(|(schema, at)| ring::refused(root, schema, at, &mut ended))?;
    Ok(reader.patterns)
}

struct Reader<'a> {
    root: &'a Value,
    patterns: Patterns,
    /// Schemas that were looked at, by where they are in memory.
    seen: HashSet<*const Value>,
    /// Where references lead that were not followed yet.
    ahead: Vec<(&'a Value, String)>,
    /// All that was looked at.
    all: Vec<(&'a Value, String)>,
}

fn wrong(at: &str, what: impl Into<String>) -> BadSchema {
    BadSchema::Wrong { at: at.to_owned(), what: what.into() }
}

/// A step further, as JSON pointers write it.
fn below(at: &str, step: &str) -> String {
    format!("{at}/{}", step.replace('~', "~0").replace('/', "~1"))
}

impl<'a> Reader<'a> {
    fn schema(&mut self, schema: &'a Value, at: &str) -> Result<(), BadSchema> {
        if !self.seen.insert(schema) {
            return Ok(());
        }
        self.all.push((schema, at.to_owned()));
        match schema {
            Value::Bool(_) => Ok(()),
            Value::Object(all) => self.keywords(all, at),
            Value::Array(_) if at.ends_with("/items") => {
                Err(wrong(at, "a list of schemas (write `prefixItems`)"))
            }
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(wrong(at, "what is neither a schema nor true or false"))
            }
        }
    }

    fn keywords(&mut self, all: &'a Map<String, Value>, at: &str) -> Result<(), BadSchema> {
        if at != "#" && all.contains_key("$id") {
            return Err(wrong(at, "`$id` (a schema within a schema has no address of its own)"));
        }
        for (name, kind) in KEYWORDS {
            if let Some(value) = all.get(*name) {
                self.keyword(*kind, value, &below(at, name))?;
            }
        }
        Ok(())
    }

    fn keyword(&mut self, kind: Kind, value: &'a Value, at: &str) -> Result<(), BadSchema> {
        match kind {
            Kind::Schema => self.schema(value, at),
            Kind::Schemas => self.list(value, at),
            Kind::Named => self.named(value, at, false),
            Kind::ByPattern => self.named(value, at, true),
            Kind::Number => claim(value.is_number(), at, "no number"),
            Kind::Divisor => {
                claim(value.as_f64().is_some_and(|number| number > 0.0), at, "no number above 0")
            }
            Kind::Count => claim(count(value).is_some(), at, "no whole number from 0"),
            Kind::Flag => claim(value.is_boolean(), at, "neither true nor false"),
            Kind::Names => claim(is_names(value), at, "no list of names"),
            Kind::NamesByName => {
                let lists = value.as_object().is_some_and(|all| all.values().all(is_names));
                claim(lists, at, "no lists of names, by name")
            }
            Kind::Values => claim(
                value.as_array().is_some_and(|all| !all.is_empty()),
                at,
                "no list of at least one value",
            ),
            Kind::Types => {
                claim(is_types(value), at, &format!("no type, which is one of {}", TYPES.join(", ")))
            }
            Kind::Pattern => match value.as_str() {
                Some(written) => self.pattern(written, at),
                None => Err(wrong(at, "no pattern")),
            },
            Kind::Reference => self.reference(value, at),
            Kind::Anything => Ok(()),
            Kind::Unchecked(instead) => {
                Err(wrong(at, format!("a keyword that is not checked here ({instead})")))
            }
        }
    }

    fn list(&mut self, value: &'a Value, at: &str) -> Result<(), BadSchema> {
        match value.as_array() {
            Some(all) if !all.is_empty() => {
                all.iter().enumerate().try_for_each(|(n, one)| self.schema(one, &below(at, &n.to_string())))
            }
            Some(_) | None => Err(wrong(at, "no list of at least one schema")),
        }
    }

    fn named(&mut self, value: &'a Value, at: &str, by_pattern: bool) -> Result<(), BadSchema> {
        let all = value.as_object().ok_or_else(|| wrong(at, "no object with schemas by name"))?;
        for (name, schema) in all {
            if by_pattern {
                self.pattern(name, at)?;
            }
            self.schema(schema, &below(at, name))?;
        }
        Ok(())
    }

    fn pattern(&mut self, written: &str, at: &str) -> Result<(), BadSchema> {
        self.patterns.learn(written).map_err(|why| wrong(at, format!("no pattern ({why})")))
    }

    fn reference(&mut self, value: &'a Value, at: &str) -> Result<(), BadSchema> {
        let Some(reference) = value.as_str() else { return Err(wrong(at, "no reference")) };
        if !reference.starts_with('#') {
            let what = format!(
                "`{reference}`, and nothing is fetched (put it under `$defs` and write `#/$defs/…`),"
            );
            return Err(wrong(at, what));
        }
        match refs::target(self.root, reference) {
            Some(found) => {
                self.ahead.push((found, reference.to_owned()));
                Ok(())
            }
            None => Err(wrong(at, format!("`{reference}`, which is not in this schema,"))),
        }
    }
}

fn claim(holds: bool, at: &str, what: &str) -> Result<(), BadSchema> {
    if holds { Ok(()) } else { Err(wrong(at, what)) }
}

/// A count, however it is written.
pub(crate) fn count(value: &Value) -> Option<u64> {
    let whole = |number: f64| number >= 0.0 && number.fract() == 0.0 && number < 9e15;
    value.as_u64().or_else(|| value.as_f64().filter(|number| whole(*number)).map(|number| number as u64))
}

fn is_names(value: &Value) -> bool {
    value.as_array().is_some_and(|all| all.iter().all(Value::is_string))
}

fn is_types(value: &Value) -> bool {
    let is_one = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    is_one(value) || value.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(is_one))
}
