//! Puts a JSON schema into the form that Google's servers take: they refuse a whole request for one keyword that they do not
//! know, so what they do not know is left out, and what has another name there is renamed.
use serde_json::{Map, Value, json};

/// What they know besides `type`, and what needs a look.
const KNOWN: &[&str] = &[
    "description",
    "title",
    "enum",
    "format",
    "nullable",
    "required",
    "default",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
];

/// Schemas that refer to others are followed this deep; what is deeper may be anything.
const DEPTH_MAX: usize = 12;

/// The schema in Google's form; `None` for one that wants nothing, which is left out there.
pub(super) fn parameters(schema: &Value) -> Option<Value> {
    let schema = sanitised(schema, schema, 0);
    let wants = schema["properties"].as_object().is_some_and(|properties| !properties.is_empty());
    wants.then_some(schema)
}

/// The schema of an answer in Google's form.
pub(super) fn sanitised(root: &Value, schema: &Value, depth: usize) -> Value {
    let Some(schema) = schema.as_object().filter(|_| depth < DEPTH_MAX) else { return json!({}) };
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let target = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return target.map_or_else(|| json!({}), |target| sanitised(root, target, depth + 1));
    }
    let inner = |schema: &Value| sanitised(root, schema, depth + 1);
    let mut clean = Map::new();
    for (key, value) in schema {
        match (key.as_str(), value) {
            ("type", Value::Array(types)) => typed(types, &mut clean),
            ("type", Value::String(_)) => drop(clean.insert(key.clone(), value.clone())),
            ("const", Value::String(_)) => {
                clean.insert("type".into(), "string".into());
                clean.insert("enum".into(), json!([value]));
            }
            ("properties", Value::Object(properties)) => {
                let properties = properties.iter().map(|(name, schema)| (name.clone(), inner(schema)));
                clean.insert(key.clone(), Value::Object(properties.collect()));
            }
            ("items", Value::Object(_)) => drop(clean.insert(key.clone(), inner(value))),
            ("anyOf" | "oneOf" | "allOf", Value::Array(schemas)) => {
                clean.insert("anyOf".into(), schemas.iter().map(inner).collect());
            }
            // They know few formats, and refuse the others.
            ("format", format) if !matches!(format.as_str(), Some("enum" | "date-time")) => {}
            // Numbers are no enumeration there.
            ("enum", Value::Array(values)) if !values.iter().all(Value::is_string) => {}
            (known, _) if KNOWN.contains(&known) => drop(clean.insert(key.clone(), value.clone())),
            (_, _) => {}
        }
    }
    Value::Object(clean)
}

/// Several types at once: `null` is a flag there, and others are alternatives.
fn typed(types: &[Value], clean: &mut Map<String, Value>) {
    let (null, others): (Vec<_>, Vec<_>) = types.iter().partition(|kind| *kind == "null");
    if !null.is_empty() {
        clean.insert("nullable".into(), true.into());
    }
    match &others[..] {
        [] => {}
        [one] => drop(clean.insert("type".into(), (*one).clone())),
        many => {
            clean.insert("anyOf".into(), many.iter().map(|kind| json!({ "type": kind })).collect());
        }
    }
}
