//! The words of the rehearsal model: what it says before a step, after it, when it stops and when it does not understand.
//! It claims nothing that a result does not show.
use super::found::Found;
use super::matcher::Target;
use super::next::BELL;
use super::parse::{NotUnderstood, REQUEST_BYTES_MAX, STEPS_MAX};
use super::past::{Past, Stuck, counted};
use super::plan::{Content, How, Rehearsed, Step, Talk, Unit, Want};
use super::recall::{excerpt, recall};
use domain::{CallOutcome, Message};

/// As much of a file as is read aloud; the rest is in the file.
const SHOWN_CHARS_MAX: usize = 2_000;
/// As many lines of a list as a person reads in an answer.
const SHOWN_LINES_MAX: usize = 50;
/// The longest slow answer: some minutes, so that nobody waits for ever by a slip.
const SLOW_WORDS_MAX: u64 = 10_000;

/// What a slow answer says, over and over.
const SLOW_WORDS: &str = "Nothing is wrong, I only take my time so that you can try to stop me.";

const WHERE_TO_LOOK: &str = "`oxydra run --help-rehearsal` prints all I understand.";

/// Says what it is.
pub(super) fn who_am_i() -> String {
    format!(
        "I am the rehearsal model: built in, deterministic, no account and no intelligence. I understand a small grammar of \
         plain requests, such as “list the files, then write a file names.txt that names them”, and I call the real tools. \
         {WHERE_TO_LOOK}"
    )
}

/// Says what was not understood.
pub(super) fn not_understood(not: &NotUnderstood) -> String {
    let why = match not {
        NotUnderstood::Empty => "You have not said anything.".to_owned(),
        NotUnderstood::TooLong => {
            format!("What you said is longer than the {} KiB I read.", REQUEST_BYTES_MAX / 1024)
        }
        NotUnderstood::TooManySteps => format!("That is more than the {STEPS_MAX} steps I take at once."),
        NotUnderstood::NothingBehindThen => "You said “then” and nothing behind it.".to_owned(),
        NotUnderstood::TooTangled => {
            "That can be read in too many ways. Put texts and names in quotation marks.".to_owned()
        }
        NotUnderstood::Unknown { clause, nearest: None } => {
            format!("I do not understand {}.", excerpt(clause))
        }
        NotUnderstood::Unknown { clause, nearest: Some((pattern, example)) } => format!(
            "I do not understand {}. The nearest I know is:\n\n    {pattern}\n\nfor example “{example}”.",
            excerpt(clause)
        ),
    };
    format!("I am the rehearsal model, and I know a small grammar only. {why}\n\n{WHERE_TO_LOOK}")
}

/// Says what a step is about to do.
pub(super) fn before(step: &Step) -> String {
    match step {
        Step::List { .. } => "Let me see what files there are.\n".to_owned(),
        Step::Read { files, .. } => format!("Let me read {}.\n", targets(files)),
        Step::Look { at } => format!("Let me read {}.\n", target(at)),
        Step::Write { file, how: How::Replace | How::New, .. } => format!("Let me write {}.\n", target(file)),
        Step::Write { file, how: How::Append, .. } => format!("Let me add to {}.\n", target(file)),
        Step::Replace { file, .. } => format!("Let me change {}.\n", target(file)),
        Step::Delete { files, .. } => format!("Let me delete {}.\n", targets(files)),
        Step::Search { text, .. } => format!("Let me search for {}.\n", excerpt(text)),
        Step::Count { .. } => "Let me count.\n".to_owned(),
        Step::Rehearse(Rehearsed::MalformedCall) => {
            "Let me make a call whose arguments are not JSON.\n".to_owned()
        }
        Step::Rehearse(Rehearsed::UnknownTool) => "Let me call a tool that does not exist.\n".to_owned(),
        Step::Rehearse(Rehearsed::Bell(0)) => "Let me ring the bell.\n".to_owned(),
        Step::Rehearse(Rehearsed::Bell(seconds)) => {
            format!("Let me ring the bell. It takes {seconds} s.\n")
        }
        Step::SameName { .. } | Step::CountFound | Step::Tell(_) => String::new(),
        Step::Recall(_) | Step::Talk(_) | Step::Rehearse(_) => String::new(),
    }
}

/// Says what a step came to.
///
/// # Errors
/// When it speaks of a result that is not there.
pub(super) fn after(
    step: &Step,
    found: &[Found],
    past: &Past<'_>,
    said: &[Message],
) -> Result<String, Stuck> {
    let first = found.first();
    let path = first.and_then(|found| found.path.as_deref()).unwrap_or_default();
    Ok(match step {
        Step::List { .. } => listed(found),
        Step::Look { .. } if first.is_some_and(|found| found.tool == "file_list") => listed(found),
        Step::SameName { .. } => String::new(),
        Step::Read { .. } | Step::Look { .. } => found.iter().map(read).collect::<Vec<_>>().join("\n\n"),
        Step::Write { content, how, .. } => written(content, *how, path, past)?,
        Step::Replace { old, new, .. } => {
            format!("I replaced {} with {} in {path}.", excerpt(old), excerpt(new))
        }
        Step::Delete { .. } => {
            format!("I deleted {}.", joined(found.iter().filter_map(|found| found.path.clone())))
        }
        Step::Search { text, want, .. } => {
            first.map(|found| searched(text, *want, found)).unwrap_or_default()
        }
        Step::Count { unit, .. } => tally(*unit, found),
        Step::CountFound => match past.count()? {
            1 => "There is 1.".to_owned(),
            count => format!("There are {count}."),
        },
        Step::Tell(Content::Text(text)) => text.clone(),
        Step::Tell(content) => shown(past.content(content)?.trim_end()),
        Step::Recall(asked) => recall(asked, said),
        Step::Talk(talk) => spoken(*talk),
        Step::Rehearse(rehearsed) => tried(*rehearsed, first),
    })
}

/// Says which step was not done and why, and how many were not tried.
pub(super) fn stopped(step: &Step, why: &str, open: usize) -> String {
    let what = match step {
        Step::List { .. } => "list the files".to_owned(),
        Step::Read { files, .. } => format!("read {}", targets(files)),
        Step::Look { at } => format!("look into {}", target(at)),
        Step::SameName { file } => format!("copy or move {}", target(file)),
        Step::Write { file, .. } => format!("write {}", target(file)),
        Step::Replace { file, .. } => format!("change {}", target(file)),
        Step::Delete { files, .. } => format!("delete {}", targets(files)),
        Step::Search { text, .. } => format!("search for {}", excerpt(text)),
        Step::Count { .. } | Step::CountFound => "count".to_owned(),
        Step::Tell(_) | Step::Recall(_) | Step::Talk(_) => "answer".to_owned(),
        Step::Rehearse(Rehearsed::Bell(_)) => "ring the bell".to_owned(),
        Step::Rehearse(_) => "rehearse that".to_owned(),
    };
    let rest = match open {
        0 => String::new(),
        1 => " I left the step behind it undone.".to_owned(),
        open => format!(" I left the {open} steps behind it undone."),
    };
    let why = why.trim_end().trim_end_matches('.');
    let stop = if why.ends_with(['?', '!', '…']) { "" } else { "." };
    format!("I could not {what}: {why}{stop}{rest}")
}

/// Says that a tool is not there.
pub(super) fn without(tool: &str) -> String {
    let hint =
        if tool == BELL { ", which is there when Oxydra is started with `OXYDRA_TEST_TOOLS=1`" } else { "" };
    format!("I was not given the tool `{tool}`{hint}")
}

/// Says how a call failed.
pub(super) fn failure(found: &Found) -> String {
    let how = match found.outcome {
        CallOutcome::Refused => "was refused",
        CallOutcome::Failed => "failed",
        CallOutcome::Done => "was done",
    };
    format!("the call {how}: {}", shown(found.text.trim()))
}

fn listed(pages: &[Found]) -> String {
    let place = place(pages);
    let entries: Vec<_> = pages.iter().flat_map(Found::entries).collect();
    let mut text = match entries.len() {
        0 => return format!("There are no files {place}."),
        1 => format!("There is 1 entry {place}:\n"),
        count => format!("There are {count} entries {place}:\n"),
    };
    text.push_str(&bullets(&entries));
    with_note(text, pages)
}

fn place(pages: &[Found]) -> String {
    let path = pages.first().and_then(|page| page.path.as_deref());
    path.map_or_else(|| "here".to_owned(), |path| format!("in {path}"))
}

fn read(found: &Found) -> String {
    let path = found.path.as_deref().unwrap_or("the file");
    if found.body().trim().is_empty() {
        return format!("{path} is empty.");
    }
    with_note(format!("{path} says:\n{}", shown(found.body().trim_end())), std::slice::from_ref(found))
}

fn written(content: &Content, how: How, path: &str, past: &Past<'_>) -> Result<String, Stuck> {
    let what = match content {
        Content::Text(text) => excerpt(text),
        Content::Empty => return Ok(format!("I made the empty file {path}.")),
        Content::Found => "what I found".to_owned(),
        Content::Names => match past.content(content)?.lines().count() {
            1 => "1 name".to_owned(),
            count => format!("{count} names"),
        },
    };
    Ok(match how {
        How::Replace | How::New => format!("I wrote {what} to {path}."),
        How::Append => format!("I added {what} to {path}."),
    })
}

fn numbered(text: &str, lines: usize, found: &Found) -> String {
    let times = found.occurrences(text);
    let least = if times.is_all { "" } else { "at least " };
    let noun = if times.count == 1 { "time" } else { "times" };
    let lines = if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") };
    let said = format!("{} stands {least}{} {noun}, on {lines}.", excerpt(text), times.count);
    with_note(said, std::slice::from_ref(found))
}

fn searched(asked: &str, want: Want, found: &Found) -> String {
    let text = excerpt(asked);
    let hits = found.hits();
    if hits.is_empty() {
        return format!("{text} stands nowhere {}.", place(std::slice::from_ref(found)));
    }
    let said = match (want, hits.len()) {
        (Want::Number, lines) => return numbered(asked, lines, found),
        (Want::Files, _) => format!("{text} stands in:\n{}", bullets(&found.files_hit())),
        (Want::Lines, _) => {
            let lines: Vec<_> = hits.iter().map(|hit| hit.printed).collect();
            format!("{text} stands here:\n{}", bullets(&lines))
        }
    };
    with_note(said, std::slice::from_ref(found))
}

fn tally(unit: Unit, pages: &[Found]) -> String {
    let count = counted(unit, pages);
    let path = place(pages);
    let said = match (unit, count) {
        (Unit::Files, 1) => format!("There is 1 file {path}."),
        (Unit::Files, count) => format!("There are {count} files {path}."),
        (Unit::Lines, count) => {
            let said = format!("I count {count} lines {path}.");
            let is_told = pages.first().is_some_and(|page| page.total().is_some());
            return if is_told { said } else { with_note(said, pages) };
        }
        (Unit::Words, count) => format!("I count {count} words {path}."),
        (Unit::Characters, count) => format!("I count {count} characters {path}."),
        (Unit::Letters, count) => format!("I count {count} letters {path}."),
    };
    with_note(said, pages)
}

fn spoken(talk: Talk) -> String {
    match talk {
        Talk::Hello => format!("Hello. {}", who_am_i()),
        Talk::Welcome => "You are welcome.".to_owned(),
        Talk::Bye => "Goodbye.".to_owned(),
        Talk::WhoAmI => who_am_i(),
        Talk::NoFolders => "I make no directory by itself: it is made by writing a file into it, as “write docs/a.txt: hello” does.".to_owned(),
    }
}

fn tried(rehearsed: Rehearsed, found: Option<&Found>) -> String {
    let told = found.map(|found| found.text.trim()).unwrap_or_default();
    match rehearsed {
        Rehearsed::SlowAnswer(words) => slow(words),
        Rehearsed::MalformedCall => format!("My malformed call was answered: {told}"),
        Rehearsed::UnknownTool => format!("My call of an unknown tool was answered: {told}"),
        Rehearsed::Bell(_) => format!("My call of the bell was answered: {told}"),
        Rehearsed::CutAnswer => "My first answer was cut off; this is another attempt.".to_owned(),
        Rehearsed::Unavailable => "At first I was out of reach; this is another attempt.".to_owned(),
    }
}

fn slow(words: u64) -> String {
    let count = usize::try_from(words.min(SLOW_WORDS_MAX)).expect("the bound is small");
    let said = SLOW_WORDS.split(' ').cycle().take(count).collect::<Vec<_>>().join(" ");
    if words > SLOW_WORDS_MAX { format!("I stop at {SLOW_WORDS_MAX} words.\n\n{said}") } else { said }
}

fn targets(files: &[Target]) -> String {
    joined(files.iter().map(target))
}

fn target(target: &Target) -> String {
    match target {
        Target::Named(name) => name.clone(),
        Target::It => "it".to_owned(),
        Target::Them => "them".to_owned(),
    }
}

fn joined(names: impl Iterator<Item = String>) -> String {
    let names: Vec<_> = names.collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

fn bullets(lines: &[&str]) -> String {
    let shown = lines.iter().take(SHOWN_LINES_MAX).map(|line| format!("- {line}"));
    let more = lines.len().saturating_sub(SHOWN_LINES_MAX);
    let more = (more > 0).then(|| format!("- and {more} more"));
    shown.chain(more).collect::<Vec<_>>().join("\n")
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => {
            let more = text[end..].chars().count();
            format!("{}… (and {more} characters more)", &text[..end])
        }
        None => text.to_owned(),
    }
}

/// Adds what the last page says of itself: that there is more, or that something was cut.
fn with_note(text: String, pages: &[Found]) -> String {
    match pages.last().and_then(Found::note) {
        Some(note) => format!("{text}\n({note})"),
        None => text,
    }
}
