//! What is behind a step: the steps before it with their results, and the results of earlier turns. It settles what
//! `it`, `them` and `the result` mean, and refuses to guess when nothing fits.
use super::found::Found;
use super::matcher::Target;
use super::plan::{Content, How, Step, Unit, Want};
use domain::{Message, ToolCall};

/// As many files as one `them` stands for; more would be a job, not a rehearsal.
const THEM_MAX: usize = 16;

/// A step that is done.
pub(super) struct Done<'p> {
    pub(super) step: &'p Step,
    pub(super) found: Vec<Found>,
}

/// What is behind a step.
#[derive(Default)]
pub(super) struct Past<'p> {
    /// The steps before it, in order.
    pub(super) done: Vec<Done<'p>>,
    /// The results of earlier turns, oldest first.
    pub(super) earlier: Vec<Found>,
}

/// A call to be made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub(super) tool: &'static str,
    pub(super) arguments: String,
}

/// A word of the request stands for nothing; in words for the person.
#[derive(Debug, PartialEq)]
pub(super) struct Stuck(pub(super) String);

impl<'p> Past<'p> {
    /// Starts with what earlier turns brought.
    pub(super) fn behind(before: &[Message]) -> Past<'p> {
        Past { done: vec![], earlier: found_in(before) }
    }

    /// Returns the one file that `it` stands for, or the name itself.
    pub(super) fn file(&self, target: &Target) -> Result<String, Stuck> {
        match target {
            Target::Named(name) => Ok(name.clone()),
            Target::It | Target::Them => {
                let latest = self.newest_first().find_map(|found| match files_of(found).as_slice() {
                    [one] => Some(one.clone()),
                    [] | [..] => None,
                });
                latest.ok_or_else(|| Stuck(format!("I do not know which file “{target}” is meant to be")))
            }
        }
    }

    /// Returns every file that the targets stand for.
    pub(super) fn files(&self, targets: &[Target]) -> Result<Vec<String>, Stuck> {
        let mut files = Vec::new();
        for target in targets {
            match target {
                Target::Named(_) | Target::It => files.push(self.file(target)?),
                Target::Them => files.extend(self.them()?),
            }
        }
        Ok(files)
    }

    fn them(&self) -> Result<Vec<String>, Stuck> {
        let latest = self.done.iter().rev().map(|done| done.found.iter().flat_map(files_of).collect::<Vec<_>>());
        let earlier = self.earlier.iter().rev().map(files_of);
        let files = latest.chain(earlier).find(|files| !files.is_empty());
        let files = files.ok_or_else(|| Stuck("I do not know which files “them” are meant to be".to_owned()))?;
        if files.len() > THEM_MAX {
            return Err(Stuck(format!("they are {} files, and I take up to {THEM_MAX} at once", files.len())));
        }
        Ok(files)
    }

    /// Returns the text that is to be written or said.
    pub(super) fn content(&self, content: &Content) -> Result<String, Stuck> {
        match content {
            Content::Text(text) => Ok(text.clone()),
            Content::Empty => Ok(String::new()),
            Content::Found => self.found(),
            Content::Names => match self.names()? {
                Some(names) => Ok(lines(&names)),
                None => self.found(),
            },
        }
    }

    /// How many things the latest step found.
    pub(super) fn count(&self) -> Result<usize, Stuck> {
        Ok(match self.names()? {
            Some(names) => names.len(),
            None => self.found()?.lines().count(),
        })
    }

    /// The names that the latest listing or search brought.
    fn names(&self) -> Result<Option<Vec<String>>, Stuck> {
        let latest = self.newest_first().find(|found| matches!(found.tool.as_str(), "file_list" | "file_search"));
        let Some(found) = latest else { return Ok(None) };
        whole(found)?;
        let names = match found.tool.as_str() {
            "file_list" => found.entries(),
            _ if self.searched_lines() => found.hits().into_iter().map(|hit| hit.printed).collect(),
            _ => found.files_hit(),
        };
        Ok(Some(names.into_iter().map(str::to_owned).collect()))
    }

    /// Whether the latest search was for lines rather than for files.
    fn searched_lines(&self) -> bool {
        let latest = self.done.iter().rev().find(|done| matches!(done.step, Step::Search { .. }));
        latest.is_some_and(|done| matches!(done.step, Step::Search { want: Want::Lines, .. }))
    }

    /// What the latest step brought that brought something.
    fn found(&self) -> Result<String, Stuck> {
        for done in self.done.iter().rev() {
            if let Some(text) = self.brought(done) {
                return text;
            }
        }
        for found in self.earlier.iter().rev().filter(|found| looks(found)) {
            return whole(found).map(|()| text_of(found));
        }
        Err(Stuck("there is no earlier result that I could use".to_owned()))
    }

    fn brought(&self, done: &Done<'_>) -> Option<Result<String, Stuck>> {
        match done.step {
            Step::List { .. } | Step::Read { .. } | Step::Search { want: Want::Lines, .. } => {
                let texts = done.found.iter().map(|found| whole(found).map(|()| text_of(found)));
                Some(texts.collect::<Result<Vec<_>, _>>().map(|texts| texts.concat()))
            }
            Step::Search { want: Want::Files, .. } => done.found.first().map(|found| {
                whole(found).map(|()| lines(&found.files_hit().into_iter().map(str::to_owned).collect::<Vec<_>>()))
            }),
            Step::Search { want: Want::Number, .. } => {
                done.found.first().map(|found| whole(found).map(|()| format!("{}\n", found.hits().len())))
            }
            Step::Count { unit, .. } => {
                done.found.first().map(|found| whole(found).map(|()| format!("{}\n", counted(*unit, found))))
            }
            Step::Tell(Content::Text(text)) => Some(Ok(format!("{text}\n"))),
            Step::CountFound => None,
            Step::Write { .. } | Step::Replace { .. } | Step::Delete { .. } => None,
            Step::Tell(_) | Step::Recall(_) | Step::Talk(_) | Step::Rehearse(_) => None,
        }
    }

    fn newest_first(&self) -> impl Iterator<Item = &Found> {
        self.done.iter().rev().flat_map(|done| done.found.iter().rev()).chain(self.earlier.iter().rev())
    }
}

/// Pairs every result among messages with its call.
pub(super) fn found_in(messages: &[Message]) -> Vec<Found> {
    messages.iter().filter_map(result).map(|(call, outcome, text)| Found::of(call, outcome, text)).collect()
}

fn result(message: &Message) -> Option<(&ToolCall, domain::CallOutcome, &str)> {
    match message {
        Message::Tool { call, outcome, text, .. } => Some((call, *outcome, text)),
        Message::User { .. } | Message::Assistant { .. } => None,
    }
}

/// Counts what a result holds.
pub(super) fn counted(unit: Unit, found: &Found) -> usize {
    match unit {
        Unit::Files => found.entries().into_iter().filter(|entry| !entry.ends_with('/')).count(),
        Unit::Lines => found.text.lines().count(),
        Unit::Words => found.text.split_whitespace().count(),
        Unit::Characters => found.text.chars().count(),
    }
}

fn looks(found: &Found) -> bool {
    found.outcome == domain::CallOutcome::Done
        && matches!(found.tool.as_str(), "file_list" | "file_read" | "file_search")
}

fn files_of(found: &Found) -> Vec<String> {
    match found.tool.as_str() {
        "file_list" => {
            let folder = found.path.as_deref().map(|path| path.trim_end_matches('/')).filter(|path| *path != ".");
            let within = |name: &str| folder.map_or_else(|| name.to_owned(), |folder| format!("{folder}/{name}"));
            found.entries().into_iter().filter(|entry| !entry.ends_with('/')).map(within).collect()
        }
        "file_search" => found.files_hit().into_iter().map(str::to_owned).collect(),
        _ => found.path.iter().cloned().collect(),
    }
}

/// What a result is as a text to be written: lines for lists, the very content for files.
fn text_of(found: &Found) -> String {
    match found.tool.as_str() {
        "file_list" => lines(&found.entries()),
        "file_search" => lines(&found.hits().into_iter().map(|hit| hit.printed).collect::<Vec<_>>()),
        _ => found.text.clone(),
    }
}

/// A cut result is good enough to be shown, never to be written as if it were the whole.
fn whole(found: &Found) -> Result<(), Stuck> {
    match found.note() {
        None => Ok(()),
        Some(note) => Err(Stuck(format!("the earlier result is not whole: {note}"))),
    }
}

fn lines<T: AsRef<str>>(names: &[T]) -> String {
    names.iter().map(|name| format!("{}\n", name.as_ref())).collect()
}

/// Prints the mode argument of a write.
pub(super) fn mode(how: How) -> &'static str {
    match how {
        How::Replace => "replace",
        How::Append => "append",
    }
}
