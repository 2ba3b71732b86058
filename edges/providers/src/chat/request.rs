//! Writes a question as the body of a request. Decides nothing about what is asked.
use crate::wire::{Ids, Kind, arguments, base64, kind, refused, schema};
use domain::{AnswerForm, Attachment, Message, ModelFault, Question, ToolCall, ToolSpec};
use serde_json::{Map, Value, json};

/// OpenAI takes no longer ids.
const CALL_ID_CHARS_MAX: usize = 40;

/// The body for a question. `limit_name` is what this server calls the limit of an answer.
pub(super) fn body(question: &Question, model: &str, limit_name: &str) -> Result<Value, ModelFault> {
    let mut body = json!({
        "model": model,
        "messages": messages(question)?,
        limit_name: question.answer_tokens_max.0,
    });
    if !question.tools.is_empty() {
        body["tools"] = question.tools.iter().map(tool).collect::<Result<_, _>>()?;
    }
    match &question.form {
        AnswerForm::Free => {}
        AnswerForm::JsonObject => body["response_format"] = json!({ "type": "json_object" }),
        AnswerForm::JsonSchema(wanted) => {
            let wanted = json!({ "name": "answer", "schema": schema("the answer", wanted)? });
            body["response_format"] = json!({ "type": "json_schema", "json_schema": wanted });
        }
    }
    Ok(body)
}

fn tool(spec: &ToolSpec) -> Result<Value, ModelFault> {
    let parameters = schema(&format!("the tool `{}`", spec.name), &spec.parameters)?;
    let function = json!({ "name": spec.name, "description": spec.description, "parameters": parameters });
    Ok(json!({ "type": "function", "function": function }))
}

fn messages(question: &Question) -> Result<Vec<Value>, ModelFault> {
    let mut messages = Vec::with_capacity(question.messages.len() + 1);
    if !question.instructions.is_empty() {
        messages.push(json!({ "role": "system", "content": question.instructions }));
    }
    let mut ids = Ids::of_at_most(CALL_ID_CHARS_MAX);
    for message in &question.messages {
        match message {
            Message::User { text, attachments } => {
                messages.push(json!({ "role": "user", "content": content(text, attachments)? }));
            }
            // Servers refuse a message that says and calls nothing.
            Message::Assistant { text, calls, .. } if text.is_empty() && calls.is_empty() => {}
            Message::Assistant { text, calls, .. } => {
                messages.push(assistant(text, calls, ids.begin(calls)));
            }
            Message::Tool { position, text, .. } => {
                // A result without its call has nobody to tell it to, and servers refuse it.
                if let Some(id) = ids.of(*position) {
                    messages.push(json!({ "role": "tool", "tool_call_id": id, "content": text }));
                }
            }
        }
    }
    Ok(messages)
}

/// Words alone are sent as text, which every server takes.
fn content(text: &str, attachments: &[Attachment]) -> Result<Value, ModelFault> {
    if attachments.is_empty() {
        return Ok(text.into());
    }
    let words = json!({ "type": "text", "text": text });
    let parts = attachments.iter().map(attached).chain((!text.is_empty()).then_some(Ok(words)));
    parts.collect()
}

fn attached(attachment: &Attachment) -> Result<Value, ModelFault> {
    let Attachment { name, media_type, bytes } = attachment;
    let data = || format!("data:{media_type};base64,{}", base64(attachment));
    match kind(attachment) {
        Kind::Image => Ok(json!({ "type": "image_url", "image_url": { "url": data() } })),
        Kind::Pdf => Ok(json!({ "type": "file", "file": { "filename": name, "file_data": data() } })),
        Kind::Text => {
            let text = format!("{name}:\n{}", String::from_utf8_lossy(bytes));
            Ok(json!({ "type": "text", "text": text }))
        }
        Kind::Sound | Kind::Film | Kind::Other => Err(refused(attachment)),
    }
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
