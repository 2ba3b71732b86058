//! Writes a question as the body of a request. What the server holds already is not written.
use crate::wire::{Ids, Kind, arguments, base64, kind, refused, schema};
use domain::{AnswerForm, Attachment, Message, ModelFault, Question, ToolCall, ToolSpec};
use serde_json::{Value, json};

/// The API takes no longer ids.
const CALL_ID_CHARS_MAX: usize = 64;

/// The body for a question. `held` is the id of what the server holds, and what has come since.
pub(super) fn body(
    question: &Question,
    model: &str,
    held: Option<(String, &[Message])>,
) -> Result<Value, ModelFault> {
    let input = match &held {
        Some((_, since)) => since_then(since)?,
        None => whole(&question.messages)?,
    };
    let mut body = json!({
        "model": model,
        "input": input,
        "max_output_tokens": question.answer_tokens_max.0,
        "store": true,
    });
    // They do not go with the past that the server holds.
    if !question.instructions.is_empty() {
        body["instructions"] = question.instructions.as_str().into();
    }
    if let Some((id, _)) = held {
        body["previous_response_id"] = id.into();
    }
    if !question.tools.is_empty() {
        body["tools"] = question.tools.iter().map(tool).collect::<Result<_, _>>()?;
    }
    match &question.form {
        AnswerForm::Free => {}
        AnswerForm::JsonObject => body["text"]["format"] = json!({ "type": "json_object" }),
        AnswerForm::JsonSchema(wanted) => {
            let wanted = schema("the answer", wanted)?;
            body["text"]["format"] = json!({ "type": "json_schema", "name": "answer", "schema": wanted });
        }
    }
    Ok(body)
}

fn tool(spec: &ToolSpec) -> Result<Value, ModelFault> {
    let parameters = schema(&format!("the tool `{}`", spec.name), &spec.parameters)?;
    // Left out, it is strict: then every argument that may be left out would have to be written.
    Ok(json!({
        "type": "function", "name": spec.name, "description": spec.description, "parameters": parameters, "strict": false,
    }))
}

/// What has come since an answer that the server holds: results of its calls, by its own ids, and words.
fn since_then(messages: &[Message]) -> Result<Vec<Value>, ModelFault> {
    let mut input = Vec::with_capacity(messages.len());
    for message in messages {
        match message {
            Message::User { text, attachments } => input.push(user(text, attachments)?),
            Message::Tool { call, text, .. } => input.push(result(&call.id, text)),
            // The latest answer stands before all of these.
            Message::Assistant { .. } => {}
        }
    }
    Ok(input)
}

fn whole(messages: &[Message]) -> Result<Vec<Value>, ModelFault> {
    let mut input = Vec::with_capacity(messages.len());
    let mut ids = Ids::of_at_most(CALL_ID_CHARS_MAX);
    for message in messages {
        match message {
            Message::User { text, attachments } => input.push(user(text, attachments)?),
            Message::Assistant { text, calls, .. } => {
                if !text.is_empty() {
                    let words = json!({ "type": "output_text", "text": text });
                    input.push(json!({ "type": "message", "role": "assistant", "content": [words] }));
                }
                let ids = ids.begin(calls).iter();
                input.extend(ids.zip(calls).map(|(id, call)| called(id, call)));
            }
            Message::Tool { position, text, .. } => {
                input.extend(ids.of(*position).map(|id| result(id, text)))
            }
        }
    }
    Ok(input)
}

fn called(id: &str, call: &ToolCall) -> Value {
    json!({ "type": "function_call", "call_id": id, "name": call.tool, "arguments": arguments(&call.arguments) })
}

fn result(id: &str, text: &str) -> Value {
    json!({ "type": "function_call_output", "call_id": id, "output": text })
}

fn user(text: &str, attachments: &[Attachment]) -> Result<Value, ModelFault> {
    let words = json!({ "type": "input_text", "text": text });
    let words = (!text.is_empty() || attachments.is_empty()).then_some(Ok(words));
    let content: Vec<Value> = attachments.iter().map(attached).chain(words).collect::<Result<_, _>>()?;
    Ok(json!({ "type": "message", "role": "user", "content": content }))
}

fn attached(attachment: &Attachment) -> Result<Value, ModelFault> {
    let Attachment { name, media_type, bytes } = attachment;
    let data = || format!("data:{media_type};base64,{}", base64(attachment));
    match kind(attachment) {
        Kind::Image => Ok(json!({ "type": "input_image", "image_url": data(), "detail": "auto" })),
        Kind::Pdf => Ok(json!({ "type": "input_file", "filename": name, "file_data": data() })),
        Kind::Text => {
            let text = format!("{name}:\n{}", String::from_utf8_lossy(bytes));
            Ok(json!({ "type": "input_text", "text": text }))
        }
        Kind::Sound | Kind::Film | Kind::Other => Err(refused(attachment)),
    }
}
