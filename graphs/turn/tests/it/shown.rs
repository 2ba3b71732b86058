//! Prints messages, progress and ends in one line each.
use domain::{CallOutcome, Message, Progress, StopCause, ToolCall};
use turn::TurnEnd;

pub(crate) fn messages(messages: &[Message]) -> String {
    messages.iter().map(message).collect::<Vec<_>>().join(" · ")
}

fn message(message: &Message) -> String {
    match message {
        Message::User { text, .. } => format!("user {text}"),
        Message::Assistant { text, calls, .. } if calls.is_empty() => format!("says {text}"),
        Message::Assistant { text, calls, .. } => {
            let calls: Vec<_> = calls.iter().map(|call| call.tool.as_str()).collect();
            format!("{text}calls {}", calls.join(" "))
        }
        Message::Tool { position, outcome, text, .. } => format!("{position} {}{text}", mark(*outcome)),
    }
}

fn mark(outcome: CallOutcome) -> &'static str {
    match outcome {
        CallOutcome::Done => "",
        CallOutcome::Failed => "failed: ",
        CallOutcome::Refused => "refused: ",
    }
}

pub(crate) fn progress(progress: &Progress) -> String {
    let call = |call: &ToolCall| format!("{} {}", call.tool, call.arguments);
    match progress {
        Progress::Asking { round, attempt } => format!("asking, round {round}, attempt {attempt}"),
        Progress::Failed { attempt, why, wait } => format!("attempt {attempt} failed: {why}, wait {wait:?}"),
        Progress::StandIn(model) => format!("{model} stands in"),
        Progress::Text(text) => format!("text {text:?}"),
        Progress::Reasoning(text) => format!("reasoning {text:?}"),
        Progress::Calling(it) => format!("calling {}", call(it)),
        Progress::Called { call: it, outcome, .. } => format!("called {}: {outcome:?}", call(it)),
        Progress::InDoubt { call: it, evidence, .. } => format!("in doubt {}: {evidence}", call(it)),
        Progress::Correcting(why) => format!("correcting: {why}"),
        Progress::Unfit(why) => format!("unfit: {why}"),
    }
}

pub(crate) fn end(end: &TurnEnd) -> String {
    match end {
        TurnEnd::Answered(it) => format!("Answered, {:?}, {} rounds", it.finish, it.tally.rounds),
        TurnEnd::Stopped(it) => format!("Stopped, {}", cause(&it.cause)),
    }
}

fn cause(cause: &StopCause) -> String {
    match cause {
        StopCause::Cancelled => "cancelled".to_owned(),
        StopCause::Spent(what) => format!("out of {what}"),
        StopCause::Failed(why) => format!("failed: {why}"),
        StopCause::Unfit(why) => format!("unfit: {why}"),
    }
}
