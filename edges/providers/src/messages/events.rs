//! Turns the events of a message into fragments. Blocks share one count of indices, so calls are counted here; what tools
//! of the server's own do is not heard. Thoughts are kept whole only of an answer that came to its end.
use super::blocks::Block;
use crate::wire::{Origin, Out, Parser, cut_off, in_answer, text};
use domain::{Finish, Fragment, ModelFault, Tokens, Usage};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
use std::{borrow::Cow, collections::BTreeMap};

/// What has come so far.
#[derive(Debug)]
pub(crate) struct Events {
    origin: Origin,
    /// The blocks that have begun, by the server's index.
    open: BTreeMap<u64, Open>,
    /// What the answer consists of, in order.
    blocks: Vec<Block>,
    calls: u32,
    usage: Option<Counted>,
    finish: Option<Finish>,
    stopped: bool,
}

/// A block that has begun.
#[derive(Debug)]
enum Open {
    /// Words; they stand at this place.
    Words(usize),
    /// A thought; it stands at this place.
    Thought(usize),
    /// A call.
    Call(u32),
    /// What nobody here needs.
    Other,
}

/// An event that is more of a block.
#[derive(Deserialize)]
struct More<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    index: u64,
    #[serde(borrow)]
    delta: Piece<'a>,
    error: Option<IgnoredAny>,
}

/// A piece of a block, of the kinds that come often.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Piece<'a> {
    #[serde(rename = "text_delta")]
    Words {
        #[serde(borrow)]
        text: Cow<'a, str>,
    },
    #[serde(rename = "thinking_delta")]
    Thought {
        #[serde(borrow)]
        thinking: Cow<'a, str>,
    },
    #[serde(rename = "input_json_delta")]
    Arguments {
        #[serde(borrow)]
        partial_json: Cow<'a, str>,
    },
}

/// What was used, as the server counts it: what came from the cache or went into it is not part of the input.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    input: u64,
    cached: u64,
    cache_written: u64,
    output: u64,
}

impl Events {
    /// Reads an answer of this model.
    pub(crate) fn new(origin: Origin) -> Events {
        Events {
            origin,
            open: BTreeMap::new(),
            blocks: Vec::new(),
            calls: 0,
            usage: None,
            finish: None,
            stopped: false,
        }
    }

    fn begin(&mut self, index: u64, block: &Value, out: &mut Out) {
        let place = self.blocks.len();
        let open = match block["type"].as_str() {
            Some("text") => {
                self.blocks.push(Block::Words(0));
                Open::Words(place)
            }
            Some("thinking") => {
                self.blocks
                    .push(Block::Thought(json!({ "type": "thinking", "thinking": "", "signature": "" })));
                Open::Thought(place)
            }
            Some("redacted_thinking") => {
                self.blocks.push(Block::Thought(block.clone()));
                Open::Other
            }
            Some("tool_use") => self.call(block, out),
            Some(_) | None => Open::Other,
        };
        self.open.insert(index, open);
        // Servers that do not cut a block into pieces send it with its beginning.
        self.words(index, block["text"].as_str().unwrap_or_default(), out);
        self.thought(index, block["thinking"].as_str().unwrap_or_default(), out);
        self.signed(index, &block["signature"]);
    }

    fn call(&mut self, block: &Value, out: &mut Out) -> Open {
        let index = self.calls;
        self.calls += 1;
        self.blocks.push(Block::Call(index as usize));
        let owned = |value: &Value| text(value).map(str::to_owned);
        let whole = block["input"].as_object().filter(|input| !input.is_empty());
        let arguments = whole.map_or(String::new(), |_| block["input"].to_string());
        let (id, tool) = (owned(&block["id"]), owned(&block["name"]));
        out.push_back(Fragment::Call { index, id, tool, arguments });
        Open::Call(index)
    }

    fn words(&mut self, index: u64, words: &str, out: &mut Out) {
        let (Some(Open::Words(place)), false) = (self.open.get(&index), words.is_empty()) else { return };
        if let Some(Block::Words(bytes)) = self.blocks.get_mut(*place) {
            *bytes += words.len();
        }
        out.push_back(Fragment::Text(words.to_owned()));
    }

    fn thought(&mut self, index: u64, thought: &str, out: &mut Out) {
        if thought.is_empty() {
            return;
        }
        self.kept(index, "thinking", thought);
        if let Some(Open::Thought(_)) = self.open.get(&index) {
            out.push_back(Fragment::Reasoning(thought.to_owned()));
        }
    }

    fn signed(&mut self, index: u64, signature: &Value) {
        if let Some(signature) = text(signature) {
            self.kept(index, "signature", signature);
        }
    }

    /// Adds to a field of a thought.
    fn kept(&mut self, index: u64, field: &str, more: &str) {
        let Some(Open::Thought(place)) = self.open.get(&index) else { return };
        if let Some(Block::Thought(Value::Object(thought))) = self.blocks.get_mut(*place)
            && let Some(Value::String(kept)) = thought.get_mut(field)
        {
            kept.push_str(more);
        }
    }

    fn arguments(&mut self, index: u64, more: &str, out: &mut Out) {
        let (Some(Open::Call(index)), false) = (self.open.get(&index), more.is_empty()) else { return };
        out.push_back(Fragment::Call { index: *index, id: None, tool: None, arguments: more.to_owned() });
    }

    fn delta(&mut self, index: u64, delta: &Value, out: &mut Out) {
        let more = |name: &str| delta[name].as_str().unwrap_or_default();
        match delta["type"].as_str() {
            Some("text_delta") => self.words(index, more("text"), out),
            Some("input_json_delta") => self.arguments(index, more("partial_json"), out),
            Some("thinking_delta") => self.thought(index, more("thinking"), out),
            Some("signature_delta") => self.signed(index, &delta["signature"]),
            // Citations, and what comes with the next version.
            Some(_) | None => {}
        }
    }

    fn used(&mut self, usage: &Value, out: &mut Out) {
        if !usage.is_object() {
            return;
        }
        let counted = self.usage.get_or_insert_default();
        let take = |name: &str, count: &mut u64| {
            if let Some(number) = usage[name].as_u64() {
                *count = number;
            }
        };
        take("input_tokens", &mut counted.input);
        take("cache_read_input_tokens", &mut counted.cached);
        take("cache_creation_input_tokens", &mut counted.cache_written);
        take("output_tokens", &mut counted.output);
        out.push_back(Fragment::Usage(counted.usage()));
    }

    fn stop(&mut self, reason: &Value) {
        let Some(reason) = reason.as_str() else { return };
        self.finish = Some(match reason {
            "tool_use" => Finish::Calls,
            "max_tokens" | "model_context_window_exceeded" => Finish::Length,
            "refusal" => Finish::Refused("the provider's content filter ended the answer".to_owned()),
            // `end_turn`, `stop_sequence`, and a pause of the server's own tools.
            _ => Finish::Stop,
        });
    }
}

impl Parser for Events {
    fn word(&mut self, data: &str, out: &mut Out) -> bool {
        let Ok(More { kind, index, delta, error: None }) = serde_json::from_str(data) else { return false };
        if kind != "content_block_delta" {
            return false;
        }
        match delta {
            Piece::Words { text } => self.words(index, &text, out),
            Piece::Thought { thinking } => self.thought(index, &thinking, out),
            Piece::Arguments { partial_json } => self.arguments(index, &partial_json, out),
        }
        true
    }

    fn event(&mut self, name: &str, data: &Value, out: &mut Out) -> Result<(), ModelFault> {
        if let Some(fault) = in_answer(data) {
            return Err(fault);
        }
        let index = data["index"].as_u64().unwrap_or(0);
        match data["type"].as_str().unwrap_or(name) {
            "message_start" => self.used(&data["message"]["usage"], out),
            "content_block_start" => self.begin(index, &data["content_block"], out),
            "content_block_delta" => self.delta(index, &data["delta"], out),
            "content_block_stop" => drop(self.open.remove(&index)),
            "message_delta" => {
                self.stop(&data["delta"]["stop_reason"]);
                self.used(&data["usage"], out);
            }
            "message_stop" => self.stopped = true,
            // Pings, and what comes with the next version.
            _ => {}
        }
        Ok(())
    }

    fn document(&mut self, value: &Value, out: &mut Out) -> Result<(), ModelFault> {
        if let Some(fault) = in_answer(value) {
            return Err(fault);
        }
        for (index, block) in (0..).zip(value["content"].as_array().into_iter().flatten()) {
            self.begin(index, block, out);
        }
        self.used(&value["usage"], out);
        self.stop(&value["stop_reason"]);
        self.stopped = true;
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.stopped
    }

    fn end(&mut self, out: &mut Out) -> Result<(), ModelFault> {
        let finish = match (self.finish.take(), self.calls) {
            (None, _) => return Err(cut_off()),
            (Some(Finish::Stop | Finish::Calls), 0) => Finish::Stop,
            (Some(Finish::Stop | Finish::Calls), _) => Finish::Calls,
            (Some(other @ (Finish::Length | Finish::Refused(_))), _) => other,
        };
        let thought = self.blocks.iter().any(|block| matches!(block, Block::Thought(_)));
        if thought && matches!(finish, Finish::Stop | Finish::Calls) {
            let blocks: Vec<_> = self.blocks.iter().map(Block::kept).collect();
            out.push_back(self.origin.state(&json!({ "blocks": blocks })));
        }
        out.push_back(Fragment::Finish(finish));
        Ok(())
    }
}

impl Counted {
    fn usage(self) -> Usage {
        let input = self.input.saturating_add(self.cached).saturating_add(self.cache_written);
        Usage {
            input: Tokens(input),
            cached: Tokens(self.cached),
            cache_written: Tokens(self.cache_written),
            output: Tokens(self.output),
            ..Usage::default()
        }
    }
}
