//! Writes answers as servers of this API do: events in chunks, a few words each, the usage behind them. Every write goes
//! out at once.
use crate::model::Reply;
use serde_json::{Value, json};
use std::io::{self, Write};

/// So many bytes of arguments go into one event: servers send them in small pieces, but half a megabyte is long.
const ARGUMENTS_BYTES: usize = 32 << 10;

/// So much text goes into one event.
const TEXT_BYTES: usize = 24;

/// The events of an answer.
pub(super) fn parts(reply: &Reply) -> Vec<String> {
    let mut parts = vec![chunk(json!({ "role": "assistant", "content": "" }), Value::Null)];
    for text in pieces(&reply.text, TEXT_BYTES) {
        parts.push(chunk(json!({ "content": text }), Value::Null));
    }
    for (index, call) in reply.calls.iter().enumerate() {
        let id = format!("call_{index}");
        let head = json!({ "name": call.tool, "arguments": "" });
        let begin = json!([{ "index": index, "id": id, "type": "function", "function": head }]);
        parts.push(chunk(json!({ "tool_calls": begin }), Value::Null));
        for piece in pieces(&call.arguments, ARGUMENTS_BYTES) {
            let more = json!([{ "index": index, "function": { "arguments": piece } }]);
            parts.push(chunk(json!({ "tool_calls": more }), Value::Null));
        }
    }
    let finish = if reply.calls.is_empty() { "stop" } else { "tool_calls" };
    parts.push(chunk(json!({}), finish.into()));
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15 });
    parts.push(json!({ "object": "chat.completion.chunk", "choices": [], "usage": usage }).to_string());
    parts.push("[DONE]".to_owned());
    parts
}

fn chunk(delta: Value, finish: Value) -> String {
    let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
    json!({ "object": "chat.completion.chunk", "choices": [choice] }).to_string()
}

/// Everything here is ASCII, so any cut is between characters.
fn pieces(text: &str, bytes: usize) -> Vec<&str> {
    let ends = (0..text.len()).step_by(bytes);
    ends.map(|from| &text[from..text.len().min(from + bytes)]).collect()
}

pub(super) fn begin(out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
}

pub(super) fn part(out: &mut impl Write, data: &str) -> io::Result<()> {
    let event = format!("data: {data}\n\n");
    out.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes())
}

pub(super) fn end(out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"0\r\n\r\n")
}

pub(super) fn error(
    out: &mut impl Write,
    status: u16,
    code: &str,
    retry_after: Option<u32>,
) -> io::Result<()> {
    let body = json!({ "error": { "message": "on purpose", "type": code, "code": code } }).to_string();
    let wait = retry_after.map_or(String::new(), |seconds| format!("retry-after: {seconds}\r\n"));
    let head = format!("HTTP/1.1 {status} On Purpose\r\ncontent-type: application/json\r\n{wait}");
    out.write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())
}
