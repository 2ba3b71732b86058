//! Where a `$ref` leads: to the root, by a JSON pointer, or to an anchor, always within the schema.
use serde_json::Value;

/// Returns what a reference names; `None` if there is nothing.
pub(crate) fn target<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    let fragment = decoded(reference.strip_prefix('#')?)?;
    if fragment.is_empty() || fragment.starts_with('/') {
        return root.pointer(&fragment);
    }
    anchored(root, &fragment)
}

/// Undoes what stands for a byte in an address: `%25`.
fn decoded(fragment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(more.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &more[2..];
        } else {
            bytes.push(*first);
            rest = more;
        }
    }
    String::from_utf8(bytes).ok()
}

fn anchored<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(all) if all.get("$anchor").and_then(Value::as_str) == Some(name) => Some(value),
        Value::Object(all) => all.values().find_map(|value| anchored(value, name)),
        Value::Array(all) => all.iter().find_map(|value| anchored(value, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_reference_leads_within_the_schema_or_nowhere() {
        let root = json!({ "$defs": { "a/b": 1, "c d": { "$anchor": "here", "e": 2 }, "50%": 3 } });
        for (reference, found) in [
            ("#", Some(&root)),
            ("#/$defs/a~1b", Some(&json!(1))),
            ("#/$defs/c%20d/e", Some(&json!(2))),
            ("#here", Some(&root["$defs"]["c d"])),
            ("#/$defs/50%25", Some(&json!(3))),
            ("#/$defs/50%", None),
            ("#/$defs/gone", None),
            ("#gone", None),
            ("https://example.com/a.json", None),
            ("other.json#/$defs/a", None),
        ] {
            assert_eq!(target(&root, reference), found, "{reference}");
        }
    }
}
