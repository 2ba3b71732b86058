//! What a scripted model says. It remembers nothing: which round it is, it reads from the question, so that it says the
//! same in every life of the process.
use domain::{Finish, Fragment, Message, MicroUsd, ModelFault, Question, Tokens, Usage};

/// What every whole answer uses.
pub(crate) const USED: Usage = Usage {
    input: Tokens(10),
    cached: Tokens(4),
    cache_written: Tokens(0),
    output: Tokens(5),
    cost: MicroUsd(7),
};

/// A piece of what a model does when it is asked.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    Say(Fragment),
    Fail(ModelFault),
    /// Nothing more comes, and no end either.
    Hang,
}

/// What it does at one attempt.
pub(crate) type Attempt = Vec<Item>;

/// What it does in one round: attempt by attempt, the last one again and again.
pub(crate) type Round = Vec<Attempt>;

/// Returns what the model does when it is asked this.
pub(crate) fn reply(script: &[Round], question: &Question) -> Attempt {
    let round = &script[round(&question.messages).min(script.len() - 1)];
    round[(question.attempt as usize - 1).min(round.len() - 1)].clone()
}

/// Which round it is. What has not the form is shown once more and never again, so it says itself which round it was of.
fn round(messages: &[Message]) -> usize {
    if let [.., Message::Assistant { text, .. }, Message::User { .. }] = messages
        && let Some(of) = text.strip_prefix('✗').and_then(|text| text.chars().next()?.to_digit(10))
    {
        return of as usize + 1;
    }
    let since = messages.iter().rposition(|message| matches!(message, Message::User { .. }));
    let said = messages[since.unwrap_or(0)..].iter();
    said.filter(|message| matches!(message, Message::Assistant { .. })).count()
}

pub(crate) fn text(text: &str) -> Item {
    Item::Say(Fragment::Text(text.into()))
}

pub(crate) fn call(index: u32, tool: &str, arguments: &str) -> Item {
    let id = Some(format!("c{index}"));
    Item::Say(Fragment::Call { index, id, tool: Some(tool.into()), arguments: arguments.into() })
}

pub(crate) fn stops(finish: Finish) -> [Item; 2] {
    [Item::Say(Fragment::Usage(USED)), Item::Say(Fragment::Finish(finish))]
}

/// An answer in two pieces.
pub(crate) fn says(words: &str) -> Attempt {
    let (head, tail) = words.split_at(words.len() / 2);
    [text(head), text(tail)].into_iter().chain(stops(Finish::Stop)).collect()
}

/// An answer that calls; arguments without a brace are what the tool is to work on.
pub(crate) fn calls(calls: &[(&str, &str)]) -> Attempt {
    let one = |(index, (tool, what)): (u32, &(&str, &str))| call(index, tool, &arguments(what));
    (0..).zip(calls).map(one).chain(stops(Finish::Calls)).collect()
}

fn arguments(what: &str) -> String {
    let raw = what.is_empty() || what.contains(['{', '!']);
    if raw { what.to_owned() } else { format!(r#"{{"what":"{what}"}}"#) }
}

pub(crate) fn busy() -> Attempt {
    vec![text("I w"), Item::Fail(ModelFault::Unavailable { why: "it is busy".into(), retry_after: None })]
}
