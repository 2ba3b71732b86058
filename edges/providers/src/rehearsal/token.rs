//! Cuts a request into words, quoted texts and marks. It knows no keyword and drops nothing: every token remembers where
//! it stood, so that a text can be taken as it was written.

/// A piece of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    /// Where it starts in the request, in bytes.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

/// What a piece is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind<'a> {
    /// A run of characters without the marks behind it; `key` is what it is compared by.
    Word { raw: &'a str, key: String },
    /// What stood between quotation marks.
    Quoted(&'a str),
    /// Punctuation or a line break between words.
    Mark(char),
}

impl Token<'_> {
    /// Whether it is this word of the grammar.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word { key, .. } if key == word)
    }
    /// Whether it is punctuation.
    pub(super) fn is_mark(&self) -> bool {
        matches!(self.kind, Kind::Mark(_))
    }
}

const QUOTES: [(char, char); 7] =
    [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’'), ('«', '»'), ('„', '“')];
const MARKS: &str = ",;:!?…";
/// What a list is written with; alone, they are marks.
const BULLETS: [&str; 5] = ["-", "–", "—", "*", "•"];

/// Cuts a request into tokens.
pub(super) fn tokens(request: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    // A quotation mark that finds no partner from here finds none later either: looked for once, not once per mark.
    let mut unpaired = [false; QUOTES.len()];
    let mut at = 0;
    while let Some(first) = request[at..].chars().next() {
        let start = at;
        if first == '\n' {
            at += 1;
            found.push(Token { kind: Kind::Mark('\n'), start, end: at });
        } else if first.is_whitespace() {
            at += first.len_utf8();
        } else if let Some((text, end)) = quoted(request, at, first, &mut unpaired) {
            at = end;
            found.push(Token { kind: Kind::Quoted(text), start, end });
        } else {
            at = bare(request, start, &mut found);
        }
    }
    found
}

/// Returns the text in quotation marks that opens at `at`, and where it ends.
fn quoted<'a>(
    request: &'a str,
    at: usize,
    first: char,
    unpaired: &mut [bool; QUOTES.len()],
) -> Option<(&'a str, usize)> {
    let kind = QUOTES.iter().position(|(open, _)| *open == first)?;
    if unpaired[kind] {
        return None;
    }
    let close = QUOTES[kind].1;
    let inside = at + first.len_utf8();
    let closes = |(offset, _): &(usize, &str)| ends_here(&request[inside + offset + close.len_utf8()..]);
    let Some((offset, _)) = request[inside..].match_indices(close).find(closes) else {
        unpaired[kind] = true;
        return None;
    };
    Some((&request[inside..inside + offset], inside + offset + close.len_utf8()))
}

/// Whether a word could end before this: an apostrophe within a word closes nothing.
fn ends_here(behind: &str) -> bool {
    behind.trim_start_matches(is_mark).chars().next().is_none_or(char::is_whitespace)
}

fn is_mark(c: char) -> bool {
    c == '.' || MARKS.contains(c)
}

/// Takes a run of characters and the marks at its end, and returns where it ends.
fn bare<'a>(request: &'a str, start: usize, found: &mut Vec<Token<'a>>) -> usize {
    let run = request[start..].split(char::is_whitespace).next().unwrap_or_default();
    let behind_quote = request[..start].chars().next_back().is_some_and(|c| !c.is_whitespace());
    let word = if BULLETS.contains(&run) || (behind_quote && run.chars().all(is_mark)) {
        ""
    } else {
        without_marks(run)
    };
    if !word.is_empty() {
        let key = word.to_lowercase().replace('’', "'");
        found.push(Token { kind: Kind::Word { raw: word, key }, start, end: start + word.len() });
    }
    for (offset, mark) in run[word.len()..].char_indices() {
        let start = start + word.len() + offset;
        found.push(Token { kind: Kind::Mark(mark), start, end: start + mark.len_utf8() });
    }
    start + run.len()
}

/// Strips the marks behind a word, but one full stop only, and none of `.` and `..`: these are places.
fn without_marks(run: &str) -> &str {
    if matches!(run, "." | "..") {
        return run;
    }
    if run.chars().all(is_mark) {
        return "";
    }
    let mut word = run;
    let mut stopped = false;
    while let Some(last) = word.chars().next_back().filter(|c| is_mark(*c)) {
        if last == '.' && std::mem::replace(&mut stopped, true) {
            break;
        }
        word = &word[..word.len() - last.len_utf8()];
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(request: &str) -> String {
        let show = |token: &Token<'_>| match &token.kind {
            Kind::Word { raw, .. } => (*raw).to_owned(),
            Kind::Quoted(text) => format!("<{text}>"),
            Kind::Mark(mark) => format!("{mark:?}"),
        };
        tokens(request).iter().map(show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_quotes_and_marks() {
        for (request, expected) in [
            ("read a.txt.", "read a.txt '.'"),
            ("read notes..", "read notes. '.'"),
            ("list . , please!?", "list . ',' please '!' '?'"),
            ("say \"a b\", then `c`", "say <a b> ',' then <c>"),
            ("“ä ö” ‘x’ «y» „z“ \"\"", "<ä ö> <x> <y> <z> <>"),
            ("don't 'it's fine' now", "don't <it's fine> now"),
            ("an \"open end", "an \"open end"),
            ("5\" and 6\"", "5\" and 6\""),
            ("- list\n* read", "'-' list '\\n' '*' read"),
            ("…", "'…'"),
            ("say \"a\".", "say <a> '.'"),
        ] {
            assert_eq!(shown(request), expected, "{request}");
        }
    }

    #[test]
    fn many_open_quotes_are_cut_in_one_pass() {
        assert_eq!(tokens(&" \"a".repeat(50_000)).len(), 50_000);
    }
}
