//! What an answer consisted of, in order: thoughts whole, with their signatures; words and calls by what stands in the
//! message anyway. It puts the same content together again, or says that it cannot.
use crate::wire::{object, text};
use domain::ToolCall;
use serde_json::{Value, json};

/// One part of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Block {
    /// What it thought: with a signature, or as something that only its makers can read.
    Thought(Value),
    /// So many bytes of its words.
    Words(usize),
    /// The call at this place.
    Call(usize),
}

impl Block {
    /// As it is kept.
    pub(super) fn kept(&self) -> Value {
        match self {
            Block::Thought(thought) => thought.clone(),
            Block::Words(bytes) => json!({ "words": bytes }),
            Block::Call(place) => json!({ "call": place }),
        }
    }

    fn read(kept: &Value) -> Option<Block> {
        let number = |name: &str| kept[name].as_u64().and_then(|number| usize::try_from(number).ok());
        match kept["type"].as_str() {
            Some("thinking" | "redacted_thinking") => Some(Block::Thought(kept.clone())),
            Some(_) => None,
            None => number("words").map(Block::Words).or_else(|| number("call").map(Block::Call)),
        }
    }
}

/// The content of a message of the model as its API wants it. `kept` is what it was made of, if that is known.
pub(super) fn content(said: &str, calls: &[ToolCall], ids: &[String], kept: Option<&Value>) -> Vec<Value> {
    let plain = [Block::Words(said.len())].into_iter().chain((0..calls.len()).map(Block::Call)).collect();
    let blocks = kept.and_then(|kept| fitting(kept, said, calls.len())).unwrap_or(plain);
    let mut rest = said;
    let mut content = Vec::with_capacity(blocks.len());
    for block in blocks {
        match block {
            Block::Thought(thought) => content.push(thought),
            Block::Words(bytes) => {
                let (words, behind) = rest.split_at(bytes);
                rest = behind;
                // The API refuses text without a word in it.
                if !words.trim().is_empty() {
                    content.push(json!({ "type": "text", "text": words }));
                }
            }
            Block::Call(place) => {
                let (call, id) = (&calls[place], &ids[place]);
                let input = object(&call.arguments);
                content.push(json!({ "type": "tool_use", "id": id, "name": call.tool, "input": input }));
            }
        }
    }
    content
}

/// What a message was made of, if that is all of the message and no more.
fn fitting(kept: &Value, said: &str, calls: usize) -> Option<Vec<Block>> {
    let blocks: Vec<_> = kept["blocks"].as_array()?.iter().map(Block::read).collect::<Option<_>>()?;
    let (mut heard, mut called) = (0usize, Vec::new());
    for block in &blocks {
        match block {
            Block::Thought(thought) => {
                text(&thought["signature"]).or_else(|| text(&thought["data"]))?;
            }
            Block::Words(bytes) => {
                heard = heard.checked_add(*bytes)?;
                said.get(..heard)?;
            }
            Block::Call(place) => called.push(*place),
        }
    }
    (heard == said.len() && called.into_iter().eq(0..calls)).then_some(blocks)
}
