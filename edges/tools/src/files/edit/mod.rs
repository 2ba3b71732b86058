//! `file_edit`: a passage of a text file replaced, when it is clear which. It never guesses.
mod probe;

use super::{broken, text_of, with_near_names};
use crate::{Context, Failure, Halt, output, tool};
use policy::{REDACTED, VirtualPath, Workspace};
use std::io::Write;

/// A file that is edited is held in memory.
const EDITED_BYTES_MAX: u64 = 32 << 20;
/// So many places are named.
const PLACES_MAX: usize = 10;
/// So much of a line is quoted.
const QUOTED_BYTES_MAX: usize = 120;

/// Replaces a passage of a text file. The old text must occur exactly once, unless all of its occurrences shall be
/// replaced.
#[tool(tier = workspace, recovery = probeable, probe = probe, timeout = 15s)]
pub(crate) async fn file_edit(
    context: &Context,
    /// The file: `/shared/…`, `/tmp/…`, or relative to `/shared`.
    path: String,
    /// The passage to replace, exactly as it stands in the file, with enough around it to be the only one.
    old_text: String,
    /// What shall stand there instead; may be empty.
    new_text: String,
    /// Whether to replace every occurrence.
    replace_all: Option<bool>,
) -> Result<String, Failure> {
    let edit = Edit::new(old_text, new_text, replace_all)?;
    let key = context.key().to_owned();
    let work = move |workspace: &Workspace, halt: &Halt| {
        let path = VirtualPath::parse(&path)?;
        edit.apply(workspace, &path, &key, halt)
    };
    context.blocking(work).await
}

struct Edit {
    old: String,
    new: String,
    is_for_all: bool,
}

/// What becomes of a file.
struct Edited {
    text: String,
    /// Where it differs.
    lines: Vec<usize>,
}

impl Edit {
    fn new(old: String, new: String, replace_all: Option<bool>) -> Result<Edit, Failure> {
        if old.is_empty() {
            return Err(Failure::told("`old_text` is empty: say which passage to replace"));
        }
        if old == new {
            return Err(nothing_to_do());
        }
        Ok(Edit { old, new, is_for_all: replace_all.unwrap_or(false) })
    }

    fn apply(
        self,
        workspace: &Workspace,
        path: &VirtualPath,
        key: &str,
        halt: &Halt,
    ) -> Result<String, Failure> {
        // Looked at first: a draft would make the directories of a file that is not there.
        super::open(workspace, path)?;
        let mut draft =
            workspace.draft(path, key).map_err(|error| with_near_names(workspace, path, error))?;
        let Some(old) = draft.old() else { return Err(Failure::told(format!("`{path}` does not exist"))) };
        let edited = self.edited(&text_of(old, path, EDITED_BYTES_MAX)?, path)?;
        draft.file().write_all(edited.text.as_bytes()).map_err(broken("write", path))?;
        halt.check()?;
        draft.commit()?;
        Ok(format!("edited `{path}` at {}", named(&edited.lines)))
    }

    /// What the text becomes, which is never the same one.
    fn edited(self, text: &str, path: &VirtualPath) -> Result<Edited, Failure> {
        let edit = self.with_line_ends_of(text);
        if edit.old == edit.new {
            return Err(nothing_to_do());
        }
        let lines = edit.places(text, path)?;
        edit.refuse_stand_in(path)?;
        Ok(Edited { text: text.replace(&edit.old, &edit.new), lines })
    }

    /// Models write `\n` where a file has `\r\n`.
    fn with_line_ends_of(self, text: &str) -> Edit {
        let differs = self.old.contains('\n') && !self.old.contains('\r') && !text.contains(&self.old);
        if !differs || !text.contains("\r\n") {
            return self;
        }
        let windows = |text: &str| text.replace("\r\n", "\n").replace('\n', "\r\n");
        Edit { old: windows(&self.old), new: windows(&self.new), is_for_all: self.is_for_all }
    }

    /// The lines where the passage stands, when they may be replaced.
    fn places(&self, text: &str, path: &VirtualPath) -> Result<Vec<usize>, Failure> {
        let mut lines = Vec::new();
        let (mut line, mut from) = (1, 0);
        for (at, _) in text.match_indices(&self.old) {
            line += text[from..at].matches('\n').count();
            lines.push(line);
            from = at;
        }
        match lines.len() {
            0 => Err(self.not_found(text, path)),
            1 => Ok(lines),
            _ if self.is_for_all => Ok(lines),
            many => Err(Failure::told(format!(
                "`old_text` occurs {many} times in `{path}`, at {}: give more of the text around the one you mean, \
                 or set `replace_all`",
                named(&lines)
            ))),
        }
    }

    fn not_found(&self, text: &str, path: &VirtualPath) -> Failure {
        let what = format!("`old_text` does not occur in `{path}`");
        if self.old.contains(REDACTED) {
            return Failure::told(format!(
                "{what}: {REDACTED} stands for a secret that you are not shown. Choose a passage without it"
            ));
        }
        let first = self.old.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let alike = |line: &&str| !first.is_empty() && line.contains(first);
        match text.lines().enumerate().find(|(_, line)| alike(line)) {
            Some((at, line)) => Failure::told(format!(
                "{what} as it is written; line {} is alike: `{}`. Blanks and line ends count",
                at + 1,
                output::cut(line, QUOTED_BYTES_MAX)
            )),
            None => Failure::told(format!("{what}; file_read shows what does")),
        }
    }

    fn refuse_stand_in(&self, path: &VirtualPath) -> Result<(), Failure> {
        if self.old.contains(REDACTED) || !self.new.contains(REDACTED) {
            return Ok(());
        }
        Err(Failure::told(format!(
            "not edited: {REDACTED} stands for a secret that you are not shown, it is not the text of `{path}`"
        )))
    }
}

fn nothing_to_do() -> Failure {
    Failure::told("`old_text` and `new_text` are the same: there is nothing to do")
}

/// `line 3`, or `lines 3, 5, 9 and 4 more`.
fn named(lines: &[usize]) -> String {
    let mut lines = lines.to_vec();
    lines.dedup();
    let named: Vec<String> = lines.iter().take(PLACES_MAX).map(usize::to_string).collect();
    let noun = if lines.len() == 1 { "line" } else { "lines" };
    let more = lines.len() - named.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{noun} {}{more}", named.join(", "))
}
