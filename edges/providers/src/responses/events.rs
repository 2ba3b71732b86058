//! Turns the events of a response into fragments. An item is heard once, whether it comes in pieces, whole at its end, or
//! only in the response as a whole. An id is kept only of a response that is complete and whose calls can be answered.
use crate::wire::{Origin, Out, Parser, Said, cut_off, in_answer, in_words, text, unavailable};
use domain::{Finish, Fragment, MicroUsd, ModelFault, Tokens, Usage};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// What the server holds, as it is kept with the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The response's id.
    pub(crate) id: String,
    /// The session that it belongs to.
    pub(crate) session: String,
    /// What was said before it.
    pub(crate) past: String,
}

impl Memory {
    /// Reads it back.
    pub(crate) fn read(state: &Value) -> Option<Memory> {
        let field = |name: &str| text(&state[name]).map(str::to_owned);
        Some(Memory { id: field("id")?, session: field("session")?, past: field("past")? })
    }
}

/// What has come so far.
#[derive(Debug)]
pub(crate) struct Events {
    origin: Origin,
    session: String,
    past: String,
    /// By their index in the output.
    items: BTreeMap<u64, Item>,
    /// The ids of calls; `None` once one has none or one of another.
    call_ids: Option<BTreeSet<String>>,
    calls: u32,
    refusal: String,
    finish: Option<Finish>,
}

/// An event that is more of an item.
#[derive(Deserialize)]
struct More<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    output_index: u64,
    #[serde(borrow)]
    delta: Cow<'a, str>,
    error: Option<IgnoredAny>,
}

/// An item of the output, as far as it was heard.
#[derive(Debug, Default)]
struct Item {
    /// Which of the calls it is.
    call: Option<u32>,
    /// How many bytes of its words or arguments have been handed on.
    heard: usize,
}

impl Events {
    /// Reads an answer to a question in this session, behind this past.
    pub(crate) fn new(origin: Origin, session: String, past: String) -> Events {
        Events {
            origin,
            session,
            past,
            items: BTreeMap::new(),
            call_ids: Some(BTreeSet::new()),
            calls: 0,
            refusal: String::new(),
            finish: None,
        }
    }

    /// Which item an event is about. Servers that leave the index out send one item at a time.
    fn index(&self, event: &Value) -> u64 {
        let latest = || self.items.last_key_value().map_or(0, |(index, _)| *index);
        event["output_index"].as_u64().unwrap_or_else(latest)
    }

    fn item(&mut self, index: u64) -> &mut Item {
        self.items.entry(index).or_default()
    }

    /// An item began, or is there as a whole.
    fn call(&mut self, index: u64, item: &Value, out: &mut Out) {
        if item["type"] != "function_call" || self.item(index).call.is_some() {
            return;
        }
        let place = self.calls;
        self.calls += 1;
        self.item(index).call = Some(place);
        let id = text(&item["call_id"]).map(str::to_owned);
        let is_new = id.clone().is_some_and(|id| self.call_ids.as_mut().is_some_and(|ids| ids.insert(id)));
        if !is_new {
            self.call_ids = None;
        }
        let tool = text(&item["name"]).map(str::to_owned);
        out.push_back(Fragment::Call { index: place, id, tool, arguments: String::new() });
    }

    /// More of the arguments of a call. A part of a call that never began has no name, and the answer is turned down.
    fn arguments(&mut self, index: u64, more: &str, out: &mut Out) {
        if more.is_empty() {
            return;
        }
        let next = self.calls;
        let item = self.item(index);
        item.heard += more.len();
        let index = *item.call.get_or_insert(next);
        self.calls = self.calls.max(index + 1);
        out.push_back(Fragment::Call { index, id: None, tool: None, arguments: more.to_owned() });
    }

    /// All arguments of a call: what of them has not come yet.
    fn all_arguments(&mut self, index: u64, all: &Value, out: &mut Out) {
        if let (Some(all), 0) = (text(all), self.item(index).heard) {
            self.arguments(index, all, out);
        }
    }

    fn words(&mut self, index: u64, more: &str, out: &mut Out) {
        if !more.is_empty() {
            self.item(index).heard += more.len();
            out.push_back(Fragment::Text(more.to_owned()));
        }
    }

    fn refused(&mut self, index: u64, more: &str) {
        if !more.is_empty() {
            self.item(index).heard += more.len();
            self.refusal.push_str(more);
        }
    }

    fn thought(&mut self, index: u64, more: &str, out: &mut Out) {
        if !more.is_empty() {
            self.item(index).heard += more.len();
            out.push_back(Fragment::Reasoning(more.to_owned()));
        }
    }

    /// A part of what was thought begins: a blank line stands before each but the first.
    fn next_thought(&mut self, event: &Value, out: &mut Out) {
        if event["summary_index"].as_u64().is_some_and(|index| index > 0) {
            out.push_back(Fragment::Reasoning("\n\n".to_owned()));
        }
    }

    /// An item is there as a whole: what of it has not been heard is heard now.
    fn whole(&mut self, index: u64, item: &Value, out: &mut Out) {
        self.call(index, item, out);
        let heard = self.item(index).heard > 0;
        match item["type"].as_str() {
            Some("function_call") => self.all_arguments(index, &item["arguments"], out),
            Some("message") if !heard => {
                for part in item["content"].as_array().into_iter().flatten() {
                    self.words(index, part["text"].as_str().unwrap_or_default(), out);
                    self.refused(index, part["refusal"].as_str().unwrap_or_default());
                }
            }
            Some("reasoning") if !heard => {
                for part in item["summary"].as_array().into_iter().flatten() {
                    self.thought(index, part["text"].as_str().unwrap_or_default(), out);
                }
            }
            // Tools of the server's own are carried out there.
            Some(_) | None => {}
        }
    }

    /// The response is over, for better or worse.
    fn over(&mut self, response: &Value, out: &mut Out) -> Result<(), ModelFault> {
        for (index, item) in (0u64..).zip(response["output"].as_array().into_iter().flatten()) {
            self.whole(index, item, out);
        }
        out.extend(usage(&response["usage"]).map(Fragment::Usage));
        let reason = response["incomplete_details"]["reason"].as_str();
        let finish = match (response["status"].as_str(), reason) {
            (Some("failed"), _) => return Err(failed(&response["error"])),
            (Some("cancelled"), _) => return Err(unavailable("the server gave up on the answer".to_owned())),
            (_, Some("content_filter")) => {
                Finish::Refused("the provider's content filter ended the answer".to_owned())
            }
            (Some("incomplete"), _) => Finish::Length,
            (Some("queued" | "in_progress"), _) => return Err(cut_off()),
            (_, _) if self.calls > 0 => Finish::Calls,
            (_, _) if !self.refusal.is_empty() => Finish::Refused(std::mem::take(&mut self.refusal)),
            (_, _) => Finish::Stop,
        };
        self.finish = Some(finish);
        let id = text(&response["id"]).filter(|_| self.call_ids.is_some());
        if let (Some(Finish::Stop | Finish::Calls), Some(id)) = (&self.finish, id) {
            let memory = json!({ "id": id, "session": self.session, "past": self.past });
            out.push_back(self.origin.state(&memory));
        }
        Ok(())
    }
}

impl Parser for Events {
    fn word(&mut self, data: &str, out: &mut Out) -> bool {
        let Ok(More { kind, output_index, delta, error: None }) = serde_json::from_str(data) else {
            return false;
        };
        match &*kind {
            "response.output_text.delta" => self.words(output_index, &delta, out),
            "response.function_call_arguments.delta" => self.arguments(output_index, &delta, out),
            "response.reasoning_summary_text.delta" => self.thought(output_index, &delta, out),
            _ => return false,
        }
        true
    }

    fn event(&mut self, name: &str, data: &Value, out: &mut Out) -> Result<(), ModelFault> {
        if let Some(fault) = in_answer(data) {
            return Err(fault);
        }
        let (index, more) = (self.index(data), data["delta"].as_str().unwrap_or_default());
        match data["type"].as_str().unwrap_or(name) {
            "response.output_item.added" => self.call(index, &data["item"], out),
            "response.output_item.done" => self.whole(index, &data["item"], out),
            "response.function_call_arguments.delta" => self.arguments(index, more, out),
            "response.function_call_arguments.done" => self.all_arguments(index, &data["arguments"], out),
            "response.output_text.delta" => self.words(index, more, out),
            "response.refusal.delta" => self.refused(index, more),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.thought(index, more, out);
            }
            "response.reasoning_summary_part.added" => self.next_thought(data, out),
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                return self.over(&data["response"], out);
            }
            "error" => return Err(failed(data)),
            // Beginnings, ends of parts, annotations, and what tools of the server's own do.
            _ => {}
        }
        Ok(())
    }

    fn document(&mut self, value: &Value, out: &mut Out) -> Result<(), ModelFault> {
        let fault = in_answer(value).filter(|_| value["status"].is_null());
        fault.map_or(Ok(()), Err)?;
        if value["output"].is_null() && value["status"].is_null() {
            return Err(ModelFault::Broken("it answered a document that is no response".to_owned()));
        }
        self.over(value, out)
    }

    fn is_done(&self) -> bool {
        self.finish.is_some()
    }

    fn end(&mut self, out: &mut Out) -> Result<(), ModelFault> {
        out.push_back(Fragment::Finish(self.finish.clone().ok_or_else(cut_off)?));
        Ok(())
    }
}

fn failed(error: &Value) -> ModelFault {
    in_words(&Said::of(error))
}

fn usage(usage: &Value) -> Option<Usage> {
    let tokens = |value: &Value| value.as_u64().map(Tokens);
    let details = &usage["input_tokens_details"];
    Some(Usage {
        input: tokens(&usage["input_tokens"])?,
        cached: tokens(&details["cached_tokens"]).unwrap_or_default(),
        cache_written: tokens(&details["cache_write_tokens"]).unwrap_or_default(),
        output: tokens(&usage["output_tokens"]).unwrap_or_default(),
        cost: MicroUsd(0),
    })
}
