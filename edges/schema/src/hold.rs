//! Holds a value against a schema that was read. What does not fit is said by its place, the first few things of it.
use crate::{equal, pattern::Patterns, read::count, refs};
use serde_json::{Map, Number, Value};
use std::cmp::Ordering;

/// So many things are said of one answer: who mends these sees the rest by the next.
const SAID_MAX: usize = 8;

/// One of them is said in so many characters: a few lines.
const SAID_CHARS_MAX: usize = 600;

/// So many values and keywords are looked at for one answer. An answer of 4 MiB takes less by far; alternatives within
/// alternatives could take for ever.
const STEPS_MAX: u32 = 1_000_000;

/// What looking for a pattern counts as.
const PATTERN_STEPS: u32 = 50;

/// So deep schemas are followed: JSON is read to a depth of 128, and each part may be behind a few references.
const DEPTH_MAX: usize = 512;

/// A value is shown up to so many characters: enough to be found.
const SHOWN_CHARS_MAX: usize = 60;

/// Says what is wrong with a value; `None` if it fits.
pub(crate) fn misfits(root: &Value, patterns: &Patterns, value: &Value) -> Option<String> {
    let mut holder = Holder { root, patterns, steps: 0, depth: 0, said: Vec::new(), said_max: SAID_MAX };
    holder.hold(root, value, "");
    if holder.is_spent() {
        return Some("it takes too long to check: write less, or less deeply nested".to_owned());
    }
    (!holder.said.is_empty()).then(|| holder.said.join("; "))
}

struct Holder<'a> {
    root: &'a Value,
    patterns: &'a Patterns,
    steps: u32,
    depth: usize,
    said: Vec<String>,
    said_max: usize,
}

impl<'a> Holder<'a> {
    fn is_spent(&self) -> bool {
        self.steps > STEPS_MAX
    }

    fn hold(&mut self, schema: &'a Value, value: &Value, at: &str) {
        self.steps += 1;
        if self.is_spent() || self.said.len() >= self.said_max {
            return;
        }
        if self.depth == DEPTH_MAX {
            self.steps = STEPS_MAX + 1;
            return;
        }
        self.depth += 1;
        match schema {
            Value::Bool(false) => self.say(at, "may not be there"),
            Value::Object(all) => self.keywords(all, value, at),
            Value::Bool(true) | Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {}
        }
        self.depth -= 1;
    }

    fn say(&mut self, at: &str, what: impl AsRef<str>) {
        if self.said.len() < self.said_max {
            let place = if at.is_empty() { "the whole" } else { at };
            // Alternatives within alternatives would be said four times over at each level.
            let said = format!("{place} {}", what.as_ref());
            self.said.push(said.chars().take(SAID_CHARS_MAX).collect());
        }
    }

    /// Holds a value against a schema for a yes or no, and returns what is wrong first.
    fn first(&mut self, schema: &'a Value, value: &Value, at: &str) -> Option<String> {
        let (said, said_max) = (std::mem::take(&mut self.said), std::mem::replace(&mut self.said_max, 1));
        self.hold(schema, value, at);
        self.said_max = said_max;
        std::mem::replace(&mut self.said, said).into_iter().next()
    }

    fn fits(&mut self, schema: &'a Value, value: &Value, at: &str) -> bool {
        self.first(schema, value, at).is_none()
    }

    fn keywords(&mut self, all: &'a Map<String, Value>, value: &Value, at: &str) {
        if let Some(target) = all.get("$ref").and_then(Value::as_str) {
            let found =
                refs::target(self.root, target).expect("every reference was followed when it was read");
            self.hold(found, value, at);
        }
        self.kind(all, value, at);
        match value {
            Value::Number(number) => self.number(all, number, at),
            Value::String(text) => self.text(all, text, at),
            Value::Array(items) => self.list(all, items, at),
            Value::Object(parts) => self.object(all, parts, at),
            Value::Null | Value::Bool(_) => {}
        }
        self.combined(all, value, at);
    }

    fn kind(&mut self, all: &'a Map<String, Value>, value: &Value, at: &str) {
        if let Some(types) = all.get("type") {
            let names: Vec<_> = names(types).collect();
            if !names.iter().any(|name| is_of(value, name)) {
                self.say(at, format!("is {} and has to be of type {}", shown(value), names.join(" or ")));
            }
        }
        if let Some(one) = all.get("const").filter(|one| !equal::same(one, value)) {
            self.say(at, format!("is {} and has to be {}", shown(value), shown(one)));
        }
        if let Some(values) = all.get("enum").and_then(Value::as_array) {
            self.steps = self.steps.saturating_add(u32::try_from(values.len()).unwrap_or(u32::MAX));
            if !values.iter().any(|one| equal::same(one, value)) {
                let allowed: Vec<_> = values.iter().take(12).map(shown).collect();
                let more = if values.len() > 12 { ", …" } else { "" };
                self.say(
                    at,
                    format!("is {} and has to be one of {}{more}", shown(value), allowed.join(", ")),
                );
            }
        }
    }

    fn number(&mut self, all: &'a Map<String, Value>, number: &Number, at: &str) {
        type Rule = (&'static str, fn(Ordering) -> bool, &'static str);
        const RULES: [Rule; 4] = [
            ("minimum", Ordering::is_ge, "at least"),
            ("maximum", Ordering::is_le, "at most"),
            ("exclusiveMinimum", Ordering::is_gt, "more than"),
            ("exclusiveMaximum", Ordering::is_lt, "less than"),
        ];
        for (keyword, holds, words) in RULES {
            let Some(Value::Number(bound)) = all.get(keyword) else { continue };
            if !equal::order(number, bound).is_some_and(holds) {
                self.say(at, format!("is {number} and has to be {words} {bound}"));
            }
        }
        if let Some(Value::Number(of)) = all.get("multipleOf")
            && !equal::is_multiple(number, of)
        {
            self.say(at, format!("is {number} and has to be a multiple of {of}"));
        }
    }

    fn text(&mut self, all: &'a Map<String, Value>, text: &str, at: &str) {
        self.counted(all, ("minLength", "maxLength"), text.chars().count(), "characters", at);
        if let Some(pattern) = all.get("pattern").and_then(Value::as_str)
            && !self.finds(pattern, text)
        {
            self.say(at, format!("does not match the pattern {}", cut(pattern)));
        }
    }

    /// Whether a pattern is found in a text. One that takes too long takes all that is left.
    fn finds(&mut self, pattern: &str, text: &str) -> bool {
        self.steps = self.steps.saturating_add(PATTERN_STEPS);
        self.patterns.finds(pattern, text).unwrap_or_else(|| {
            self.steps = STEPS_MAX + 1;
            false
        })
    }

    fn list(&mut self, all: &'a Map<String, Value>, items: &[Value], at: &str) {
        self.counted(all, ("minItems", "maxItems"), items.len(), "items", at);
        let first = all.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (n, item) in items.iter().enumerate() {
            if let Some(schema) = first.get(n).or_else(|| all.get("items")) {
                self.hold(schema, item, &format!("{at}/{n}"));
            }
        }
        if all.get("uniqueItems") == Some(&Value::Bool(true))
            && let Some(n) = self.twice(items)
        {
            self.say(at, format!("has item {n} twice"));
        }
        if let Some(schema) = all.get("contains") {
            let found = items.iter().filter(|item| self.fits(schema, item, at)).count() as u64;
            let bound = |keyword| all.get(keyword).and_then(count);
            let (least, most) = (bound("minContains").unwrap_or(1), bound("maxContains"));
            if found < least || most.is_some_and(|most| found > most) {
                let most = most.map_or(String::new(), |most| format!(" and at most {most}"));
                self.say(at, format!("has {found} items of the kind that `contains` asks for, at least {least}{most} are wanted"));
            }
        }
    }

    /// The first item that is there before, too.
    fn twice(&mut self, items: &[Value]) -> Option<usize> {
        (1..items.len()).find(|n| {
            self.steps = self.steps.saturating_add(u32::try_from(*n).unwrap_or(u32::MAX));
            !self.is_spent() && items[..*n].iter().any(|before| equal::same(before, &items[*n]))
        })
    }

    fn object(&mut self, all: &'a Map<String, Value>, parts: &Map<String, Value>, at: &str) {
        self.counted(all, ("minProperties", "maxProperties"), parts.len(), "properties", at);
        for name in all.get("required").into_iter().flat_map(names).filter(|name| !parts.contains_key(*name))
        {
            self.say(at, format!("lacks `{}`", cut(name)));
        }
        for (name, part) in parts {
            self.part(all, name, part, &format!("{at}/{}", cut(name)));
            if let Some(schema) = all.get("propertyNames") {
                self.hold(schema, &Value::String(name.clone()), &format!("{at} (the name `{}`)", cut(name)));
            }
            let wanted = all.get("dependentRequired").and_then(|lists| lists.get(name));
            for other in wanted.into_iter().flat_map(names).filter(|other| !parts.contains_key(*other)) {
                self.say(at, format!("has `{}` and lacks `{}`", cut(name), cut(other)));
            }
        }
    }

    fn part(&mut self, all: &'a Map<String, Value>, name: &str, part: &Value, at: &str) {
        let mut is_named = false;
        if let Some(schema) = all.get("properties").and_then(|named| named.get(name)) {
            is_named = true;
            self.hold(schema, part, at);
        }
        for (pattern, schema) in all.get("patternProperties").and_then(Value::as_object).into_iter().flatten()
        {
            if self.finds(pattern, name) {
                is_named = true;
                self.hold(schema, part, at);
            }
        }
        match all.get("additionalProperties") {
            None => {}
            Some(_) if is_named => {}
            Some(Value::Bool(false)) => self.say(at, "is no property that may be there"),
            Some(schema) => self.hold(schema, part, at),
        }
    }

    fn counted(
        &mut self,
        all: &'a Map<String, Value>,
        (least, most): (&str, &str),
        found: usize,
        what: &str,
        at: &str,
    ) {
        let found = found as u64;
        if let Some(least) = all.get(least).and_then(count).filter(|least| found < *least) {
            self.say(at, format!("has {found} {what}, at least {least} are wanted"));
        }
        if let Some(most) = all.get(most).and_then(count).filter(|most| found > *most) {
            self.say(at, format!("has {found} {what}, at most {most} are wanted"));
        }
    }

    fn combined(&mut self, all: &'a Map<String, Value>, value: &Value, at: &str) {
        for schema in list(all, "allOf") {
            self.hold(schema, value, at);
        }
        if all.contains_key("anyOf") {
            let wrong = self.alternatives(list(all, "anyOf"), value, at);
            if wrong.iter().all(Option::is_some) {
                self.say(at, format!("fits none of `anyOf`: {}", joined(wrong)));
            }
        }
        if all.contains_key("oneOf") {
            let wrong = self.alternatives(list(all, "oneOf"), value, at);
            match wrong.iter().filter(|wrong| wrong.is_none()).count() {
                0 => self.say(at, format!("fits none of `oneOf`: {}", joined(wrong))),
                1 => {}
                n => self.say(at, format!("fits {n} of `oneOf`, and has to fit one alone")),
            }
        }
        if let Some(schema) = all.get("not")
            && self.fits(schema, value, at)
        {
            self.say(at, "is what `not` forbids");
        }
        if let Some(schema) = all.get("if") {
            let branch = if self.fits(schema, value, at) { "then" } else { "else" };
            if let Some(schema) = all.get(branch) {
                self.hold(schema, value, at);
            }
        }
        let named = all.get("dependentSchemas").and_then(Value::as_object);
        for (_, schema) in named.into_iter().flatten().filter(|(name, _)| value.get(name.as_str()).is_some())
        {
            self.hold(schema, value, at);
        }
    }

    fn alternatives(&mut self, schemas: &'a [Value], value: &Value, at: &str) -> Vec<Option<String>> {
        schemas.iter().map(|schema| self.first(schema, value, at)).collect()
    }
}

fn list<'a>(all: &'a Map<String, Value>, keyword: &str) -> &'a [Value] {
    all.get(keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A name, or a list of them.
fn names(value: &Value) -> impl Iterator<Item = &str> {
    let listed = value.as_array().map_or(&[][..], Vec::as_slice);
    value.as_str().into_iter().chain(listed.iter().filter_map(Value::as_str))
}

fn is_of(value: &Value, name: &str) -> bool {
    match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => name == "number" || name == "integer" && equal::is_whole(number),
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    }
}

/// What is wrong with the first few alternatives.
fn joined(wrong: Vec<Option<String>>) -> String {
    let all: Vec<_> = wrong.into_iter().flatten().take(4).collect();
    all.join(", or ")
}

fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => Value::String(cut(text)).to_string(),
    }
}

fn cut(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}
