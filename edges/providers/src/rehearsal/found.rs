//! Reads what tools answered: names, texts, hits. It trusts the outcome that the message states and never guesses one.
use domain::{CallOutcome, ToolCall};
use std::collections::BTreeSet;

/// A result of a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// Which tool was called.
    pub(super) tool: String,
    /// On which file or folder, if the arguments name one.
    pub(super) path: Option<String>,
    /// How it came out.
    pub(super) outcome: CallOutcome,
    /// What the tool printed.
    pub(super) text: String,
}

/// A hit of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit<'a> {
    pub(super) path: &'a str,
    /// The whole line as the tool printed it.
    pub(super) printed: &'a str,
}

impl Found {
    /// Reads a call and its result.
    pub(super) fn of(call: &ToolCall, outcome: CallOutcome, text: &str) -> Found {
        let arguments: Option<serde_json::Value> = serde_json::from_str(&call.arguments).ok();
        let path = arguments.as_ref().and_then(|all| all.get("path")?.as_str()).map(str::to_owned);
        Found { tool: call.tool.clone(), path, outcome, text: text.to_owned() }
    }

    /// What a listing lists, folders with a slash behind them.
    pub(super) fn entries(&self) -> Vec<&str> {
        self.body().lines().map(str::trim_end).filter(|line| !line.is_empty()).collect()
    }

    /// What a search hit.
    pub(super) fn hits(&self) -> Vec<Hit<'_>> {
        let hit = |printed| Some(Hit { path: path_of(printed)?, printed });
        self.body().lines().filter_map(hit).collect()
    }

    /// The files a search hit, each once, in order.
    pub(super) fn files_hit(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        self.hits().into_iter().map(|hit| hit.path).filter(|path| seen.insert(*path)).collect()
    }

    /// What was found, without the tool's own words.
    pub(super) fn body(&self) -> &str {
        &self.text[..self.text.len() - self.note().map_or(0, str::len)]
    }

    /// The tool's own words: in brackets, on the last line, with no line break behind them.
    pub(super) fn note(&self) -> Option<&str> {
        let last = self.text.rsplit('\n').next()?;
        (last.starts_with('[') && last.ends_with(']')).then_some(last)
    }
}

/// The path of `path:line: text`; a path may hold colons itself.
fn path_of(printed: &str) -> Option<&str> {
    let ends = printed.match_indices(':').map(|(at, _)| at);
    ends.into_iter().find_map(|at| {
        let behind = &printed[at + 1..];
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        (at > 0 && digits > 0 && behind[digits..].starts_with(':')).then_some(&printed[..at])
    })
}
