//! Writes a question as the body of a request. Decides nothing about what is asked.
use domain::{Message, ModelFault, Question, ToolCall, ToolSpec};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// OpenAI takes no longer ids.
const CALL_ID_CHARS_MAX: usize = 40;

/// The body for a question. `limit_name` is what this server calls the limit of an answer.
pub(super) fn body(question: &Question, model: &str, limit_name: &str) -> Result<Vec<u8>, ModelFault> {
    let mut body = json!({
        "model": model,
        "messages": messages(question),
        "stream": true,
        "stream_options": { "include_usage": true },
        limit_name: question.answer_tokens_max.0,
    });
    if !question.tools.is_empty() {
        body["tools"] = question.tools.iter().map(tool).collect::<Result<_, _>>()?;
    }
    Ok(body.to_string().into_bytes())
}

fn tool(spec: &ToolSpec) -> Result<Value, ModelFault> {
    let parameters: Value = serde_json::from_str(spec.parameters.as_str()).map_err(|error| {
        ModelFault::Refused(format!("the schema of the tool `{}` is not JSON: {error}", spec.name))
    })?;
    let function = json!({ "name": spec.name, "description": spec.description, "parameters": parameters });
    Ok(json!({ "type": "function", "function": function }))
}

fn messages(question: &Question) -> Vec<Value> {
    let mut messages = Vec::with_capacity(question.messages.len() + 1);
    if !question.instructions.is_empty() {
        messages.push(json!({ "role": "system", "content": question.instructions }));
    }
    let mut ids = Ids::default();
    for message in &question.messages {
        match message {
            Message::User { text, .. } => messages.push(json!({ "role": "user", "content": text })),
            // Servers refuse a message that says and calls nothing.
            Message::Assistant { text, calls, .. } if text.is_empty() && calls.is_empty() => {}
            Message::Assistant { text, calls, .. } => messages.push(assistant(text, calls, ids.begin(calls))),
            Message::Tool { position, text, .. } => {
                // A result without its call has nobody to tell it to, and servers refuse it.
                if let Some(id) = ids.of(*position) {
                    messages.push(json!({ "role": "tool", "tool_call_id": id, "content": text }));
                }
            }
        }
    }
    messages
}

fn assistant(text: &str, calls: &[ToolCall], ids: &[String]) -> Value {
    let content = if text.is_empty() { Value::Null } else { Value::from(text) };
    let mut message =
        Map::from_iter([("role".to_owned(), "assistant".into()), ("content".to_owned(), content)]);
    if !calls.is_empty() {
        let call = |(id, call): (&String, &ToolCall)| {
            let function = json!({ "name": call.tool, "arguments": arguments(&call.arguments) });
            json!({ "id": id, "type": "function", "function": function })
        };
        message.insert("tool_calls".to_owned(), ids.iter().zip(calls).map(call).collect());
    }
    Value::Object(message)
}

/// Arguments as a server will take them: some parse what they get back, and refuse the whole conversation for one call
/// that a model got wrong.
fn arguments(written: &str) -> String {
    match serde_json::from_str(written) {
        Ok(Value::Object(_)) => written.to_owned(),
        _ if written.trim().is_empty() => "{}".to_owned(),
        _ => json!({ "malformed": written }).to_string(),
    }
}

/// The ids of calls in one request. A model's own id is kept where it is one and is free.
#[derive(Default)]
struct Ids {
    taken: BTreeSet<String>,
    /// Those of the latest message with calls.
    current: Vec<String>,
}

impl Ids {
    fn begin(&mut self, calls: &[ToolCall]) -> &[String] {
        self.current = calls.iter().map(|call| self.take(&call.id)).collect();
        &self.current
    }

    fn of(&self, position: u32) -> Option<&str> {
        self.current.get(position as usize).map(String::as_str)
    }
}

impl Ids {
    fn take(&mut self, id: &str) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let usable = !id.is_empty() && id.len() <= CALL_ID_CHARS_MAX && id.chars().all(is_plain);
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
