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
    /// How many things it counted, if it counted what was there already.
    pub(super) counted: Option<usize>,
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
                // Of earlier turns only the last result: whoever says “delete it” means what they see.
                let here = self.done.iter().rev().flat_map(|done| done.found.iter().rev());
                let one =
                    here.chain(self.earlier.last()).find_map(|found| match files_of(found).as_slice() {
                        [one] => Some(one.clone()),
                        [] | [..] => None,
                    });
                one.ok_or_else(|| Stuck("I do not know which file “it” is meant to be".to_owned()))
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

    /// The latest step with several files, or else the latest with any.
    fn them(&self) -> Result<Vec<String>, Stuck> {
        let steps =
            self.done.iter().rev().map(|done| done.found.iter().flat_map(files_of).collect::<Vec<_>>());
        let steps: Vec<_> =
            steps.chain(self.earlier.last().map(files_of)).filter(|files| !files.is_empty()).collect();
        let files = steps.iter().find(|files| files.len() > 1).or(steps.first());
        let files =
            files.ok_or_else(|| Stuck("I do not know which files “them” are meant to be".to_owned()))?;
        if files.len() > THEM_MAX {
            return Err(Stuck(format!(
                "they are {} files, and I take up to {THEM_MAX} at once",
                files.len()
            )));
        }
        Ok(files.clone())
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
        if let Some(done) = self.done.iter().rev().find(|done| done.found.iter().any(brings_names)) {
            whole(&done.found)?;
            let for_lines = matches!(done.step, Step::Search { want: Want::Lines, .. });
            return Ok(Some(done.found.iter().flat_map(|found| names_in(found, for_lines)).collect()));
        }
        let Some(found) = self.earlier.iter().rev().find(|found| brings_names(found)) else {
            return Ok(None);
        };
        whole(std::slice::from_ref(found))?;
        Ok(Some(names_in(found, false)))
    }

    /// What the latest step brought that brought something.
    fn found(&self) -> Result<String, Stuck> {
        if let Some(text) = self.done.iter().rev().find_map(brought) {
            return text;
        }
        let Some(found) = self.earlier.iter().rev().find(|found| looks(found)) else {
            return Err(Stuck("there is no earlier result that I could use".to_owned()));
        };
        whole(std::slice::from_ref(found))?;
        Ok(text_of(found))
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

/// What a step brought that can be written or said; nothing from a step that only changed something.
fn brought(done: &Done<'_>) -> Option<Result<String, Stuck>> {
    let found = || done.found.iter();
    let text = match done.step {
        Step::Tell(Content::Text(text)) => format!("{text}\n"),
        Step::CountFound => format!("{}\n", done.counted?),
        Step::Search { want: Want::Files, .. } => {
            lines(&found().flat_map(Found::files_hit).collect::<Vec<_>>())
        }
        Step::Search { text, want: Want::Number, .. } => {
            let times: Vec<_> = found().map(|found| found.occurrences(text)).collect();
            if times.iter().any(|times| !times.is_all) {
                return Some(Err(not_whole("a long line is cut")));
            }
            format!("{}\n", times.iter().map(|times| times.count).sum::<usize>())
        }
        Step::Count { unit, .. } => format!("{}\n", counted(*unit, &done.found)),
        Step::List { .. }
        | Step::Read { .. }
        | Step::Look { .. }
        | Step::Search { want: Want::Lines, .. } => found().map(text_of).collect(),
        Step::SameName { .. } | Step::Write { .. } | Step::Replace { .. } | Step::Delete { .. } => {
            return None;
        }
        Step::Tell(Content::Empty | Content::Found | Content::Names) => return None,
        Step::Recall(_) | Step::Talk(_) | Step::Rehearse(_) => return None,
    };
    // Where some lines were asked for, they are the whole.
    let some_lines = matches!(done.step, Step::Read { lines: Some(_), .. });
    let is_told = matches!(done.step, Step::Count { unit: Unit::Lines, .. })
        && done.found.first().is_some_and(|found| found.total().is_some());
    let complete = if is_told {
        Ok(())
    } else if some_lines {
        unspoilt(&done.found)
    } else {
        whole(&done.found)
    };
    Some(complete.map(|()| text))
}

/// Counts what the pages of a result hold.
pub(super) fn counted(unit: Unit, pages: &[Found]) -> usize {
    if let (Unit::Lines, Some(total)) = (unit, pages.first().and_then(Found::total)) {
        return total;
    }
    let of = |page: &Found| match unit {
        Unit::Files => page.entries().into_iter().filter(|entry| !entry.ends_with('/')).count(),
        Unit::Lines => page.body().lines().count(),
        Unit::Words => page.body().split_whitespace().count(),
        Unit::Characters => page.body().chars().count(),
        Unit::Letters => page.body().chars().filter(|c| c.is_alphabetic()).count(),
    };
    pages.iter().map(of).sum()
}

fn brings_names(found: &Found) -> bool {
    matches!(found.tool.as_str(), "file_list" | "file_search") && found.outcome == domain::CallOutcome::Done
}

fn names_in(found: &Found, for_lines: bool) -> Vec<String> {
    let names = match found.tool.as_str() {
        "file_list" => found.entries(),
        _ if for_lines => found.hits().into_iter().map(|hit| hit.printed).collect(),
        _ => found.files_hit(),
    };
    names.into_iter().map(str::to_owned).collect()
}

fn looks(found: &Found) -> bool {
    found.outcome == domain::CallOutcome::Done
        && matches!(found.tool.as_str(), "file_list" | "file_read" | "file_search")
}

fn files_of(found: &Found) -> Vec<String> {
    match found.tool.as_str() {
        "file_list" => {
            let folder =
                found.path.as_deref().map(|path| path.trim_end_matches('/')).filter(|path| *path != ".");
            let within =
                |name: &str| folder.map_or_else(|| name.to_owned(), |folder| format!("{folder}/{name}"));
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
        _ => found.body().to_owned(),
    }
}

/// A cut result is good enough to be shown, never to be written as if it were the whole.
fn whole(pages: &[Found]) -> Result<(), Stuck> {
    unspoilt(pages)?;
    let ends = |page: &&Found| page.next_offset().is_some() && !pages.iter().any(|next| next.follows(page));
    match pages.iter().find(ends) {
        Some(page) => Err(not_whole(page.note().unwrap_or_default())),
        None => Ok(()),
    }
}

fn unspoilt(pages: &[Found]) -> Result<(), Stuck> {
    pages.iter().find_map(Found::lost).map_or(Ok(()), |lost| Err(not_whole(lost)))
}

fn not_whole(note: &str) -> Stuck {
    Stuck(format!("the earlier result is not whole: {note}"))
}

fn lines<T: AsRef<str>>(names: &[T]) -> String {
    names.iter().map(|name| format!("{}\n", name.as_ref())).collect()
}

/// Prints the mode argument of a write.
pub(super) fn mode(how: How) -> &'static str {
    match how {
        How::Replace => "replace",
        How::Append => "append",
        How::New => "new",
    }
}
