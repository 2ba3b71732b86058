//! `file_search`: lines that hold a text. Binary files are passed over, and said to be.
use super::{is_binary, with_near_names};
use crate::{Context, Failure, Halt, output, tool};
use policy::paths::{Mount, Walked};
use policy::{VirtualPath, Workspace};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;

/// Nobody reads more; who needs them narrows the search.
const HITS_MAX: usize = 200;
/// So much of a line is shown, around the hit.
const LINE_SHOWN_BYTES_MAX: usize = 240;
/// Of a long line, so much before the hit is shown.
const BEFORE_HIT_BYTES: usize = 60;
/// A longer line is searched in pieces.
const LINE_BYTES_MAX: u64 = 256 << 10;
/// All that is read in one search, so that it ends in time.
const READ_BYTES_MAX: u64 = 512 << 20;

/// Searches text files for a text, letter for letter, and returns each line that holds it as `path:line: text`. At most
/// 200 hits are shown; a last line in brackets says what is left out.
#[tool(tier = read_only, recovery = pure, timeout = 20s)]
pub(crate) async fn file_search(
    context: &Context,
    /// The text to find, within one line.
    query: String,
    /// Where: a directory, which is searched with all below it, or a file. Without it, `/shared`.
    path: Option<String>,
) -> Result<String, Failure> {
    if query.is_empty() || query.contains(['\n', '\r']) {
        return Err(Failure::told("`query` must be some text within one line"));
    }
    let work = move |workspace: &Workspace, halt: &Halt| {
        let path =
            path.map_or_else(|| Ok(VirtualPath::root(Mount::Shared)), |path| VirtualPath::parse(&path))?;
        let mut search = Search {
            query: &query,
            halt,
            text: String::new(),
            hits: 0,
            files: 0,
            binary: 0,
            read: 0,
            cut: None,
        };
        let walked = workspace
            .walk(&path, &mut |path, file| search.file(path, file))
            .map_err(|error| with_near_names(workspace, &path, error))?;
        halt.check()?;
        Ok(search.told(walked))
    };
    context.blocking(work).await
}

struct Search<'a> {
    query: &'a str,
    halt: &'a Halt,
    text: String,
    hits: usize,
    files: usize,
    binary: usize,
    read: u64,
    /// Why it ended early.
    cut: Option<&'static str>,
}

impl Search<'_> {
    fn file(&mut self, path: &VirtualPath, file: File) -> ControlFlow<()> {
        self.files += 1;
        let mut reader = BufReader::with_capacity(64 << 10, file);
        match reader.fill_buf() {
            Ok(beginning) if is_binary(beginning) => {
                self.binary += 1;
                return ControlFlow::Continue(());
            }
            Ok(_) | Err(_) => {}
        }
        let (mut number, mut piece) = (1, Vec::new());
        loop {
            piece.clear();
            let read = reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut piece).unwrap_or(0);
            if read == 0 {
                return ControlFlow::Continue(());
            }
            self.read += read as u64;
            self.line(path, number, &piece)?;
            number += u64::from(piece.ends_with(b"\n"));
        }
    }

    fn line(&mut self, path: &VirtualPath, number: u64, line: &[u8]) -> ControlFlow<()> {
        if !self.halt.proceed() {
            return ControlFlow::Break(());
        }
        if self.read > READ_BYTES_MAX {
            self.cut = Some("stopped after 512 MiB; search below one directory");
            return ControlFlow::Break(());
        }
        let line = String::from_utf8_lossy(line);
        let Some(at) = line.find(self.query) else { return ControlFlow::Continue(()) };
        let hit = format!("{path}:{number}: {}\n", excerpt(&line, at));
        if self.hits == HITS_MAX || self.text.len() + hit.len() > output::SHOWN_BYTES_MAX {
            self.cut = Some("there are more; narrow the query or the path");
            return ControlFlow::Break(());
        }
        self.text.push_str(&hit);
        self.hits += 1;
        ControlFlow::Continue(())
    }

    fn told(self, walked: Walked) -> String {
        let mut notes = Vec::new();
        if self.hits == 0 {
            notes.push(format!("no line holds it; {} files were searched", self.files));
        }
        if self.hits > 0 && self.cut.is_some() {
            notes.push(format!("the first {} hits", self.hits));
        }
        notes.extend(self.cut.map(str::to_owned));
        if self.hits == 0 && self.binary > 0 {
            notes.push(format!("{} of them are binary and were passed over", self.binary));
        }
        if walked.unread > 0 {
            notes.push(format!("{} could not be opened", walked.unread));
        }
        if notes.is_empty() { self.text } else { output::noted(&self.text, &notes.join("; ")) }
    }
}

/// The line on one line, cut around the hit.
fn excerpt(line: &str, at: usize) -> String {
    let line = line.trim_end_matches(['\n', '\r']);
    let clean = |text: &str| text.replace(|c: char| c.is_control() && c != '\t', "\u{fffd}");
    if line.len() <= LINE_SHOWN_BYTES_MAX {
        return clean(line.trim());
    }
    let start = line.floor_char_boundary(at.saturating_sub(BEFORE_HIT_BYTES));
    let shown = output::cut(&line[start..], LINE_SHOWN_BYTES_MAX);
    let (before, after) =
        (if start > 0 { "…" } else { "" }, if start + shown.len() < line.len() { "…" } else { "" });
    format!("{before}{}{after}", clean(shown))
}
