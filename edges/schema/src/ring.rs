//! Schemas that are held against one value and lead back to themselves: to check by them would never end.
use crate::{BadSchema, refs};
use serde_json::Value;
use std::collections::HashSet;

/// So many references and the like may follow each other before a part of the value is looked at: more than anybody writes,
/// and little enough for the stack.
const CHAIN_MAX: usize = 64;

/// Refuses a schema that leads back to itself. What was found to end is remembered.
pub(crate) fn refused(
    root: &Value,
    schema: &Value,
    at: &str,
    ended: &mut HashSet<*const Value>,
) -> Result<(), BadSchema> {
    let mut way = Vec::new();
    if ends(root, schema, &mut way, ended) {
        return Ok(());
    }
    let what = format!("a `$ref` that leads back to itself, or over more than {CHAIN_MAX} steps,");
    Err(BadSchema::Wrong { at: at.to_owned(), what })
}

fn ends(
    root: &Value,
    schema: &Value,
    way: &mut Vec<*const Value>,
    ended: &mut HashSet<*const Value>,
) -> bool {
    let place: *const Value = schema;
    if ended.contains(&place) {
        return true;
    }
    if way.len() == CHAIN_MAX || way.contains(&place) {
        return false;
    }
    way.push(place);
    let all_end = next(root, schema).into_iter().all(|next| ends(root, next, way, ended));
    way.pop();
    if all_end {
        ended.insert(place);
    }
    all_end
}

/// What is held against the same value.
fn next<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let Some(all) = schema.as_object() else { return Vec::new() };
    let one = ["not", "if", "then", "else"].into_iter().filter_map(|name| all.get(name));
    let lists =
        ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|name| all.get(name)?.as_array()).flatten();
    let named = all.get("dependentSchemas").and_then(Value::as_object);
    let reference = all.get("$ref").and_then(Value::as_str).and_then(|name| refs::target(root, name));
    one.chain(lists).chain(named.into_iter().flat_map(|named| named.values())).chain(reference).collect()
}
