//! The port to what was said, and the rule that makes a history fit to be sent.
use crate::{CallOutcome, Message, MessageSaid, SessionId, ToolCall};
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

/// What the model is told of a call whose turn ended before its result was recorded: a cancel may have come while it
/// was being carried out, so nothing is claimed about it.
const UNANSWERED: &str = "no result: the turn was stopped before this call came out. It may have happened or not: look \
                          before you do it again.";

/// A call and its one result.
struct Asked {
    call: ToolCall,
    result: Option<Message>,
}

/// Returns the messages with exactly one result behind each call, in the order of the calls. A turn that was stopped
/// leaves calls without one, and providers refuse such a history. Of answers with nothing between them the last one counts:
/// those before it had not the form that was wanted, and some models refuse to be shown two in a row.
pub fn whole(said: Vec<Message>) -> Vec<Message> {
    let mut whole = Vec::with_capacity(said.len());
    let mut open: Vec<Asked> = Vec::new();
    for message in said {
        match message {
            Message::Tool { position, .. } => {
                // The first result of a call counts. A second one, or one of no call, has nobody to tell it to.
                if let Some(Asked { result: result @ None, .. }) = open.get_mut(position as usize) {
                    *result = Some(message);
                }
            }
            Message::User { .. } | Message::Assistant { .. } => {
                whole.extend(results(&mut open));
                if let Message::Assistant { calls, .. } = &message {
                    // What called is followed by its results by now.
                    whole.pop_if(|last| matches!(last, Message::Assistant { .. }));
                    open.extend(calls.iter().map(|call| Asked { call: call.clone(), result: None }));
                }
                whole.push(message);
            }
        }
    }
    whole.extend(results(&mut open));
    whole
}

/// Takes the open calls and gives each its result.
fn results(open: &mut Vec<Asked>) -> impl Iterator<Item = Message> {
    let answered = |(position, Asked { call, result })| result.unwrap_or_else(|| unanswered(position, call));
    (0..).zip(open.drain(..)).map(answered)
}

fn unanswered(position: u32, call: ToolCall) -> Message {
    Message::Tool { position, call, outcome: CallOutcome::Failed, text: UNANSWERED.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn call(id: &str) -> ToolCall {
        ToolCall { id: id.into(), tool: "t".into(), arguments: "{}".into() }
    }
    fn says(calls: &[&str]) -> Message {
        Message::assistant("", calls.iter().map(|id| call(id)).collect())
    }
    fn result(position: u32, text: &str) -> Message {
        Message::Tool { position, call: call("x"), outcome: CallOutcome::Done, text: text.into() }
    }
    fn user(text: &str) -> Message {
        Message::user(text)
    }
    fn shown(messages: Vec<Message>) -> String {
        let line = |m: &Message| match m {
            Message::User { text, .. } => format!("user {text}"),
            Message::Assistant { calls, .. } => format!("calls {}", calls.len()),
            Message::Tool { position, text, .. } => format!("{position} {text}"),
        };
        messages.iter().map(line).collect::<Vec<_>>().join(" · ")
    }

    #[test]
    fn every_call_has_one_result_behind_it() {
        let cut = vec![user("a"), says(&["1", "2"]), result(1, "two"), user("b")];
        assert_eq!(shown(whole(cut)), format!("user a · calls 2 · 0 {UNANSWERED} · 1 two · user b"));
        let orphan = vec![
            result(0, "whose?"),
            user("a"),
            says(&["1"]),
            result(0, "one"),
            result(0, "again"),
            result(7, "?"),
        ];
        assert_eq!(shown(whole(orphan)), "user a · calls 1 · 0 one");
    }

    #[test]
    fn the_first_result_of_a_call_counts_whatever_it_says() {
        let refused = Message::Tool {
            position: 0,
            call: call("1"),
            outcome: CallOutcome::Refused,
            text: "not run: no such tool".into(),
        };
        let twice = vec![says(&["1"]), refused, result(0, "done")];
        assert_eq!(shown(whole(twice)), "calls 1 · 0 not run: no such tool");
    }

    #[test]
    fn of_answers_in_a_row_the_last_one_counts() {
        let said = |text: &str| Message::assistant(text, Vec::new());
        let drafts =
            vec![user("a"), said("no"), said("nor"), says(&["1"]), result(0, "one"), said("yes"), user("b")];
        let counts = vec![user("a"), says(&["1"]), result(0, "one"), said("yes"), user("b")];
        assert_eq!(whole(drafts), counts);
    }

    fn anything() -> impl Strategy<Value = Message> {
        let outcome =
            prop_oneof![Just(CallOutcome::Done), Just(CallOutcome::Failed), Just(CallOutcome::Refused)];
        prop_oneof![
            "[a-z]{0,3}".prop_map(|text| user(&text)),
            (0..4usize).prop_map(|calls| says(&["1", "2", "3"][..calls.min(3)])),
            (0..4u32, outcome, "[a-z]{0,3}").prop_map(|(position, outcome, text)| Message::Tool {
                position,
                call: call("x"),
                outcome,
                text
            }),
        ]
    }

    /// The results of each answer that calls, in order, or what does not belong there.
    fn results_of(messages: &[Message]) -> Vec<(usize, Vec<u32>)> {
        let mut found: Vec<(usize, Vec<u32>)> = Vec::new();
        for message in messages {
            match message {
                Message::User { .. } => found.push((0, Vec::new())),
                Message::Assistant { calls, .. } => found.push((calls.len(), Vec::new())),
                Message::Tool { position, .. } => match found.last_mut() {
                    Some((_, positions)) => positions.push(*position),
                    None => found.push((0, vec![*position])),
                },
            }
        }
        found
    }

    /// What was said without results, and of answers in a row the last.
    fn talk(messages: &[Message]) -> Vec<Message> {
        let is_answer = |m: &Message| matches!(m, Message::Assistant { calls, .. } if calls.is_empty());
        let mut talk: Vec<Message> = Vec::new();
        for message in messages.iter().filter(|m| !matches!(m, Message::Tool { .. })) {
            if matches!(message, Message::Assistant { .. }) {
                talk.pop_if(|last| is_answer(last));
            }
            talk.push(message.clone());
        }
        talk
    }

    proptest! {
        #[test]
        fn whatever_was_said_is_made_whole(said in prop::collection::vec(anything(), 0..20)) {
            let messages = whole(said.clone());
            for (calls, positions) in results_of(&messages) {
                prop_assert_eq!(positions, (0..u32::try_from(calls).expect("a few")).collect::<Vec<_>>());
            }
            prop_assert_eq!(talk(&messages), talk(&said), "nobody's words are lost or moved, but of drafts");
            prop_assert_eq!(whole(messages.clone()), messages, "what is whole stays as it is");
        }
    }
}
