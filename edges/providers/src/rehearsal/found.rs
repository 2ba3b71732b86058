//! Reads what tools answered: names, texts, hits, and the notes that say what was left out. It trusts the outcome that
//! the message states and never guesses one.
use domain::{CallOutcome, ToolCall};
use std::collections::BTreeSet;

/// A result of a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// Which tool was called.
    pub(super) tool: String,
    /// On which file or folder, if the arguments name one.
    pub(super) path: Option<String>,
    /// From which line or name on, if the arguments say so.
    offset: Option<u64>,
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

/// How often a text occurs in what a search hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) count: usize,
    /// Whether every hit shows its whole line.
    pub(super) is_all: bool,
}

/// Where names without a leading slash begin; left out, as a person would.
const HOME: &str = "/shared/";
/// How the tools' own words begin. A file may well end with brackets of its own.
const NOTES: [&str; 10] = [
    "the file is empty",
    "the directory is empty",
    "lines ",
    "line ",
    "names ",
    "no line holds it",
    "the first ",
    "cut: ",
    "what is not UTF-8",
    "go on with ",
];

impl Found {
    /// Reads a call and its result.
    pub(super) fn of(call: &ToolCall, outcome: CallOutcome, text: &str) -> Found {
        let arguments: Option<serde_json::Value> = serde_json::from_str(&call.arguments).ok();
        let argument = |name: &str| arguments.as_ref().and_then(|all| all.get(name));
        Found {
            tool: call.tool.clone(),
            path: argument("path").and_then(|path| path.as_str()).map(str::to_owned),
            offset: argument("offset").and_then(serde_json::Value::as_u64),
            outcome,
            text: text.to_owned(),
        }
    }

    /// What a listing lists, folders with a slash behind them. Behind a tab stands what else is known of a name.
    pub(super) fn entries(&self) -> Vec<&str> {
        let name = |line| str::rsplit_once(line, '\t').map_or(line, |(name, _)| name);
        self.body().lines().map(name).filter(|name| !name.is_empty()).collect()
    }

    /// What a search hit.
    pub(super) fn hits(&self) -> Vec<Hit<'_>> {
        let lines = self.body().lines().map(|line| line.strip_prefix(HOME).unwrap_or(line));
        lines.filter_map(|printed| Some(Hit { path: path_of(printed)?, printed })).collect()
    }

    /// The files a search hit, each once, in order.
    pub(super) fn files_hit(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        self.hits().into_iter().map(|hit| hit.path).filter(|path| seen.insert(*path)).collect()
    }

    /// How often the text that was searched for occurs, which is on each line at least once.
    pub(super) fn occurrences(&self, text: &str) -> Times {
        let mut times = Times { count: 0, is_all: self.lost().is_none() };
        for hit in self.hits() {
            let line = line_of(hit);
            times.count += line.matches(text).count().max(1);
            times.is_all &= !line.starts_with('…') && !line.ends_with('…');
        }
        times
    }

    /// How many lines or names there are in all, when a note says so.
    pub(super) fn total(&self) -> Option<usize> {
        self.of_all()?.parse().ok()
    }

    /// How many results it takes to see everything, when a note says how much there is; too few rather than too many.
    pub(super) fn pages(&self) -> Option<usize> {
        let all = self.of_all()?;
        let all: usize = all.strip_prefix("more than ").unwrap_or(all).parse().ok()?;
        let shown = self.next_offset()?.checked_sub(self.offset.unwrap_or(1))?;
        Some(all.div_ceil(usize::try_from(shown).ok()?.max(1)))
    }

    /// What stands behind the `of` of `lines 1-300 of 900`.
    fn of_all(&self) -> Option<&str> {
        let range = |part: &&str| part.starts_with("lines ") || part.starts_with("names ");
        self.note()?.split("; ").find(range)?.split_once(" of ").map(|(_, all)| all)
    }

    /// What was found, without the tool's own words.
    pub(super) fn body(&self) -> &str {
        &self.text[..self.text.len() - self.bracketed().map_or(0, str::len)]
    }

    /// The tool's own words.
    pub(super) fn note(&self) -> Option<&str> {
        self.bracketed().map(|line| &line[1..line.len() - 1])
    }

    /// In brackets, on the last line, with no line break behind them.
    fn bracketed(&self) -> Option<&str> {
        let last = self.text.rsplit('\n').next()?;
        let inside = last.strip_prefix('[')?.strip_suffix(']')?;
        let is_note = NOTES.iter().any(|start| inside.starts_with(start)) && !self.is_own(inside, last);
        is_note.then_some(last)
    }

    /// Whether the file itself ends with these words: a file that is read from its start is whole when no note says what
    /// is missing, and then there is no note.
    fn is_own(&self, inside: &str, last: &str) -> bool {
        let says_why =
            ["go on with ", "is cut", "what is not UTF-8", "cut: "].iter().any(|why| inside.contains(why));
        self.tool == "file_read" && self.offset.is_none() && !says_why && self.text != last
    }

    /// Where the next page starts, when the result says that there is one.
    pub(super) fn next_offset(&self) -> Option<u64> {
        self.note()?.split("; ").find_map(|part| part.strip_prefix("go on with offset = ")?.parse().ok())
    }

    /// What is missing and no further call would bring.
    pub(super) fn lost(&self) -> Option<&str> {
        let is_loss = |part: &&str| {
            part.contains("is cut")
                || part.starts_with("cut: ")
                || part.starts_with("what is not UTF-8")
                || part.starts_with("the first ")
        };
        self.note()?.split("; ").find(is_loss)
    }

    /// Whether this is the page behind another.
    pub(super) fn follows(&self, page: &Found) -> bool {
        self.tool == page.tool
            && self.path == page.path
            && self.offset.is_some()
            && self.offset == page.next_offset()
    }
}

/// The text of `path:line: text`.
fn line_of(hit: Hit<'_>) -> &str {
    hit.printed[hit.path.len() + 1..].split_once(": ").map_or("", |(_, line)| line)
}

/// The path of `path:line: text`; a path may hold colons itself.
fn path_of(printed: &str) -> Option<&str> {
    printed.match_indices(':').map(|(at, _)| at).find_map(|at| {
        let behind = &printed[at + 1..];
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        (at > 0 && digits > 0 && behind[digits..].starts_with(':')).then_some(&printed[..at])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(tool: &str, text: &str) -> Found {
        let call = ToolCall { id: String::new(), tool: tool.into(), arguments: "{\"path\":\"docs\"}".into() };
        Found::of(&call, CallOutcome::Done, text)
    }

    #[test]
    fn listings() {
        let listing = found("file_list", "a b.txt\t12 bytes\ndocs/\n[x]\ta symlink\n");
        assert_eq!((listing.entries(), listing.note()), (vec!["a b.txt", "docs/", "[x]"], None));
        let empty = found("file_list", "[the directory is empty]");
        assert_eq!((empty.entries(), empty.next_offset()), (vec![], None));
        let page = found("file_list", "a\t1 bytes\n[names 1-1 of 9; go on with offset = 2]");
        assert_eq!((page.entries(), page.next_offset(), page.lost()), (vec!["a"], Some(2), None));
    }

    #[test]
    fn files_that_look_like_notes_are_files() {
        let own = found("file_read", "a = 1\n[section]");
        assert_eq!((own.body(), own.note()), ("a = 1\n[section]", None));
        let listed = found("file_read", "see\n[lines 1-2 of 3]");
        assert_eq!((listed.body(), listed.note()), ("see\n[lines 1-2 of 3]", None));
        assert_eq!(found("file_read", "[the file is empty]").body(), "");
        let cut = found(
            "file_read",
            "xx\n[line 1 is longer than 16 KiB and is cut; lines 1-1 of 2; go on with offset = 2]",
        );
        assert_eq!((cut.body(), cut.lost()), ("xx\n", Some("line 1 is longer than 16 KiB and is cut")));
    }

    #[test]
    fn how_much_there_is() {
        let page = found("file_read", "a\nb\n[lines 1-2 of 900; go on with offset = 3]");
        assert_eq!((page.total(), page.pages()), (Some(900), Some(450)));
        let huge = found("file_read", "a\nb\n[lines 1-2 of more than 900; go on with offset = 3]");
        assert_eq!((huge.total(), huge.pages()), (None, Some(450)));
        let whole = found("file_read", "a\nb\n");
        assert_eq!((whole.total(), whole.pages()), (None, None));
    }

    #[test]
    fn occurrences() {
        let hits = found("file_search", "/shared/a:1: x and x\n/shared/b:20: x: y\n");
        assert_eq!(hits.occurrences("x"), Times { count: 3, is_all: true });
        let cut = found("file_search", "/shared/a:1: …x and x…\n");
        assert_eq!(cut.occurrences("x"), Times { count: 2, is_all: false });
    }

    #[test]
    fn hits() {
        let hits = found("file_search", "/shared/a:b.txt:3: x:4: y\n/shared/a:b.txt:9: x\n/tmp/c:1: x\n");
        assert_eq!(hits.files_hit(), ["a:b.txt", "/tmp/c"]);
        assert_eq!(hits.hits()[0].printed, "a:b.txt:3: x:4: y");
        assert_eq!(found("file_search", "[no line holds it; 3 files were searched]").hits(), []);
    }
}
