//! Turns the chunks of an answer into fragments. Calls are counted over all chunks; a part that is a thought is no text; a
//! signature is kept for the part it came with.
use crate::wire::{Origin, Out, Parser, cut_off, in_answer, text};
use domain::{Finish, Fragment, ModelFault, Tokens, Usage};
use serde_json::{Value, json};

/// What has come so far.
#[derive(Debug)]
pub(crate) struct Chunks {
    origin: Origin,
    /// The signature of each call, in order.
    signed: Vec<Option<String>>,
    /// That of the words.
    words_signed: Option<String>,
    finish: Option<Finish>,
}

impl Chunks {
    /// Reads an answer of this model.
    pub(crate) fn new(origin: Origin) -> Chunks {
        Chunks { origin, signed: Vec::new(), words_signed: None, finish: None }
    }

    fn part(&mut self, part: &Value, out: &mut Out) {
        let signature = text(&part["thoughtSignature"]).map(str::to_owned);
        let call = &part["functionCall"];
        if call.is_object() {
            out.push_back(self.call(call));
            self.signed.push(signature);
            return;
        }
        let words = text(&part["text"]);
        if part["thought"] == true {
            out.extend(words.map(|words| Fragment::Reasoning(words.to_owned())));
            return;
        }
        out.extend(words.map(|words| Fragment::Text(words.to_owned())));
        self.words_signed = signature.or(self.words_signed.take());
    }

    fn call(&self, call: &Value) -> Fragment {
        let owned = |value: &Value| text(value).map(str::to_owned);
        let arguments = match &call["args"] {
            Value::Null => "{}".to_owned(),
            arguments => arguments.to_string(),
        };
        let index = u32::try_from(self.signed.len()).unwrap_or(u32::MAX);
        Fragment::Call { index, id: owned(&call["id"]), tool: owned(&call["name"]), arguments }
    }

    fn take(&mut self, chunk: &Value, out: &mut Out) -> Result<(), ModelFault> {
        if let Some(fault) = in_answer(chunk).filter(|_| self.finish.is_none()) {
            return Err(fault);
        }
        out.extend(usage(&chunk["usageMetadata"]).map(Fragment::Usage));
        if let Some(why) = text(&chunk["promptFeedback"]["blockReason"]) {
            self.finish =
                Some(Finish::Refused(format!("the provider's content filter stopped the question ({why})")));
        }
        let first = |candidate: &&Value| candidate["index"].as_u64().unwrap_or(0) == 0;
        let candidates = chunk["candidates"].as_array();
        let Some(candidate) = candidates.and_then(|candidates| candidates.iter().find(first)) else {
            return Ok(());
        };
        for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
            self.part(part, out);
        }
        if let Some(reason) = text(&candidate["finishReason"]) {
            self.finish = Some(finish(reason)?);
        }
        Ok(())
    }
}

impl Parser for Chunks {
    fn event(&mut self, _: &str, data: &Value, out: &mut Out) -> Result<(), ModelFault> {
        self.take(data, out)
    }
    fn document(&mut self, value: &Value, out: &mut Out) -> Result<(), ModelFault> {
        // A server that was not asked for events streams a list.
        match value {
            Value::Array(chunks) => chunks.iter().try_for_each(|chunk| self.take(chunk, out)),
            one => self.take(one, out),
        }
    }
    fn is_done(&self) -> bool {
        // The last chunk is the end, and nothing says which one that is.
        false
    }
    fn end(&mut self, out: &mut Out) -> Result<(), ModelFault> {
        let finish = match (self.finish.take(), self.signed.is_empty()) {
            (None, _) => return Err(cut_off()),
            // It has no reason of its own for calls.
            (Some(Finish::Stop | Finish::Calls), false) => Finish::Calls,
            (Some(other), _) => other,
        };
        let is_signed = self.words_signed.is_some() || self.signed.iter().any(Option::is_some);
        if is_signed && matches!(finish, Finish::Stop | Finish::Calls) {
            let kept = json!({ "words": self.words_signed, "calls": self.signed });
            out.push_back(self.origin.state(&kept));
        }
        out.push_back(Fragment::Finish(finish));
        Ok(())
    }
}

fn finish(reason: &str) -> Result<Finish, ModelFault> {
    match reason {
        "MAX_TOKENS" => Ok(Finish::Length),
        "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "LANGUAGE"
        | "IMAGE_SAFETY" => {
            Ok(Finish::Refused(format!("the provider's content filter ended the answer ({reason})")))
        }
        "MALFORMED_FUNCTION_CALL"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MISSING_THOUGHT_SIGNATURE" => Err(ModelFault::Broken(format!(
            "the model wrote a call that its own server turned down ({reason})"
        ))),
        // `STOP`, and what comes with the next version.
        _ => Ok(Finish::Stop),
    }
}

fn usage(usage: &Value) -> Option<Usage> {
    let tokens = |name: &str| usage[name].as_u64().unwrap_or(0);
    let input = usage["promptTokenCount"].as_u64()?.saturating_add(tokens("toolUsePromptTokenCount"));
    let output = tokens("candidatesTokenCount").saturating_add(tokens("thoughtsTokenCount"));
    Some(Usage {
        input: Tokens(input),
        cached: Tokens(tokens("cachedContentTokenCount")),
        output: Tokens(output),
        ..Usage::default()
    })
}
