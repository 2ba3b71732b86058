//! JSON schemas of the files, for editors: made from the table of keys, so that they cannot disagree with what is checked.
use crate::{
    FileKind,
    keys::{Key, Rule, Use},
};
use serde_json::{Map, Value, json};

/// The schema of a file, as JSON schema of draft 7, which editors of TOML read.
pub fn schema(kind: FileKind) -> Value {
    let mut root = table();
    for key in kind.keys() {
        put(&mut root, &key.path.split('.').collect::<Vec<_>>(), key);
    }
    root["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    root["title"] = json!(format!("{}.toml of Oxydra", kind.word()));
    root
}

/// A table that has no other keys than those that are put into it.
fn table() -> Value {
    json!({"type": "object", "additionalProperties": false})
}

fn put(at: &mut Value, path: &[&str], key: &Key) {
    let Some((name, rest)) = path.split_first() else { return };
    let slot = match *name {
        "*" => &mut at["additionalProperties"],
        name => &mut child(&mut at["properties"])[name],
    };
    if rest.is_empty() {
        *slot = leaf(key);
        return;
    }
    if !slot.is_object() {
        *slot = table();
    }
    put(slot, rest, key);
}

fn child(value: &mut Value) -> &mut Value {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value
}

fn leaf(key: &Key) -> Value {
    let mut value = holds(key.rule);
    let status = match key.used {
        Use::Now => String::new(),
        Use::Later(until) => format!(" (no effect yet: it waits for {until})"),
        Use::Moved(to) => format!(" (is now `{to}`)"),
        Use::Gone(_) => " (no effect)".to_owned(),
    };
    value["description"] = json!(format!("{}{status}", key.about));
    if matches!(key.used, Use::Moved(_) | Use::Gone(_)) {
        value["deprecated"] = json!(true);
    }
    if let Some(default) = default(key) {
        value["default"] = default;
    }
    value
}

/// What a rule allows, as far as a schema can say it.
fn holds(rule: Rule) -> Value {
    let text = || json!({"type": "string", "minLength": 1});
    let texts = |items: Value| json!({"type": "array", "items": items});
    match rule {
        Rule::Text | Rule::Secret | Rule::Reference => text(),
        Rule::Variable => json!({"type": "string", "pattern": "^ *[A-Za-z_][A-Za-z0-9_]* *$"}),
        Rule::Url => json!({"type": "string", "pattern": "^https?://"}),
        Rule::Urls => texts(json!({"type": "string", "pattern": "^https?://"})),
        Rule::Word(words) => json!({"enum": words}),
        Rule::Count(least, u64::MAX) => json!({"type": "integer", "minimum": least}),
        Rule::Count(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Rule::Counts => json!({"type": "integer", "minimum": 1}),
        Rule::Ratio => json!({"type": "number", "minimum": 0, "maximum": 1}),
        Rule::Money => json!({"type": "number", "exclusiveMinimum": 0}),
        Rule::Switch => json!({"type": "boolean"}),
        Rule::Texts => texts(text()),
        Rule::Models => texts(json!({"type": "string", "pattern": "^[^/]+/.+"})),
        Rule::Version => json!({"type": "string", "pattern": "^1(\\.[0-9]+)*$"}),
        Rule::Free => json!({}),
    }
}

fn default(key: &Key) -> Option<Value> {
    use crate::check::Value as Held;
    if key.default.is_empty() {
        return None;
    }
    match key.rule.read(key.default) {
        Held::Text(text) => Some(json!(text)),
        Held::Whole(whole) => Some(json!(whole)),
        Held::Number(number) => Some(json!(number)),
        Held::Switch(switch) => Some(json!(switch)),
        Held::Texts(texts) => Some(json!(texts)),
        Held::Odd(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_has_every_key_where_it_belongs_and_no_others() {
        let agent = schema(FileKind::Agent);
        assert_eq!(agent["additionalProperties"], json!(false));
        let turns = &agent["properties"]["runtime"]["properties"]["max_turns"];
        assert_eq!(
            *turns,
            json!({"type": "integer", "minimum": 1, "maximum": 1000, "default": 8, "description": "model round trips in one turn"})
        );
        let entry = &agent["properties"]["providers"]["properties"]["registry"]["additionalProperties"];
        assert_eq!(entry["properties"]["provider_type"]["enum"][0], json!("openai"));
        assert_eq!(entry["properties"]["extra_headers"]["additionalProperties"]["type"], json!("string"));
        let old = &agent["properties"]["providers"]["properties"]["openai"]["properties"]["api_key"];
        assert_eq!(old["deprecated"], json!(true));
        for kind in FileKind::ALL {
            let text = schema(kind).to_string();
            for name in kind.keys().iter().flat_map(|key| key.path.split('.')).filter(|name| *name != "*") {
                assert!(text.contains(&format!("\"{name}\":")), "{name}");
            }
        }
    }
}
