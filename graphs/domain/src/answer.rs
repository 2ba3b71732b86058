//! An answer, and how it is put together from the fragments of a stream. No half call ever comes out of it.
use crate::{ProviderState, ToolCall, Usage};
use durable::durable;
use std::collections::{BTreeMap, btree_map::Entry};

/// An answer holds so many bytes, what the model thinks included: ten times what any model writes. Calls are stored a
/// few times over in one group of the journal, which takes 64 MiB.
pub const ANSWER_BYTES_MAX: usize = 4 << 20;

/// An answer makes so many calls. Each has a result that is recorded with one move, and a move carries 256 facts.
pub const CALLS_MAX: usize = 128;

/// Why a model stopped writing.
#[durable]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finish {
    /// It had said what it had to say.
    Stop,
    /// It wants results of calls.
    Calls,
    /// It reached its limit.
    Length,
    /// It, or its provider, refused.
    Refused(String),
}

/// A piece of an answer, in the order of arrival.
#[derive(Debug, Clone, PartialEq)]
pub enum Fragment {
    /// More text.
    Text(String),
    /// More of what it thinks.
    Reasoning(String),
    /// More of a call. Parts with one index belong together.
    Call {
        /// Which call of the answer.
        index: u32,
        /// The model's id for it, once.
        id: Option<String>,
        /// The tool's name, once.
        tool: Option<String>,
        /// More of the arguments.
        arguments: String,
    },
    /// What the call has used so far; the last one counts.
    Usage(Usage),
    /// Who answers, where that is not the model that was asked.
    Model(String),
    /// What the API wants to get back with the answer; the last one counts.
    State(ProviderState),
    /// The end. A stream without it was cut off.
    Finish(Finish),
}

/// A whole answer.
#[durable]
#[derive(Clone, PartialEq, Debug)]
pub struct Answer {
    /// What it said.
    pub text: String,
    /// What it wants to call, in order.
    pub calls: Vec<ToolCall>,
    /// Why it stopped.
    pub finish: Finish,
    /// What it used; `None` if the model did not say.
    pub usage: Option<Usage>,
    /// Who answered, where that is not the model that was asked.
    pub model: Option<String>,
    /// What the API wants to get back with it.
    pub state: Option<ProviderState>,
}

/// A stream that is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The stream ended without saying why.
    #[error("the answer was cut off: it ended without a finish reason")]
    CutOff,
    /// It reached its limit between the name of a call and its arguments. Arguments that were cut later are no JSON any
    /// more and are turned down as such; none at all could pass for a call without arguments.
    #[error("call {0} of the answer was cut off at its limit")]
    HalfCall(u32),
    /// A call never got a name.
    #[error("call {0} of the answer names no tool")]
    Nameless(u32),
    /// It does not end.
    #[error("the answer is longer than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    /// It calls and calls.
    #[error("the answer makes more than {CALLS_MAX} calls")]
    TooManyCalls,
}

/// Puts an answer together.
#[derive(Debug, Default)]
pub struct Collector {
    text: String,
    calls: BTreeMap<u32, PartialCall>,
    finish: Option<Finish>,
    usage: Option<Usage>,
    model: Option<String>,
    state: Option<ProviderState>,
    shape: Shape,
    /// It can no longer become an answer.
    spoilt: Option<Malformed>,
}

/// How much came of an answer, and which calls: enough to say whether it can be one, without keeping it.
#[derive(Debug, Default)]
pub struct Shape {
    bytes: usize,
    calls: BTreeMap<u32, Outline>,
}

#[derive(Debug, Default)]
struct Outline {
    has_name: bool,
    has_arguments: bool,
}

impl Shape {
    /// Takes the next fragment; the last one says whether all of it is whole.
    ///
    /// # Errors
    /// When there can be no answer any more.
    pub fn take(&mut self, fragment: &Fragment) -> Result<(), Malformed> {
        match fragment {
            Fragment::Text(text) | Fragment::Reasoning(text) => self.weigh(text.len()),
            Fragment::Call { index, id, tool, arguments } => {
                let named = id.as_ref().map_or(0, String::len) + tool.as_ref().map_or(0, String::len);
                self.weigh(named + arguments.len())?;
                let call = self.call(*index)?;
                call.has_name = tool.as_ref().map_or(call.has_name, |tool| !tool.is_empty());
                call.has_arguments |= !arguments.is_empty();
                Ok(())
            }
            Fragment::State(state) => self.weigh(state.body.as_str().len()),
            Fragment::Usage(_) | Fragment::Model(_) => Ok(()),
            Fragment::Finish(finish) => self.end(finish),
        }
    }

    fn end(&self, finish: &Finish) -> Result<(), Malformed> {
        for (index, call) in &self.calls {
            if !call.has_name {
                return Err(Malformed::Nameless(*index));
            }
            if *finish == Finish::Length && !call.has_arguments {
                return Err(Malformed::HalfCall(*index));
            }
        }
        Ok(())
    }

    fn weigh(&mut self, bytes: usize) -> Result<(), Malformed> {
        self.bytes += bytes;
        if self.bytes > ANSWER_BYTES_MAX { Err(Malformed::TooLong) } else { Ok(()) }
    }

    fn call(&mut self, index: u32) -> Result<&mut Outline, Malformed> {
        let calls = self.calls.len();
        match self.calls.entry(index) {
            Entry::Occupied(call) => Ok(call.into_mut()),
            Entry::Vacant(_) if calls == CALLS_MAX => Err(Malformed::TooManyCalls),
            Entry::Vacant(place) => Ok(place.insert(Outline::default())),
        }
    }
}

#[derive(Debug, Default)]
struct PartialCall {
    id: String,
    tool: String,
    arguments: String,
}

impl Collector {
    /// Takes the next fragment. Once the answer is spoilt, nothing more is kept.
    pub fn take(&mut self, fragment: Fragment) {
        if self.spoilt.is_none() {
            match self.shape.take(&fragment) {
                Ok(()) => self.keep(fragment),
                Err(spoilt) => self.spoilt = Some(spoilt),
            }
        }
    }

    /// Says whether what came can be no answer any more: there is no use in hearing more of it.
    pub fn is_spoilt(&self) -> bool {
        self.spoilt.is_some()
    }

    /// Returns the whole answer.
    ///
    /// # Errors
    /// When the stream ended early, was too much, or a call has no name: then nothing of it is executed.
    pub fn finish(self) -> Result<Answer, Malformed> {
        if let Some(spoilt) = self.spoilt {
            return Err(spoilt);
        }
        let finish = self.finish.ok_or(Malformed::CutOff)?;
        // Again: a call may have come behind the end.
        self.shape.end(&finish)?;
        let call = |part: PartialCall| ToolCall { id: part.id, tool: part.tool, arguments: part.arguments };
        let calls = self.calls.into_values().map(call).collect();
        let Collector { text, usage, model, state, .. } = self;
        Ok(Answer { text, calls, finish, usage, model, state })
    }

    fn keep(&mut self, fragment: Fragment) {
        match fragment {
            Fragment::Text(text) => self.text.push_str(&text),
            Fragment::Reasoning(_) => {}
            Fragment::Call { index, id, tool, arguments } => {
                self.calls.entry(index).or_default().take(id, tool, &arguments);
            }
            Fragment::Usage(usage) => self.usage = Some(usage),
            Fragment::Model(model) => self.model = Some(model),
            Fragment::State(state) => self.state = Some(state),
            Fragment::Finish(finish) => self.finish = Some(finish),
        }
    }
}

impl PartialCall {
    fn take(&mut self, id: Option<String>, tool: Option<String>, arguments: &str) {
        if let Some(id) = id {
            self.id = id;
        }
        if let Some(tool) = tool {
            self.tool = tool;
        }
        self.arguments.push_str(arguments);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(fragments: impl IntoIterator<Item = Fragment>) -> Result<Answer, Malformed> {
        let mut collector = Collector::default();
        fragments.into_iter().for_each(|f| collector.take(f));
        collector.finish()
    }
    fn part(index: u32, id: Option<&str>, tool: Option<&str>, arguments: &str) -> Fragment {
        Fragment::Call {
            index,
            id: id.map(Into::into),
            tool: tool.map(Into::into),
            arguments: arguments.into(),
        }
    }

    #[test]
    fn interleaved_calls_come_out_whole_and_in_order() {
        let answer = collect([
            Fragment::Text("let me ".into()),
            part(1, Some("b"), Some("file_list"), "{"),
            part(0, Some("a"), Some("file_read"), "{\"path\":"),
            Fragment::Text("look".into()),
            part(0, None, None, "\"x\"}"),
            part(1, None, None, "}"),
            Fragment::Finish(Finish::Calls),
        ])
        .expect("whole");
        assert_eq!(answer.text, "let me look");
        let calls: Vec<_> =
            answer.calls.iter().map(|c| (c.id.as_str(), c.tool.as_str(), c.arguments.as_str())).collect();
        assert_eq!(calls, [("a", "file_read", "{\"path\":\"x\"}"), ("b", "file_list", "{}")]);
    }

    #[test]
    fn half_an_answer_is_no_answer() {
        assert_eq!(collect([Fragment::Text("so ".into())]), Err(Malformed::CutOff));
        let nameless = [part(3, Some("a"), None, "{}"), Fragment::Finish(Finish::Calls)];
        assert_eq!(collect(nameless), Err(Malformed::Nameless(3)));
        let bare = |finish| [part(0, Some("a"), Some("file_list"), ""), Fragment::Finish(finish)];
        assert_eq!(collect(bare(Finish::Length)), Err(Malformed::HalfCall(0)));
        assert!(collect(bare(Finish::Calls)).is_ok(), "a call without arguments");
    }

    #[test]
    fn an_answer_without_an_end_is_no_answer() {
        let megabyte = || "x".repeat(1 << 20);
        assert_eq!(collect((0..5).map(|_| Fragment::Text(megabyte()))), Err(Malformed::TooLong));
        assert_eq!(collect((0..5).map(|_| Fragment::Reasoning(megabyte()))), Err(Malformed::TooLong));
        assert_eq!(collect((0..5).map(|_| part(0, None, Some("t"), &megabyte()))), Err(Malformed::TooLong));
        let calls = |n: u32| {
            let calls = (0..n).map(|index| part(index, None, Some("t"), "{}"));
            collect(calls.chain([Fragment::Finish(Finish::Calls)])).map(|answer| answer.calls.len())
        };
        assert_eq!(calls(128), Ok(CALLS_MAX));
        assert_eq!(calls(129), Err(Malformed::TooManyCalls));
    }
}
