//! What a call is named by and called with in one request, so that a server takes it whatever a model once wrote.
use domain::ToolCall;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The ids of calls in one request. A model's own id is kept where it is one and is free.
pub(crate) struct Ids {
    chars_max: usize,
    taken: BTreeSet<String>,
    /// Those of the latest message with calls.
    current: Vec<String>,
}

impl Ids {
    /// Ids of at most so many characters.
    pub(crate) fn of_at_most(chars_max: usize) -> Ids {
        Ids { chars_max, taken: BTreeSet::new(), current: Vec::new() }
    }

    /// Begins a message with these calls, and returns their ids.
    pub(crate) fn begin(&mut self, calls: &[ToolCall]) -> &[String] {
        self.current = calls.iter().map(|call| self.take(&call.id)).collect();
        &self.current
    }

    /// The id of a call of the latest message. A result without its call has none: servers would refuse it.
    pub(crate) fn of(&self, position: u32) -> Option<&str> {
        self.current.get(position as usize).map(String::as_str)
    }

    fn take(&mut self, id: &str) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let usable = !id.is_empty() && id.len() <= self.chars_max && id.chars().all(is_plain);
        if usable && self.taken.insert(id.to_owned()) {
            return id.to_owned();
        }
        let mut free =
            (self.taken.len()..).map(|n| format!("call_{n}")).filter(|id| !self.taken.contains(id));
        let id = free.next().expect("numbers do not run out");
        self.taken.insert(id.clone());
        id
    }
}

/// Arguments as an object: some servers take no other, and refuse the whole conversation for one call that a model got
/// wrong.
pub(crate) fn object(written: &str) -> Value {
    match serde_json::from_str(written) {
        Ok(object @ Value::Object(_)) => object,
        _ if written.trim().is_empty() => json!({}),
        _ => json!({ "malformed": written }),
    }
}

/// The same as text, word for word where it is an object.
pub(crate) fn arguments(written: &str) -> String {
    match serde_json::from_str(written) {
        Ok(Value::Object(_)) => written.to_owned(),
        _ => object(written).to_string(),
    }
}
