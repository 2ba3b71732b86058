//! What the tests of all APIs share; and a server that misbehaves in every way we know.
mod forgotten;
mod keys;
pub(crate) mod server;
mod wishes;

use super::*;
use domain::{Collector, Finish, SessionId, Tokens};

/// A question with nothing in it but a message.
pub(crate) fn question(messages: Vec<domain::Message>) -> Question {
    Question {
        session: SessionId::parse("s").expect("it is one"),
        instructions: String::new(),
        messages,
        tools: vec![],
        answer_tokens_max: Tokens(100),
        form: domain::AnswerForm::Free,
        key: "key-1".into(),
        attempt: 1,
    }
}

pub(crate) fn user(text: &str) -> domain::Message {
    domain::Message::user(text)
}

/// Reads a body in pieces.
pub(crate) fn read<'a>(
    parser: Box<dyn Parser>,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Fragment>, Result<(), ModelFault>) {
    let mut reader = Body::read_by(parser);
    let mut fragments = Out::new();
    for piece in pieces {
        if let Err(fault) = reader.push(piece, &mut fragments) {
            return (fragments.into(), Err(fault));
        }
        if reader.is_done() {
            break;
        }
    }
    let ended = reader.finish(&mut fragments);
    (fragments.into(), ended)
}

/// What a body comes to: what was thought, said and called, and how it ended.
pub(crate) fn outcome(fragments: &[Fragment], ended: Result<(), ModelFault>) -> String {
    let mut collector = Collector::default();
    let mut thought = String::new();
    for fragment in fragments {
        if let Fragment::Reasoning(text) = fragment {
            thought.push_str(text);
        }
        collector.take(fragment.clone());
    }
    let thought = if thought.is_empty() { String::new() } else { format!("({}) ", thought.escape_debug()) };
    if let Err(fault) = ended.map_err(|fault| fault::presentable(fault, &[])) {
        return format!("{thought}! {fault}");
    }
    let answer = match collector.finish() {
        Ok(answer) => answer,
        Err(malformed) => return format!("{thought}! {malformed}"),
    };
    let calls = answer
        .calls
        .iter()
        .map(|call| format!(" [{} {} {}]", call.id, call.tool, call.arguments.escape_debug()));
    let finish = match answer.finish {
        Finish::Stop => "stop".to_owned(),
        Finish::Calls => "calls".to_owned(),
        Finish::Length => "length".to_owned(),
        Finish::Refused(why) => format!("refused: {why}"),
    };
    let usage = answer
        .usage
        .map_or(String::new(), |usage| format!(", {}+{}, {}", usage.input.0, usage.output.0, usage.cost));
    format!("{thought}{}{} · {finish}{usage}", answer.text.escape_debug(), calls.collect::<String>())
}

/// A server that nobody asks.
pub(crate) fn server(api: crate::Api, model: &str) -> Server {
    let tokens = Tokens(100_000);
    Server {
        api,
        base_url: Url::parse("https://example.com").expect("it is one"),
        credentials: std::sync::Arc::new(Fixed(None)),
        model: model.into(),
        limits: domain::ModelLimits { context_tokens_max: tokens, answer_tokens_max: tokens },
        sizes: None,
        headers: vec![],
        thinking: None,
        streams: true,
    }
}

pub(crate) fn call(id: &str, tool: &str, arguments: &str) -> domain::ToolCall {
    domain::ToolCall { id: id.into(), tool: tool.into(), arguments: arguments.into() }
}

/// A result of the call at this place. What is known of the call itself is left out: only Gemini needs it.
pub(crate) fn result(position: u32, text: &str) -> domain::Message {
    let (call, outcome) = (call("", "x", "{}"), domain::CallOutcome::Done);
    domain::Message::Tool { position, call, outcome, text: text.into() }
}
