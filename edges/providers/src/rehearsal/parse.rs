//! Turns a request into a plan, or says what of it was not understood. It branches on no sentence: the forms are a table,
//! and whatever they do not cover is refused in words.
use super::forms::{Form, Read, forms, is_rule, rule};
use super::matcher::{Fuel, Matcher, Quoting};
use super::pattern::Node;
use super::plan::{Content, Step, Want};
use super::token::{Kind, Token, tokens};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// What a person chains in one sentence. A longer plan belongs to a real model.
pub(super) const STEPS_MAX: usize = 5;
/// Longer than anything said by hand; what comes in bulk is data, not a request.
pub(super) const REQUEST_BYTES_MAX: usize = 256 * 1024;
/// How many steps in a row are read before they are counted: enough to name the number, few enough for the stack.
const CHAIN_MAX: usize = 16;

/// At so many places a clause may be parted; a text with more of them is a text.
const JOINS_MAX: usize = 64;

/// Politeness at the start of a step, which changes nothing.
pub(super) const OPENINGS: [&str; 42] = [
    "please",
    "now",
    "just",
    "also",
    "next",
    "finally",
    "first",
    "firstly",
    "second",
    "secondly",
    "third",
    "lastly",
    "kindly",
    "ok",
    "okay",
    "so",
    "well",
    "hey",
    "hello",
    "hi",
    "oxydra",
    "and",
    "after that",
    "afterwards",
    "tell me",
    "let me know",
    "i want to know",
    "do you know",
    "i want you to",
    "i would like you to",
    "i'd like you to",
    "i need you to",
    "i want to",
    "let's",
    "let us",
    "go and",
    "go ahead and",
    "try to",
    "can you",
    "could you",
    "would you",
    "will you",
];
/// Politeness at the end of a step.
pub(super) const CLOSINGS: [&str; 18] = [
    "please",
    "for me",
    "for us",
    "now",
    "right now",
    "thanks",
    "thank you",
    "again",
    "once more",
    "if you can",
    "too",
    "as well",
    "to me",
    "to us",
    "afterwards",
    "ok",
    "okay",
    "instead",
];

/// Why a request has no plan.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum NotUnderstood {
    /// There are no words in it.
    Empty,
    /// It is longer than [`REQUEST_BYTES_MAX`].
    TooLong,
    /// It has more than [`STEPS_MAX`] steps.
    TooManySteps,
    /// It ends with `then`.
    NothingBehindThen,
    /// It can be read in so many ways that reading was given up.
    TooTangled,
    /// No form fits this part of it.
    Unknown {
        /// The part.
        clause: String,
        /// The pattern that comes nearest, with an example.
        nearest: Option<(&'static str, &'static str)>,
    },
}

/// Turns a request into its steps.
///
/// # Errors
/// Says what was not understood.
pub(super) fn parse(request: &str) -> Result<Vec<Step>, NotUnderstood> {
    if request.len() > REQUEST_BYTES_MAX {
        return Err(NotUnderstood::TooLong);
    }
    let tokens = tokens(request);
    let clauses = clauses(&tokens)?;
    if clauses.len() > STEPS_MAX {
        return Err(NotUnderstood::TooManySteps);
    }
    let reader = Reader { request, fuel: Fuel::default() };
    let mut sentences = Vec::new();
    for clause in clauses {
        sentences.extend(reader.read(clause)?);
    }
    if sentences.len() > STEPS_MAX {
        return Err(NotUnderstood::TooManySteps);
    }
    Ok(joined(sentences))
}

/// Cuts at `then` and `;`. Nothing else ends a text.
fn clauses<'t, 'a>(tokens: &'t [Token<'a>]) -> Result<Vec<&'t [Token<'a>]>, NotUnderstood> {
    let cuts = |token: &Token<'_>| token.is("then") || token.kind == Kind::Mark(';');
    let clauses: Vec<_> = tokens.split(cuts).map(trimmed).filter(|clause| !clause.is_empty()).collect();
    let last = tokens.iter().rfind(|token| !token.is_mark());
    match (clauses.is_empty(), last) {
        (true, None) => Err(NotUnderstood::Empty),
        (_, Some(token)) if token.is("then") => Err(NotUnderstood::NothingBehindThen),
        (true, Some(_)) => Err(NotUnderstood::Empty),
        (false, _) => Ok(clauses),
    }
}

/// Drops marks at both ends, and an `and` that led to the next step.
fn trimmed<'t, 'a>(tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    let start = tokens.iter().take_while(|token| token.is_mark()).count();
    let tokens = &tokens[start..];
    let words = without_marks(tokens);
    match words.split_last() {
        Some((last, before)) if last.is("and") => without_marks(before),
        // A text keeps its own exclamation mark; which marks it keeps is up to the slot.
        Some(_) | None => tokens,
    }
}

fn joining(token: &Token<'_>) -> bool {
    matches!(token.kind, Kind::Mark(',' | '.' | '!' | '?' | '\n'))
}

fn without_marks<'t, 'a>(tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    &tokens[..tokens.iter().rposition(|token| !token.is_mark()).map_or(0, |last| last + 1)]
}

/// Puts the steps of all sentences in a row. A listing that a sentence brings along is left out when an earlier step has
/// looked already: `the files` are then those.
fn joined(sentences: Vec<Vec<Step>>) -> Vec<Step> {
    let mut plan: Vec<Step> = Vec::new();
    for sentence in sentences {
        let looked = plan
            .iter()
            .any(|step| matches!(step, Step::List { .. } | Step::Search { want: Want::Files, .. }));
        let brought_along = matches!(
            sentence.as_slice(),
            [Step::List { folder: None }, Step::Write { content: Content::Names, .. }]
        );
        plan.extend(sentence.into_iter().skip(usize::from(looked && brought_along)));
    }
    plan
}

/// A step as a person counts them, which may be several to us.
struct One {
    steps: Vec<Step>,
    /// Whether it ends with a text that might have gone on.
    ends_open: bool,
}

struct Reader<'a> {
    request: &'a str,
    fuel: Fuel,
}

impl<'a> Reader<'a> {
    fn read(&self, clause: &[Token<'a>]) -> Result<Vec<Vec<Step>>, NotUnderstood> {
        let read = self.chain(clause, &[Quoting::Whole, Quoting::Within], CHAIN_MAX);
        read.or_else(|| self.chain(clause, &[Quoting::Anywhere], CHAIN_MAX)).ok_or_else(|| {
            if self.fuel.is_spent() {
                return NotUnderstood::TooTangled;
            }
            let words = without_marks(clause);
            let text = match (words.first(), words.last()) {
                (Some(first), Some(last)) => &self.request[first.start..last.end],
                (None, _) | (_, None) => "",
            };
            NotUnderstood::Unknown { clause: text.to_owned(), nearest: nearest(clause) }
        })
    }

    /// Reads a clause as one step, or else as steps joined by `and`, a comma, a full stop or a line break. A text at the
    /// end of a step takes these in, unless they stand behind a step that ended before them.
    fn chain(&self, clause: &[Token<'a>], quoting: &[Quoting], depth: usize) -> Option<Vec<Vec<Step>>> {
        let whole = quoting.iter().find_map(|quoting| self.one(clause, *quoting));
        match whole {
            Some(One { steps, ends_open: false }) => Some(vec![steps]),
            Some(One { steps, ends_open: true }) => {
                self.split(clause, quoting, depth, false).or_else(|| Some(vec![steps]))
            }
            None => self.split(clause, quoting, depth, true),
        }
    }

    fn split(
        &self,
        clause: &[Token<'a>],
        quoting: &[Quoting],
        depth: usize,
        may_end_open: bool,
    ) -> Option<Vec<Vec<Step>>> {
        let depth = depth.checked_sub(1)?;
        let joins =
            |at: &usize| clause[*at].is("and") || (joining(&clause[*at]) && !clause[at - 1].is_mark());
        (1..clause.len()).filter(joins).take(JOINS_MAX).find_map(|at| {
            let before = trimmed(&clause[..at]);
            let first = quoting.iter().find_map(|quoting| self.one(before, *quoting))?;
            if first.ends_open && !may_end_open {
                return None;
            }
            let rest = trimmed(&clause[at + 1..]);
            let rest = if rest.is_empty() { vec![] } else { self.chain(rest, quoting, depth)? };
            Some([first.steps].into_iter().chain(rest).collect())
        })
    }

    /// Reads a step, with as little taken for politeness as possible.
    fn one(&self, clause: &[Token<'a>], quoting: Quoting) -> Option<One> {
        let starts = starts(clause);
        let ends = ends(clause);
        for end in ends {
            for (start, asked) in &starts {
                let Some(tokens) = clause.get(*start..end).filter(|tokens| !tokens.is_empty()) else {
                    continue;
                };
                let matcher =
                    Matcher { request: self.request, tokens, quoting, asked: *asked, fuel: &self.fuel };
                let read = |read: &Read| {
                    let caught = matcher.fits(&read.nodes)?;
                    Some(One { steps: (read.form.build)(&caught), ends_open: caught.ends_open() })
                };
                if let Some(one) = forms().iter().find_map(read) {
                    return Some(one);
                }
            }
        }
        None
    }
}

/// Where a step may start, and whether it is then a question to be granted.
fn starts(clause: &[Token<'_>]) -> Vec<(usize, bool)> {
    let mut starts = vec![(0, false)];
    let (mut at, mut asked) = (0, false);
    for _ in 0..POLITE_MAX {
        at += clause[at..].iter().take_while(|token| token.is_mark()).count();
        let opening =
            OPENINGS.iter().filter(|phrase| spells(&clause[at..], phrase)).max_by_key(|phrase| phrase.len());
        let Some(opening) = opening else { return starts };
        asked |= opening.ends_with(" you");
        at += opening.split(' ').count();
        starts.push((at, asked));
    }
    starts
}

/// Where a step may end.
fn ends(clause: &[Token<'_>]) -> Vec<usize> {
    let mut ends = vec![clause.len()];
    let mut words = without_marks(clause);
    for _ in 0..POLITE_MAX {
        let closes = |phrase: &&&str| {
            let start = words.len().checked_sub(phrase.split(' ').count());
            start.is_some_and(|start| spells(&words[start..], phrase))
        };
        let Some(closing) = CLOSINGS.iter().filter(closes).max_by_key(|phrase| phrase.len()) else {
            return ends;
        };
        words = without_marks(&words[..words.len() - closing.split(' ').count()]);
        ends.push(words.len());
    }
    ends
}

/// Nobody is more polite than this in one breath.
const POLITE_MAX: usize = 6;

fn spells(tokens: &[Token<'_>], phrase: &str) -> bool {
    let mut tokens = tokens.iter();
    phrase.split(' ').all(|word| tokens.next().is_some_and(|token| token.is(word)))
}

/// Finds the form that shares the most words with a clause; one at the verb counts most, and a slip of the finger is
/// forgiven.
fn nearest(clause: &[Token<'_>]) -> Option<(&'static str, &'static str)> {
    let start = starts(clause).last().map_or(0, |(start, _)| *start);
    let keys: Vec<&str> = clause[start..]
        .iter()
        .filter_map(|token| match &token.kind {
            Kind::Word { key, .. } => Some(key.as_str()),
            Kind::Quoted(_) | Kind::Mark(_) => None,
        })
        .take(NEAREST_WORDS_MAX)
        .collect();
    let score = |read: &Read| {
        let words = words_of(&read.nodes);
        let shared = keys.iter().filter(|key| key.len() > 2 && words.contains(*key)).count();
        let verb = keys.first().is_some_and(|key| verbs(&read.nodes).iter().any(|verb| is_near(verb, key)));
        (shared + if verb { VERB_WEIGHT } else { 0 }, Reverse(read.form.pattern.len()))
    };
    // From the end, since the last of equals is taken and the first of a topic is the plainest.
    let best = forms().iter().rev().max_by_key(|read| score(read)).filter(|read| score(read).0 > 1)?;
    let Form { pattern, examples, .. } = best.form;
    Some((pattern, examples.first().map_or("", |(said, _)| said)))
}

/// The verb says more about what was meant than any two other words.
const VERB_WEIGHT: usize = 3;
/// What somebody meant shows in the first words; the rest would be compared for nothing.
const NEAREST_WORDS_MAX: usize = 40;

/// The words of a pattern and of its rules.
fn words_of(nodes: &[Node]) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for node in nodes {
        match node {
            Node::Word(word) => found.extend([word.as_str()]),
            Node::Any(all) | Node::Maybe(all) => found.extend(all.iter().flat_map(|nodes| words_of(nodes))),
            Node::Slot(slot) if is_rule(slot) => found.extend(words_of(rule(slot))),
            Node::Slot(_) => {}
        }
    }
    found
}

/// The words a pattern can start with.
fn verbs(nodes: &[Node]) -> Vec<&str> {
    match nodes.split_first() {
        None => vec![],
        Some((Node::Word(word), _)) => vec![word],
        Some((Node::Any(all), _)) => all.iter().flat_map(|nodes| verbs(nodes)).collect(),
        Some((Node::Maybe(all), rest)) => {
            all.iter().map(Vec::as_slice).chain([rest]).flat_map(|nodes| verbs(nodes)).collect()
        }
        Some((Node::Slot(slot), _)) if is_rule(slot) => verbs(rule(slot)),
        Some((Node::Slot(_), _)) => vec![],
    }
}

/// Whether one letter was added, left out, changed or swapped with its neighbour, in a word long enough to tell.
fn is_near(word: &str, typed: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (word.chars().collect(), typed.chars().collect());
    if a == b {
        return true;
    }
    let head = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[head..], &b[head..]);
    let swapped = a.len() >= 2 && b.len() >= 2 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..];
    let one_off =
        a.get(1..) == Some(b) || b.get(1..) == Some(a) || (a.get(1..) == b.get(1..) && a.len() == b.len());
    word.len() > 3 && (swapped || one_off)
}
