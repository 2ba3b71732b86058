//! The port to what was said, and the rule that makes a history fit to be sent.
use crate::{CallOutcome, Message, MessageSaid, SessionId};
use durable::FactId;
use futures::future::BoxFuture;

/// A conversation could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The view did not come as far in time.
    #[error("the view has not reached {0:?}")]
    Behind(FactId),
    /// The view or the journal failed.
    #[error("the conversation cannot be read: {0}")]
    Broken(String),
}

/// What was said in sessions. Reads up to a fact are immutable: the same bytes at every reading.
pub trait Conversation: Send + Sync {
    /// Returns what was said in the session up to and including `upto`, oldest first. Waits, within a bound, until the
    /// view holds that fact.
    fn upto<'a>(
        &'a self,
        session: &'a SessionId,
        upto: FactId,
    ) -> BoxFuture<'a, Result<Vec<MessageSaid>, Unreadable>>;
}

/// What the model is told of a call whose turn ended before the call was answered.
const UNANSWERED: &str = "not run: the turn was stopped before this call";

/// Returns the messages with exactly one result behind each call, in the order of the calls. A turn that was stopped
/// leaves calls without one, and providers refuse such a history.
pub fn whole(said: Vec<Message>) -> Vec<Message> {
    let mut whole = Vec::with_capacity(said.len());
    let mut open: Vec<Option<Message>> = Vec::new();
    for message in said {
        match message {
            Message::Tool { position, .. } => {
                // A second result of one call, or one of no call, has nobody to tell it to.
                if let Some(slot @ Some(Message::Tool { outcome: CallOutcome::Refused, .. })) =
                    open.get_mut(position as usize)
                {
                    *slot = Some(message);
                }
            }
            Message::User { .. } | Message::Assistant { .. } => {
                whole.extend(open.drain(..).flatten());
                if let Message::Assistant { calls, .. } = &message {
                    open = (0..).zip(calls).map(|(position, call)| Some(unanswered(position, call.clone()))).collect();
                }
                whole.push(message);
            }
        }
    }
    whole.extend(open.into_iter().flatten());
    whole
}

fn unanswered(position: u32, call: crate::ToolCall) -> Message {
    Message::Tool { position, call, outcome: CallOutcome::Refused, text: UNANSWERED.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ToolCall;

    fn call(id: &str) -> ToolCall {
        ToolCall { id: id.into(), tool: "t".into(), arguments: "{}".into() }
    }
    fn says(calls: &[&str]) -> Message {
        Message::Assistant { text: String::new(), calls: calls.iter().map(|id| call(id)).collect() }
    }
    fn result(position: u32, text: &str) -> Message {
        Message::Tool { position, call: call("x"), outcome: CallOutcome::Done, text: text.into() }
    }
    fn user(text: &str) -> Message {
        Message::User { text: text.into() }
    }
    fn shown(messages: Vec<Message>) -> String {
        let line = |m: &Message| match m {
            Message::User { text } => format!("user {text}"),
            Message::Assistant { calls, .. } => format!("calls {}", calls.len()),
            Message::Tool { position, text, .. } => format!("{position} {text}"),
        };
        messages.iter().map(line).collect::<Vec<_>>().join(" · ")
    }

    #[test]
    fn every_call_has_one_result_behind_it() {
        let cut = vec![user("a"), says(&["1", "2"]), result(1, "two"), user("b")];
        assert_eq!(shown(whole(cut)), format!("user a · calls 2 · 0 {UNANSWERED} · 1 two · user b"));
        let orphan = vec![result(0, "whose?"), user("a"), says(&["1"]), result(0, "one"), result(0, "again"), result(7, "?")];
        assert_eq!(shown(whole(orphan)), "user a · calls 1 · 0 one");
    }
}
