//! `file_read`: lines of a text file, streamed. It never holds more of a file than it shows.
use super::{broken, is_binary, open, size_of};
use crate::{Context, Failure, Halt, output, tool};
use policy::{VirtualPath, Workspace};
use std::io::{BufRead, BufReader};

/// How much is read at a time.
const CHUNK_BYTES: usize = 64 << 10;
/// So far behind what is shown lines are still counted; beyond, "more than" has to do.
const COUNTED_BYTES_MAX: u64 = 4 << 20;
/// So much is passed over on the way to the first line; more takes longer than a call may.
const PASSED_BYTES_MAX: u64 = 512 << 20;

/// Reads a text file, or some lines of it. Returns the text as it is; when not all of the file is shown, a last line in
/// brackets says which lines are, and how to go on. At most 16 KiB are shown at a time.
#[tool(tier = read_only, recovery = pure, timeout = 10s)]
pub(crate) async fn file_read(
    context: &Context,
    /// The file: `/shared/…`, `/tmp/…`, or relative to `/shared`.
    path: String,
    /// The first line to show, counted from 1.
    offset: Option<u64>,
    /// How many lines to show.
    limit: Option<u64>,
) -> Result<String, Failure> {
    if limit == Some(0) {
        return Err(Failure::told("`limit` must be at least 1"));
    }
    let first = offset.unwrap_or(1).max(1);
    let last = limit.map_or(u64::MAX, |limit| first.saturating_add(limit - 1));
    let work = move |workspace: &Workspace, halt: &Halt| {
        let path = VirtualPath::parse(&path)?;
        read(workspace, &path, Excerpt::new(first, last), halt)
    };
    context.blocking(work).await
}

fn read(
    workspace: &Workspace,
    path: &VirtualPath,
    mut excerpt: Excerpt,
    halt: &Halt,
) -> Result<String, Failure> {
    let file = open(workspace, path)?;
    let size = size_of(&file);
    let mut reader = BufReader::with_capacity(CHUNK_BYTES, file);
    if is_binary(reader.fill_buf().map_err(broken("read", path))?) {
        return Err(Failure::told(format!("`{path}` is binary, {}: it is not shown", output::size(size))));
    }
    while !excerpt.has_enough() {
        halt.check()?;
        if excerpt.passed > PASSED_BYTES_MAX {
            return Err(excerpt.too_far(path, size));
        }
        let chunk = reader.fill_buf().map_err(broken("read", path))?;
        if chunk.is_empty() {
            excerpt.end();
            break;
        }
        let taken = excerpt.take(chunk);
        reader.consume(taken);
    }
    excerpt.told(path)
}

/// Some lines, being cut out of a stream of bytes.
struct Excerpt {
    first: u64,
    last: u64,
    /// The line that comes next, counted from 1, and whether some of it was seen.
    line: u64,
    in_line: bool,
    shown: Vec<u8>,
    /// The last line in `shown`; zero before the first.
    shown_to: u64,
    /// Where the line that is being shown begins in `shown`.
    line_start: usize,
    is_full: bool,
    /// A single line that did not fit.
    is_line_cut: bool,
    /// How many bytes stand before the first line, as far as they were seen.
    passed: u64,
    /// How many stand behind what is shown.
    counted: u64,
    is_whole: bool,
}

impl Excerpt {
    fn new(first: u64, last: u64) -> Excerpt {
        Excerpt {
            first,
            last,
            line: 1,
            in_line: false,
            shown: Vec::new(),
            shown_to: 0,
            line_start: 0,
            is_full: false,
            is_line_cut: false,
            passed: 0,
            counted: 0,
            is_whole: false,
        }
    }

    /// Takes a part of a chunk, up to the end of a line, and returns its length.
    fn take(&mut self, chunk: &[u8]) -> usize {
        let mut rest = chunk;
        let taken = rest.skip_until(b'\n').expect("a slice is read without errors");
        let part = &chunk[..taken];
        let wanted = (self.first..=self.last).contains(&self.line);
        if wanted && !self.is_full {
            self.show(part);
        } else if self.line < self.first {
            self.passed += taken as u64;
        } else if self.line > self.first {
            self.counted += taken as u64;
        }
        self.in_line = !part.ends_with(b"\n");
        if !self.in_line {
            self.line += 1;
            self.line_start = self.shown.len();
        }
        taken
    }

    fn show(&mut self, part: &[u8]) {
        let room = output::SHOWN_BYTES_MAX - self.shown.len();
        if part.len() <= room {
            self.shown.extend_from_slice(part);
            self.shown_to = self.line;
            return;
        }
        self.is_full = true;
        if self.line_start == 0 {
            self.shown.extend_from_slice(&part[..room]);
            (self.shown_to, self.is_line_cut) = (self.line, true);
        } else {
            self.shown.truncate(self.line_start);
            self.shown_to = self.line - 1;
        }
    }

    fn has_enough(&self) -> bool {
        self.counted > COUNTED_BYTES_MAX
    }

    fn end(&mut self) {
        self.is_whole = true;
        if self.in_line {
            self.line += 1;
        }
    }

    fn too_far(&self, path: &VirtualPath, size: u64) -> Failure {
        let (size, passed) = (output::size(size), output::size(PASSED_BYTES_MAX));
        Failure::told(format!(
            "`{path}` is too large for this line range: it has {size}, and line {} is not among the first {passed}. \
             file_search finds a text in it",
            self.first
        ))
    }

    fn told(mut self, path: &VirtualPath) -> Result<String, Failure> {
        let lines = self.line - 1;
        let total = if self.is_whole { lines.to_string() } else { format!("more than {lines}") };
        if self.shown_to == 0 {
            return match lines {
                0 => Ok("[the file is empty]".to_owned()),
                _ => Err(Failure::told(format!("`{path}` has only {total} lines"))),
            };
        }
        // A character that was cut in two is left out.
        if let Err(error) = std::str::from_utf8(&self.shown)
            && error.error_len().is_none()
        {
            self.shown.truncate(error.valid_up_to());
        }
        let text = String::from_utf8_lossy(&self.shown);
        let rest = self.shown_to < lines || !self.is_whole;
        let next = self.shown_to + 1;
        let mut notes = Vec::new();
        if self.is_line_cut {
            notes.push(format!("line {} is longer than 16 KiB and is cut", self.shown_to));
        }
        if rest || self.first > 1 {
            notes.push(format!("lines {}-{} of {total}", self.first, self.shown_to));
        }
        if rest {
            notes.push(format!("go on with offset = {next}"));
        }
        if matches!(text, std::borrow::Cow::Owned(_)) {
            notes.push("what is not UTF-8 is shown as \u{fffd}".to_owned());
        }
        if notes.is_empty() { Ok(text.into_owned()) } else { Ok(output::noted(&text, &notes.join("; "))) }
    }
}
