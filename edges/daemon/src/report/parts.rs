//! Domain nouns in the words of the wire.
use domain::{CallOutcome, Finish, Message, MessageSaid, ToolCall, TurnId};
use frames::{CallReport, CallStatus, FinishReason, Usage};
use std::time::Duration;

/// What a person can do about a meter that is empty.
pub(super) fn spent(what: &str) -> String {
    let key = match what {
        "turns" => "runtime.max_turns",
        "tokens" => "runtime.max_tokens",
        "money" => "runtime.max_cost",
        "time" => "runtime.max_duration_secs",
        _ => return format!("the turn's budget is spent: out of {what}"),
    };
    format!(
        "the turn's budget is spent: out of {what}. `{key}` says how much a turn may use: `oxydra config show --origin {key}`"
    )
}

/// An attempt that came to nothing, and what follows.
pub(super) fn failed_words(attempt: u32, why: &str, wait: Option<Duration>) -> String {
    let failed = format!("attempt {attempt} failed: {why}");
    match wait.unwrap_or_default().as_millis() {
        0 => failed,
        1..100 => format!("{failed}; it is made again at once"),
        millis @ 100..1_000 => format!("{failed}; it is made again in 0.{} s", millis.div_ceil(100).min(9)),
        millis => format!("{failed}; it is made again in {} s", millis.div_ceil(1_000)),
    }
}

/// The reason of a call that was not done is shown up to here: the model is told all of it.
const WHY_CHARS_MAX: usize = 200;

/// A call that is over, and why it was not done.
pub(super) fn called_words(tool: &str, status: CallStatus, why: Option<&str>) -> String {
    let Some(first) = why.and_then(|why| why.lines().next()) else { return format!("{tool}: {status}") };
    match first.char_indices().nth(WHY_CHARS_MAX) {
        Some((end, _)) => format!("{tool}: {status}: {}…", &first[..end]),
        None => format!("{tool}: {status}: {first}"),
    }
}

/// An answer that is taken back, since it has not the form that is wanted, and what follows.
pub(super) fn unfit_words(why: &str) -> String {
    format!("the answer does not fit the schema: {why}")
}

/// A turn whose model never gave an answer of the form.
pub(super) fn no_answer(why: &str) -> String {
    format!(
        "no answer fits the schema (`runtime.answer_schema`): {why}. Another model may do better, or a schema that says less"
    )
}

/// A call in doubt, for a person who has to look.
pub(crate) fn doubt_words(call: &ToolCall, evidence: &str) -> String {
    format!("{} {} may have happened or not; {evidence}", call.tool, call.arguments)
}

pub(super) fn answer_in(said: &[MessageSaid]) -> String {
    match said.last().map(|said| &said.message) {
        Some(Message::Assistant { text, .. }) => text.clone(),
        Some(Message::User { .. } | Message::Tool { .. }) | None => String::new(),
    }
}

/// Every call of the turn with its result, in order.
pub(super) fn calls_in(said: &[MessageSaid], turn: &TurnId) -> Vec<CallReport> {
    let result = |said: &MessageSaid| match &said.message {
        Message::Tool { call, outcome, .. } if said.turn == *turn => Some(report(call, status(*outcome))),
        Message::Tool { .. } | Message::User { .. } | Message::Assistant { .. } => None,
    };
    said.iter().filter_map(result).collect()
}

pub(super) fn report(call: &ToolCall, status: CallStatus) -> CallReport {
    CallReport { id: call.id.clone(), name: call.tool.clone(), arguments: call.arguments.clone(), status }
}

pub(super) fn status(outcome: CallOutcome) -> CallStatus {
    match outcome {
        CallOutcome::Done => CallStatus::Done,
        CallOutcome::Failed => CallStatus::Failed,
        CallOutcome::Refused => CallStatus::Refused,
    }
}

pub(super) fn finish_reason(finish: &Finish) -> FinishReason {
    match finish {
        Finish::Stop => FinishReason::Stop,
        Finish::Calls => FinishReason::ToolCalls,
        Finish::Length => FinishReason::Length,
        Finish::Refused(_) => FinishReason::Refused,
    }
}

pub(crate) fn usage(used: domain::Usage) -> Usage {
    Usage::new(used.input.0, used.output.0, used.cost.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_was_not_done_says_why_in_a_line() {
        assert_eq!(called_words("file_read", CallStatus::Done, None), "file_read: done");
        let why = Some("it leads out of /shared\nand more");
        assert_eq!(
            called_words("file_read", CallStatus::Failed, why),
            "file_read: failed: it leads out of /shared"
        );
        let long = called_words("t", CallStatus::Failed, Some(&"ä".repeat(500)));
        assert_eq!(long, format!("t: failed: {}…", "ä".repeat(WHY_CHARS_MAX)));
    }

    #[test]
    fn a_wait_is_said_as_long_as_it_is() {
        let said = |wait: u64| failed_words(1, "busy", Some(Duration::from_millis(wait)));
        let waits = [0, 1, 99, 100, 250, 950, 1_000, 1_001, 60_000].map(said);
        let ends = waits
            .each_ref()
            .map(|words| words.strip_prefix("attempt 1 failed: busy").expect("why it failed"));
        let again = |when: &str| format!("; it is made again {when}");
        let expected =
            ["at once", "at once", "in 0.1 s", "in 0.3 s", "in 0.9 s", "in 1 s", "in 2 s", "in 60 s"]
                .map(again);
        assert_eq!((ends[0], &ends[1..]), ("", &expected.each_ref().map(String::as_str)[..]));
        assert_eq!(failed_words(2, "busy", None), "attempt 2 failed: busy");
    }
}
