//! Lays a pattern over a clause: depth first, shortest text first, within a bounded number of steps. It decides whether a
//! form fits and what its slots caught; what that means is `forms`.
use super::forms::rule;
use super::pattern::Node;
use super::token::{Kind, Token};
use std::cell::Cell;

/// A thousand times what a sentence of five steps needs, and a fraction of a second: texts built to confuse end here.
const FUEL: u32 = 1_000_000;

/// More files than a person names one by one.
const NAMES_MAX: usize = 16;

/// A file or folder as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// By its name.
    Named(String),
    /// The file of an earlier step.
    It,
    /// All files of an earlier step.
    Them,
}

/// What a slot caught.
#[derive(Debug, Clone, PartialEq)]
enum Catch<'a> {
    Names(Vec<Target>),
    Text(&'a str),
    /// A text without quotation marks that took the clause to its end.
    OpenText(&'a str),
    Number(u64),
}

/// Where quotations may stand in texts, from what is most likely meant to what is least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoting {
    /// A text is one quotation, or has none in it.
    Whole,
    /// A text may have one within, but one at its start is all of it.
    Within,
    /// Anywhere.
    Anywhere,
}

/// What bounds the work on one request.
#[derive(Debug)]
pub(super) struct Fuel(Cell<u32>);

impl Default for Fuel {
    fn default() -> Fuel {
        Fuel(Cell::new(FUEL))
    }
}

impl Fuel {
    /// Whether the request was given up.
    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
    fn burn(&self) -> bool {
        self.0.set(self.0.get().saturating_sub(1));
        !self.is_spent()
    }
}

/// What the slots of a form caught, by their names.
#[derive(Debug, Default, Clone)]
pub(super) struct Caught<'a>(Vec<(&'a str, Catch<'a>)>);

impl Caught<'_> {
    fn find(&self, slot: &str) -> Option<&Catch<'_>> {
        self.0.iter().find(|(name, _)| *name == slot).map(|(_, catch)| catch)
    }
    /// Whether the last words are a text that might have gone on.
    pub(super) fn ends_open(&self) -> bool {
        self.0.iter().any(|(_, catch)| matches!(catch, Catch::OpenText(_)))
    }
    /// Whether the slot or rule was part of the sentence.
    pub(super) fn has(&self, slot: &str) -> bool {
        self.find(slot).is_some()
    }
    /// The files a slot caught; none when it was left out.
    pub(super) fn names(&self, slot: &str) -> Vec<Target> {
        match self.find(slot) {
            Some(Catch::Names(names)) => names.clone(),
            Some(Catch::Text(_) | Catch::OpenText(_) | Catch::Number(_)) | None => vec![],
        }
    }
    /// The file a slot caught.
    pub(super) fn name(&self, slot: &str) -> Option<Target> {
        self.names(slot).into_iter().next()
    }
    /// The text a slot or rule caught; empty when it was left out.
    pub(super) fn text(&self, slot: &str) -> String {
        match self.find(slot) {
            Some(Catch::Text(text) | Catch::OpenText(text)) => (*text).to_owned(),
            Some(Catch::Names(_) | Catch::Number(_)) | None => String::new(),
        }
    }
    /// The number a slot caught.
    pub(super) fn number(&self, slot: &str) -> Option<u64> {
        match self.find(slot) {
            Some(Catch::Number(number)) => Some(*number),
            Some(Catch::Names(_) | Catch::Text(_) | Catch::OpenText(_)) | None => None,
        }
    }
}

/// What is to be matched still: a list that grows at its front without copying.
#[derive(Clone, Copy)]
struct Rest<'a, 'r> {
    nodes: &'a [Node],
    behind: Option<&'r Rest<'a, 'r>>,
}

impl Rest<'_, '_> {
    fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.behind.is_none_or(Rest::is_empty)
    }
}

/// One attempt to lay a pattern over tokens.
pub(super) struct Matcher<'a> {
    pub(super) request: &'a str,
    pub(super) tokens: &'a [Token<'a>],
    pub(super) quoting: Quoting,
    /// `can you …?`: then a question mark at the end is not part of a text.
    pub(super) asked: bool,
    pub(super) fuel: &'a Fuel,
}

impl<'a> Matcher<'a> {
    /// Returns what the slots caught, when the pattern fits the tokens from the first to the last.
    pub(super) fn fits(&self, nodes: &'a [Node]) -> Option<Caught<'a>> {
        let mut caught = Caught::default();
        self.run(0, Rest { nodes, behind: None }, &mut caught).then_some(caught)
    }

    fn run(&self, at: usize, rest: Rest<'a, '_>, caught: &mut Caught<'a>) -> bool {
        if !self.fuel.burn() {
            return false;
        }
        let Some((node, nodes)) = rest.nodes.split_first() else {
            return match rest.behind {
                Some(behind) => self.run(at, *behind, caught),
                None => self.tokens[at..].iter().all(Token::is_mark),
            };
        };
        let rest = Rest { nodes, behind: rest.behind };
        match node {
            Node::Word(word) if word == ":" => {
                self.colon(at).is_some_and(|next| self.run(next, rest, caught))
            }
            Node::Word(word) => {
                let at = self.skip(at);
                self.tokens.get(at).is_some_and(|token| token.is(word)) && self.run(at + 1, rest, caught)
            }
            Node::Any(all) => self.any(at, all, rest, caught),
            Node::Maybe(all) => self.any(at, all, rest, caught) || self.run(at, rest, caught),
            Node::Slot(slot) => self.slot(at, slot, rest, caught),
        }
    }

    fn any(&self, at: usize, all: &'a [Vec<Node>], rest: Rest<'a, '_>, caught: &mut Caught<'a>) -> bool {
        all.iter().any(|nodes| self.run(at, Rest { nodes, behind: Some(&rest) }, caught))
    }

    fn slot(&self, at: usize, slot: &'a str, rest: Rest<'a, '_>, caught: &mut Caught<'a>) -> bool {
        let at = self.skip(at);
        match slot {
            "TEXT" | "OLD" | "NEW" => self.text(at, slot, rest, caught),
            "NAME" | "DIR" | "OTHER" => {
                let one = name(self.tokens, at, slot == "DIR");
                one.is_some_and(|(target, next)| {
                    self.keep(next, slot, Catch::Names(vec![target]), rest, caught)
                })
            }
            "NAMES" => self.names(at, slot, rest, caught),
            "N" | "A" | "B" => number(self.tokens.get(at))
                .is_some_and(|number| self.keep(at + 1, slot, Catch::Number(number), rest, caught)),
            // A rule keeps its first word: `count words` says by it what to count.
            _ => {
                let text = Catch::Text(self.tokens.get(at).and_then(key).unwrap_or_default());
                self.keep(at, slot, text, Rest { nodes: rule(slot), behind: Some(&rest) }, caught)
            }
        }
    }

    fn keep(
        &self,
        at: usize,
        slot: &'a str,
        catch: Catch<'a>,
        rest: Rest<'a, '_>,
        caught: &mut Caught<'a>,
    ) -> bool {
        let before = caught.0.len();
        caught.0.push((slot, catch));
        let fits = self.run(at, rest, caught);
        if !fits {
            caught.0.truncate(before);
        }
        fits
    }

    /// A text: shortest first, except that the last one of a form takes all that is left.
    fn text(&self, at: usize, slot: &'a str, rest: Rest<'a, '_>, caught: &mut Caught<'a>) -> bool {
        let Some(first) = self.tokens.get(at) else { return false };
        if let Kind::Quoted(text) = first.kind {
            if self.keep(at + 1, slot, Catch::Text(text), rest, caught) {
                return true;
            }
            if self.quoting != Quoting::Anywhere {
                return false;
            }
        }
        let is_quoted = |token: &Token<'_>| matches!(token.kind, Kind::Quoted(_));
        let unquoted = match self.quoting {
            Quoting::Whole => self.tokens[at..].iter().take_while(|token| !is_quoted(token)).count(),
            Quoting::Within | Quoting::Anywhere => self.tokens.len() - at,
        };
        if rest.is_empty() {
            let text = self.last_text(at);
            let fits = at + unquoted == self.tokens.len() && !text.is_empty();
            return fits && self.keep(self.tokens.len(), slot, Catch::OpenText(text), rest, caught);
        }
        (at + 1..=at + unquoted).filter(|end| !self.tokens[end - 1].is_mark()).any(|end| {
            let text = &self.request[first.start..self.tokens[end - 1].end];
            let to_end = self.skip(end) == self.tokens.len();
            let catch = if to_end { Catch::OpenText(text) } else { Catch::Text(text) };
            self.keep(end, slot, catch, rest, caught)
        })
    }

    /// The text from a token to the end of the clause. Its exclamation mark is its own, its full stop is the sentence's.
    fn last_text(&self, at: usize) -> &'a str {
        let end = self.tokens.last().map_or(0, |token| token.end);
        let text = self.request[self.tokens[at].start..end].trim_end_matches([',', ';', '\n']).trim_end();
        let text = if text.ends_with("..") { text } else { text.strip_suffix('.').unwrap_or(text) };
        if self.asked { text.strip_suffix('?').unwrap_or(text) } else { text }
    }

    /// Several files: as many as there are, fewer when what follows needs the words.
    fn names(&self, at: usize, slot: &'a str, rest: Rest<'a, '_>, caught: &mut Caught<'a>) -> bool {
        if let Some(next) = phrase(self.tokens, at, &THEM) {
            return self.keep(next, slot, Catch::Names(vec![Target::Them]), rest, caught);
        }
        let Some((target, mut next)) = name(self.tokens, at, false) else { return false };
        let mut ends = vec![next];
        let mut names = vec![target];
        while let Some((target, end)) = self.behind_and(next).and_then(|at| name(self.tokens, at, false))
            && names.len() < NAMES_MAX
        {
            names.push(target);
            ends.push(end);
            next = end;
        }
        (1..=names.len()).rev().any(|count| {
            self.keep(ends[count - 1], slot, Catch::Names(names[..count].to_vec()), rest, caught)
        })
    }

    /// Where the next of several names would start.
    fn behind_and(&self, at: usize) -> Option<usize> {
        let comma = self.tokens.get(at).is_some_and(|token| token.kind == Kind::Mark(','));
        let behind = at + usize::from(comma);
        let and = self.tokens.get(behind).is_some_and(|token| token.is("and"));
        (comma || and).then_some(behind + usize::from(and))
    }

    fn skip(&self, at: usize) -> usize {
        at + self.tokens[at..].iter().take_while(|token| token.is_mark()).count()
    }

    fn colon(&self, at: usize) -> Option<usize> {
        let next = self.skip(at);
        self.tokens[at..next].iter().any(|token| token.kind == Kind::Mark(':')).then_some(next)
    }
}

/// What may stand before a name.
pub(super) const ARTICLES: [&str; 9] = ["the", "a", "an", "my", "our", "new", "empty", "file", "called"];
/// What else may stand before the name of a place. Before a file it would be a mistake to pass it over.
const FOLDER_WORDS: [&str; 2] = ["folder", "directory"];
/// A name that is one of these, or an article, is written in quotation marks.
pub(super) const RESERVED: [&str; 44] = [
    "named",
    "files",
    "folder",
    "folders",
    "directory",
    "directories",
    "it",
    "them",
    "they",
    "this",
    "that",
    "these",
    "those",
    "and",
    "then",
    "to",
    "in",
    "of",
    "with",
    "by",
    "for",
    "from",
    "into",
    "as",
    "all",
    "each",
    "both",
    "everything",
    "list",
    "help",
    "me",
    "us",
    "what",
    "which",
    "here",
    "there",
    "please",
    "now",
    "again",
    "saying",
    "containing",
    "naming",
    "listing",
    "says",
];
/// How a sentence says `the file of before`.
pub(super) const IT: [&str; 11] = [
    "it",
    "this file",
    "that file",
    "the file",
    "the new file",
    "the same file",
    "my file",
    "that one",
    "this one",
    "this",
    "that",
];
/// How a sentence says `all files of before`.
pub(super) const THEM: [&str; 15] = [
    "them all",
    "them",
    "all of them",
    "each of them",
    "both of them",
    "both files",
    "both",
    "these files",
    "those files",
    "these",
    "those",
    "each file",
    "all the files",
    "all files",
    "the files",
];

/// Reads a name, which may be that of a place, and says where it ends.
fn name(tokens: &[Token<'_>], at: usize, is_place: bool) -> Option<(Target, usize)> {
    if let Some(next) = phrase(tokens, at, &IT) {
        return Some((Target::It, next));
    }
    let is_article = |token: &&Token<'_>| {
        let folder_words = FOLDER_WORDS.iter().filter(|_| is_place);
        ARTICLES.iter().chain(folder_words).any(|word| token.is(word)) || token.is("named")
    };
    let at = at + tokens.get(at..)?.iter().take_while(is_article).count();
    let name = match &tokens.get(at)?.kind {
        Kind::Word { raw, key } if !RESERVED.contains(&key.as_str()) => *raw,
        Kind::Quoted(name) if !name.trim().is_empty() => *name,
        Kind::Word { .. } | Kind::Quoted(_) | Kind::Mark(_) => return None,
    };
    Some((Target::Named(name.to_owned()), at + 1))
}

/// Finds the first of the phrases that starts here and is not the start of a name: `the file` but not `the file a.txt`.
fn phrase(tokens: &[Token<'_>], at: usize, phrases: &[&str]) -> Option<usize> {
    phrases.iter().find_map(|phrase| {
        let words = phrase.split(' ');
        let end = at + words.clone().count();
        let here = tokens.get(at..end)?;
        let fits = here.iter().zip(words).all(|(token, word)| token.is(word));
        let names_more = phrase.ends_with("file") && tokens.get(end).is_some_and(starts_a_name);
        (fits && !names_more).then_some(end)
    })
}

fn starts_a_name(token: &Token<'_>) -> bool {
    match &token.kind {
        Kind::Word { key, .. } => {
            matches!(key.as_str(), "called" | "named") || !RESERVED.contains(&key.as_str())
        }
        Kind::Quoted(_) => true,
        Kind::Mark(_) => false,
    }
}

fn key<'t>(token: &'t Token<'_>) -> Option<&'t str> {
    match &token.kind {
        Kind::Word { key, .. } => Some(key),
        Kind::Quoted(_) | Kind::Mark(_) => None,
    }
}

fn number(token: Option<&Token<'_>>) -> Option<u64> {
    const WORDS: [&str; 11] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    let key = key(token?)?;
    let spelled = || WORDS.iter().position(|word| *word == key).map(|number| number as u64);
    key.parse().ok().or_else(spelled)
}
