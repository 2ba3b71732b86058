//! Answers from what was said before in the session: the messages are all the memory there is.
use super::parse::parse;
use super::plan::{Recall, Step};
use domain::Message;

/// As much of one message as helps to recognise it.
const EXCERPT_CHARS_MAX: usize = 200;
/// As many messages as a summary names; older ones are counted.
const SUMMARY_MAX: usize = 10;

/// Answers a question about the messages before the request.
pub(super) fn recall(recall: &Recall, before: &[Message]) -> String {
    let said = said_by_user(before);
    match recall {
        Recall::First => match said.first() {
            Some(text) => format!("The first thing you said was: {}", excerpt(text)),
            None => "Nothing: this is your first message here.".to_owned(),
        },
        Recall::Last => match said.last() {
            Some(text) => format!("Before this you said: {}", excerpt(text)),
            None => "Nothing: this is your first message here.".to_owned(),
        },
        Recall::Answer => match said_by_model(before).last() {
            Some(text) => format!("My last answer was: {}", excerpt(text)),
            None => "I have not answered anything here yet.".to_owned(),
        },
        Recall::Number => numbers(before),
        Recall::Summary => summary(&said),
        Recall::Keep(what) => format!("I keep in mind: {what}. Ask me “what do you remember?”"),
        Recall::Mine { what, is } => format!("Your {what} is {is}. Ask me “what is my {what}?”"),
        Recall::Kept => kept(&said),
        Recall::Which(what) => which(what, &said),
    }
}

/// Shortens a text to what helps to recognise it.
pub(super) fn excerpt(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((end, _)) => format!("“{}…”", &text[..end]),
        None => format!("“{text}”"),
    }
}

fn said_by_user(before: &[Message]) -> Vec<&str> {
    let texts = before.iter().filter_map(|message| match message {
        Message::User { text, .. } => Some(text.as_str()),
        Message::Assistant { .. } | Message::Tool { .. } => None,
    });
    texts.collect()
}

fn said_by_model(before: &[Message]) -> Vec<&str> {
    let texts = before.iter().filter_map(|message| match message {
        Message::Assistant { text, .. } => Some(text.as_str()),
        Message::User { .. } | Message::Tool { .. } => None,
    });
    texts.filter(|text| !text.trim().is_empty()).collect()
}

fn numbers(before: &[Message]) -> String {
    let results = before.iter().filter(|message| matches!(message, Message::Tool { .. })).count();
    // This question is a message too.
    let yours = said_by_user(before).len() + 1;
    let mine = said_by_model(before).len();
    format!(
        "You sent {yours} so far, this one included; I said {mine} things and got {results} results of tools."
    )
}

fn summary(said: &[&str]) -> String {
    if said.is_empty() {
        return "There is nothing to sum up: this is your first message here.".to_owned();
    }
    let older = said.len().saturating_sub(SUMMARY_MAX);
    let mut lines = vec!["So far you asked me:".to_owned()];
    if older > 0 {
        lines.push(format!("- {older} older things"));
    }
    lines.extend(said[older..].iter().map(|text| format!("- {}", excerpt(text))));
    lines.join("\n")
}

/// What the person asked to keep in mind: what it is about, if it has a name, and what it is. Oldest first.
fn told(said: &[&str]) -> Vec<(Option<String>, String)> {
    let mut told = Vec::new();
    for step in said.iter().filter_map(|text| parse(text).ok()).flatten() {
        if let Step::Recall(Recall::Keep(what)) = step {
            told.push((None, what));
        } else if let Step::Recall(Recall::Mine { what, is }) = step {
            told.push((Some(what), is));
        }
    }
    told
}

fn kept(said: &[&str]) -> String {
    let line = |(name, is): (Option<String>, String)| match name {
        Some(name) => format!("- your {name} is {is}"),
        None => format!("- {is}"),
    };
    let lines: Vec<_> = told(said).into_iter().map(line).collect();
    if lines.is_empty() {
        return "You have not asked me to remember anything here.".to_owned();
    }
    format!("You asked me to remember:\n{}", lines.join("\n"))
}

fn which(what: &str, said: &[&str]) -> String {
    let is_it = |(name, _): &(Option<String>, String)| {
        name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(what))
    };
    match told(said).into_iter().rfind(is_it) {
        Some((_, is)) => format!("Your {what} is {is}: you told me so."),
        None => format!("You have not told me here what your {what} is. Say “my {what} is …”."),
    }
}
