//! Decides the next move from the question alone: the last request's plan, and as many of its steps as have results. It
//! calls no tool that it was not given, and nothing here waits.
use super::found::Found;
use super::matcher::Target;
use super::parse::parse;
use super::past::{Call, Done, Past, Stuck, found_in, mode};
use super::plan::{Content, Deleted, Lines, Rehearsed, Step, Unit};
use super::say;
use super::stream::tokens;
use domain::{CallOutcome, Message, Question};
use serde_json::{Value, json};

/// What the model does when it is asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Move {
    /// It says something, and the turn is over.
    Say(String),
    /// It says something slowly.
    SaySlowly(String),
    /// It wants results of calls.
    Call {
        /// What it says before.
        text: String,
        /// The calls, in order.
        calls: Vec<Call>,
        /// How many calls of this turn came before.
        before: usize,
    },
    /// It starts to speak and is cut off.
    BreakOff(String),
    /// It is out of reach.
    Unavailable,
}

/// Decides the next move.
pub(super) fn next(question: &Question) -> Move {
    let request = question.messages.iter().rposition(|message| matches!(message, Message::User { .. }));
    let Some((at, Message::User { text, .. })) = request.map(|at| (at, &question.messages[at])) else {
        return Move::Say(say::who_am_i());
    };
    let before = &question.messages[..at];
    let plan = match parse(text) {
        Ok(plan) => plan,
        Err(not) => return Move::Say(say::not_understood(&not)),
    };
    Walk { question, before, past: Past::behind(before), said: vec![], steps: plan.len() }
        .along(&plan, found_in(&question.messages[at + 1..]))
}

/// A walk along the plan, past the steps that have their results.
struct Walk<'p> {
    question: &'p Question,
    before: &'p [Message],
    past: Past<'p>,
    said: Vec<String>,
    steps: usize,
}

impl<'p> Walk<'p> {
    fn along(mut self, plan: &'p [Step], results: Vec<Found>) -> Move {
        let made = results.len();
        let mut results = results.into_iter();
        for step in plan {
            if let Some(failure) = fails_once(step).filter(|_| self.question.attempt <= 1) {
                return failure;
            }
            let calls = match self.possible(step) {
                Ok(calls) => calls,
                Err(Stuck(why)) => return self.stop(step, &why),
            };
            let mut found: Vec<Found> = results.by_ref().take(calls.len()).collect();
            if found.len() < calls.len() {
                let calls = calls.into_iter().skip(found.len()).collect();
                return Move::Call { text: say::before(step), calls, before: made };
            }
            if let Some(listing) = listing_instead(step, &found) {
                let Some(next) = results.next() else {
                    let text = "It is a folder. Let me see what is in it.\n".to_owned();
                    return Move::Call { text, calls: vec![listing], before: made };
                };
                found = vec![next];
            }
            while let Some((at, page)) = next_page(step, &found).filter(|_| needs_all(step, plan)) {
                let Some(next) = results.next() else {
                    return Move::Call { text: String::new(), calls: vec![page], before: made };
                };
                found.insert(at, next);
            }
            if let Err(Stuck(why)) = self.take(step, found) {
                return self.stop(step, &why);
            }
        }
        let text = self.said.join("\n\n");
        let slow = plan.iter().any(|step| matches!(step, Step::Rehearse(Rehearsed::SlowAnswer(_))));
        if slow { Move::SaySlowly(text) } else { Move::Say(text) }
    }

    /// Takes the results of a step; a failure is one, unless it was asked for.
    fn take(&mut self, step: &'p Step, found: Vec<Found>) -> Result<(), Stuck> {
        let failed = found.iter().find(|found| found.outcome != CallOutcome::Done);
        if let Some(failed) = failed.filter(|_| !fails_on_purpose(step)) {
            return Err(Stuck(say::failure(failed)));
        }
        self.said.push(say::after(step, &found, &self.past, self.before)?);
        let counts = matches!(step, Step::CountFound);
        let counted = counts.then(|| self.past.count()).transpose()?;
        self.past.done.push(Done { step, found, counted });
        Ok(())
    }

    fn stop(mut self, step: &Step, why: &str) -> Move {
        let open = self.steps - self.past.done.len() - 1;
        self.said.push(say::stopped(step, why, open));
        Move::Say(self.said.join("\n\n"))
    }

    /// The calls that a step needs, when they can be made.
    fn possible(&self, step: &Step) -> Result<Vec<Call>, Stuck> {
        let calls = self.calls(step)?;
        let at_hand = |tool: &str| self.question.tools.iter().any(|spec| spec.name == tool);
        let unknown_on_purpose = matches!(step, Step::Rehearse(Rehearsed::UnknownTool));
        if let Some(call) = calls.iter().find(|call| !at_hand(call.tool) && !unknown_on_purpose) {
            return Err(Stuck(say::without(call.tool)));
        }
        let tokens: u64 = calls.iter().map(|call| tokens(call.arguments.len())).sum();
        let most = self.question.answer_tokens_max;
        if tokens > most.0 {
            return Err(Stuck(format!("the call takes {tokens} tokens, and I may write {most} at once")));
        }
        Ok(calls)
    }

    /// The calls that a step needs.
    fn calls(&self, step: &Step) -> Result<Vec<Call>, Stuck> {
        let past = &self.past;
        let place = |place: Option<&Target>| place.map(|place| past.file(place)).transpose();
        Ok(match step {
            Step::List { folder } | Step::Count { unit: Unit::Files, of: folder } => {
                vec![call(LIST, json!({"path": place(folder.as_ref())?}))]
            }
            Step::Read { files, lines } => {
                past.files(files)?.into_iter().map(|file| read(&file, *lines)).collect()
            }
            Step::Look { at } => vec![read(&past.file(at)?, None)],
            Step::SameName { .. } => return Err(Stuck("both names are the same".to_owned())),
            Step::Count { of, unit: Unit::Lines | Unit::Words | Unit::Characters | Unit::Letters } => {
                vec![call(READ, json!({"path": place(of.as_ref())?}))]
            }
            Step::Write { file, content, how } => {
                let content = match content {
                    Content::Text(text) => format!("{}\n", text.trim_end_matches('\n')),
                    Content::Empty | Content::Found | Content::Names => past.content(content)?,
                };
                let arguments = json!({"path": past.file(file)?, "content": content, "mode": mode(*how)});
                vec![call("file_write", arguments)]
            }
            Step::Replace { file, old, new } => {
                let arguments =
                    json!({"path": past.file(file)?, "old_text": old, "new_text": new, "replace_all": true});
                vec![call("file_edit", arguments)]
            }
            Step::Delete { files, what: Deleted::Files } => {
                past.files(files)?.iter().map(|file| call("file_delete", json!({"path": file}))).collect()
            }
            Step::Delete { files, what: Deleted::Folder } => {
                let folder = |path: &String| call("file_delete", json!({"path": path, "recursive": true}));
                past.files(files)?.iter().map(folder).collect()
            }
            Step::Search { text, place: within, want: _ } => {
                vec![call("file_search", json!({"query": text, "path": place(within.as_ref())?}))]
            }
            Step::Rehearse(Rehearsed::MalformedCall) => {
                vec![Call { tool: LIST, arguments: MALFORMED.to_owned() }]
            }
            Step::Rehearse(Rehearsed::SlowAnswer(0)) => {
                return Err(Stuck("an answer of 0 words says nothing, I need 1 at least".to_owned()));
            }
            Step::Rehearse(Rehearsed::UnknownTool) => vec![call(UNKNOWN_TOOL, json!({}))],
            Step::Rehearse(Rehearsed::Bell(seconds)) => vec![call(BELL, json!({"seconds": seconds}))],
            Step::Rehearse(Rehearsed::SlowAnswer(_) | Rehearsed::CutAnswer | Rehearsed::Unavailable) => {
                vec![]
            }
            Step::CountFound | Step::Tell(_) | Step::Recall(_) | Step::Talk(_) => vec![],
        })
    }
}

const LIST: &str = "file_list";
const READ: &str = "file_read";
/// The tool for trying what becomes of a call that nobody can ask whether it happened.
pub(super) const BELL: &str = "test_bell";
/// Arguments that end in the middle, as those of a real model do at times.
const MALFORMED: &str = "{\"path\": ";
/// A tool that nobody has.
const UNKNOWN_TOOL: &str = "rehearsal_no_such_tool";

/// A listing or a file is read on to its end, up to this many results: what is larger is no matter for a rehearsal.
const PAGES_MAX: usize = 16;

/// Whether a step is worth nothing without the pages behind the first.
fn needs_all(step: &Step, plan: &[Step]) -> bool {
    let uses_found = |later: &Step| {
        matches!(later, Step::CountFound | Step::Write { content: Content::Found | Content::Names, .. })
    };
    match step {
        Step::List { .. } | Step::Count { .. } => true,
        Step::Read { lines, .. } => lines.is_none() && plan.iter().any(uses_found),
        Step::Look { .. } => plan.iter().any(uses_found),
        Step::SameName { .. }
        | Step::Write { .. }
        | Step::Replace { .. }
        | Step::Delete { .. }
        | Step::Search { .. } => false,
        Step::CountFound | Step::Tell(_) | Step::Recall(_) | Step::Talk(_) | Step::Rehearse(_) => false,
    }
}

/// The call for a page that is missing, and where its result belongs.
fn next_page(step: &Step, found: &[Found]) -> Option<(usize, Call)> {
    let too_many = |page: &Found| page.pages().is_some_and(|pages| pages > PAGES_MAX);
    if found.len() >= PAGES_MAX || found.iter().any(|page| page.tool == READ && too_many(page)) {
        return None;
    }
    let is_told = found.first().is_some_and(|page| page.total().is_some());
    if is_told && matches!(step, Step::Count { unit: Unit::Lines, .. }) {
        return None;
    }
    let goes_on = |page: &Found| {
        page.next_offset().is_some() && page.lost().is_none() && !found.iter().any(|next| next.follows(page))
    };
    let (at, page) = found.iter().enumerate().find(|(_, page)| goes_on(page))?;
    let tool = if page.tool == LIST { LIST } else { READ };
    Some((at + 1, call(tool, json!({"path": page.path, "offset": page.next_offset()}))))
}

/// The call for what is in a folder that was taken for a file.
fn listing_instead(step: &Step, found: &[Found]) -> Option<Call> {
    let is_folder =
        |found: &&Found| found.outcome == CallOutcome::Failed && found.text.ends_with("it is a directory");
    let folder = found.first().filter(is_folder).filter(|_| matches!(step, Step::Look { .. }))?;
    Some(call(LIST, json!({"path": folder.path})))
}

fn fails_on_purpose(step: &Step) -> bool {
    matches!(step, Step::Rehearse(Rehearsed::MalformedCall | Rehearsed::UnknownTool))
}

/// What the first attempt comes to when it is to fail.
fn fails_once(step: &Step) -> Option<Move> {
    if matches!(step, Step::Rehearse(Rehearsed::CutAnswer)) {
        return Some(Move::BreakOff("This answer is cut off in the middle of".to_owned()));
    }
    matches!(step, Step::Rehearse(Rehearsed::Unavailable)).then_some(Move::Unavailable)
}

fn read(file: &str, lines: Option<Lines>) -> Call {
    match lines {
        None => call(READ, json!({"path": file})),
        Some(Lines { from, count }) => call(READ, json!({"path": file, "offset": from, "limit": count})),
    }
}

/// Prints a call; arguments that were left out of the request are left out of it too.
fn call(tool: &'static str, mut arguments: Value) -> Call {
    if let Value::Object(all) = &mut arguments {
        all.retain(|_, value| !value.is_null());
    }
    Call { tool, arguments: arguments.to_string() }
}
