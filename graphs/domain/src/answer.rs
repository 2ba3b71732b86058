//! An answer, and how it is put together from the fragments of a stream. No half call ever comes out of it.
use crate::{ToolCall, Usage};
use durable::durable;
use std::collections::BTreeMap;

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
}

/// A stream that is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The stream ended without saying why.
    #[error("the answer was cut off: it ended without a finish reason")]
    CutOff,
    /// A call never got a name.
    #[error("call {0} of the answer names no tool")]
    Nameless(u32),
}

/// Puts an answer together.
#[derive(Debug, Default)]
pub struct Collector {
    text: String,
    calls: BTreeMap<u32, PartialCall>,
    finish: Option<Finish>,
    usage: Option<Usage>,
}

#[derive(Debug, Default)]
struct PartialCall {
    id: String,
    tool: Option<String>,
    arguments: String,
}

impl Collector {
    /// Takes the next fragment.
    pub fn take(&mut self, fragment: Fragment) {
        match fragment {
            Fragment::Text(text) => self.text.push_str(&text),
            Fragment::Reasoning(_) => {}
            Fragment::Call { index, id, tool, arguments } => {
                let call = self.calls.entry(index).or_default();
                if let Some(id) = id {
                    call.id = id;
                }
                if tool.is_some() {
                    call.tool = tool;
                }
                call.arguments.push_str(&arguments);
            }
            Fragment::Usage(usage) => self.usage = Some(usage),
            Fragment::Finish(finish) => self.finish = Some(finish),
        }
    }

    /// Returns the whole answer.
    ///
    /// # Errors
    /// When the stream ended early or a call has no name: then nothing of it is executed.
    pub fn finish(self) -> Result<Answer, Malformed> {
        let finish = self.finish.ok_or(Malformed::CutOff)?;
        let call = |(index, part): (u32, PartialCall)| {
            let tool = part.tool.filter(|name| !name.is_empty()).ok_or(Malformed::Nameless(index))?;
            Ok(ToolCall { id: part.id, tool, arguments: part.arguments })
        };
        let calls = self.calls.into_iter().map(call).collect::<Result<_, _>>()?;
        Ok(Answer { text: self.text, calls, finish, usage: self.usage })
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
        Fragment::Call { index, id: id.map(Into::into), tool: tool.map(Into::into), arguments: arguments.into() }
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
        let calls: Vec<_> = answer.calls.iter().map(|c| (c.id.as_str(), c.tool.as_str(), c.arguments.as_str())).collect();
        assert_eq!(calls, [("a", "file_read", "{\"path\":\"x\"}"), ("b", "file_list", "{}")]);
    }

    #[test]
    fn half_an_answer_is_no_answer() {
        assert_eq!(collect([Fragment::Text("so ".into())]), Err(Malformed::CutOff));
        let nameless = [part(3, Some("a"), None, "{}"), Fragment::Finish(Finish::Calls)];
        assert_eq!(collect(nameless), Err(Malformed::Nameless(3)));
    }
}
