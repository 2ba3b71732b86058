//! `file_write`: a whole file, or an addition to one, in one step: readers see the old text or the new one.
use super::{broken, size_of, text_of, with_near_names};
use crate::{Context, Failure, Halt, Schema, output, tool};
use policy::paths::Draft;
use policy::{FileError, REDACTED, VirtualPath, Workspace};
use serde_json::{Value, json};
use std::io::{Read, Write};

/// An addition copies the file, so that it happens in one step: more takes too long.
const APPENDED_BYTES_MAX: u64 = 256 << 20;
/// How much is copied between two looks at whether the call is still wanted.
const CHUNK_BYTES: u64 = 8 << 20;
/// In larger files nobody looks for what stands for a secret.
const COMPARED_BYTES_MAX: u64 = 8 << 20;

/// Where the text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Replace,
    Append,
    New,
}

impl Schema for Mode {
    fn schema() -> Value {
        json!({ "type": "string", "enum": ["replace", "append", "new"] })
    }
    fn read(value: &Value) -> Result<Self, String> {
        match value.as_str() {
            Some("replace") => Ok(Mode::Replace),
            Some("append") => Ok(Mode::Append),
            Some("new") => Ok(Mode::New),
            Some(_) | None => Err("\"replace\", \"append\" or \"new\"".to_owned()),
        }
    }
}

/// Writes a text file. Directories that are missing are made. A file that exists is replaced as a whole, unless the
/// mode says to append, or that the file must be new.
#[tool(tier = workspace, recovery = keyed, timeout = 15s)]
pub(crate) async fn file_write(
    context: &Context,
    /// The file: `/shared/…`, `/tmp/…`, or relative to `/shared`.
    path: String,
    /// The text, exactly as it shall stand in the file.
    content: String,
    /// `replace` (the default), `append`: add the text behind what is there, or `new`: fail when anything is there.
    mode: Option<Mode>,
) -> Result<String, Failure> {
    let (key, is_repeated) = (context.key().to_owned(), context.is_repeated());
    let mode = mode.unwrap_or(Mode::Replace);
    let work = move |workspace: &Workspace, halt: &Halt| {
        let path = VirtualPath::parse(&path)?;
        if is_repeated && is_done(workspace, &path, &content, mode, &key)? {
            return Ok(format!("wrote {} to `{path}`", output::size(content.len() as u64)));
        }
        write(workspace, &path, &content, mode, &key, halt)
    };
    context.blocking(work).await
}

/// Whether an earlier attempt at this call did the work: of a whole file its content says so, of an addition its key.
fn is_done(
    workspace: &Workspace,
    path: &VirtualPath,
    content: &str,
    mode: Mode,
    key: &str,
) -> Result<bool, Failure> {
    match mode {
        Mode::Replace | Mode::New => Ok(holds(workspace, path, content.as_bytes())),
        Mode::Append => workspace.wrote(path, key)?.ok_or_else(|| {
            Failure::told(format!(
                "the process stopped while it appended to `{path}`, and it cannot be told whether it did: \
                 look at the end of the file"
            ))
        }),
    }
}

/// Whether a file holds just this. One that cannot be read does not.
fn holds(workspace: &Workspace, path: &VirtualPath, content: &[u8]) -> bool {
    let Ok(file) = workspace.read(path) else { return false };
    let mut held = Vec::new();
    let is_read = size_of(&file) == content.len() as u64
        && file.take(content.len() as u64 + 1).read_to_end(&mut held).is_ok();
    is_read && held == content
}

fn write(
    workspace: &Workspace,
    path: &VirtualPath,
    content: &str,
    mode: Mode,
    key: &str,
    halt: &Halt,
) -> Result<String, Failure> {
    // Looked at first: a draft makes the directories, and what is refused shall leave none behind.
    refuse_stand_in(workspace, path, content)?;
    if mode == Mode::New && workspace.kind_of_link(path).is_ok() {
        return Err(taken(path));
    }
    let mut draft = workspace.draft(path, key).map_err(|error| with_near_names(workspace, path, error))?;
    let before = draft.old().map(|old| size_of(old));
    match mode {
        Mode::Append => {
            draft.sign(key);
            keep_old(&mut draft, path, halt)?;
        }
        Mode::New if before.is_some() => return Err(taken(path)),
        Mode::New | Mode::Replace => {}
    }
    draft.file().write_all(content.as_bytes()).map_err(broken("write", path))?;
    halt.check()?;
    match mode {
        Mode::New => draft.commit_new().map_err(|error| match error {
            FileError::Taken { .. } => taken(path),
            other => other.into(),
        })?,
        Mode::Replace | Mode::Append => draft.commit()?,
    }
    let written = output::size(content.len() as u64);
    Ok(match (before, mode) {
        (None, _) => format!("wrote {written} to `{path}`, a new file"),
        (Some(before), Mode::Replace | Mode::New) => {
            format!("wrote {written} to `{path}`, in place of {}", output::size(before))
        }
        (Some(before), Mode::Append) => {
            format!("appended {written} to `{path}`, behind {}", output::size(before))
        }
    })
}

fn keep_old(draft: &mut Draft, path: &VirtualPath, halt: &Halt) -> Result<(), Failure> {
    let (Some(old), new) = draft.both() else { return Ok(()) };
    let size = size_of(old);
    if size > APPENDED_BYTES_MAX {
        let most = output::size(APPENDED_BYTES_MAX);
        return Err(Failure::told(format!(
            "`{path}` has {}: too much to append to, the most is {most}",
            output::size(size)
        )));
    }
    loop {
        halt.check()?;
        let copied = std::io::copy(&mut old.take(CHUNK_BYTES), new).map_err(broken("copy", path))?;
        if copied == 0 {
            return Ok(());
        }
    }
}

fn taken(path: &VirtualPath) -> Failure {
    Failure::told(format!(
        "not written: `{path}` exists already, and the mode `new` takes the place of nothing"
    ))
}

/// A model that read a scrubbed file and writes it, back or elsewhere, would put the mark in the place of the secret.
/// Only a file that holds the mark as its own text is spared that doubt.
fn refuse_stand_in(workspace: &Workspace, path: &VirtualPath, content: &str) -> Result<(), Failure> {
    if !content.contains(REDACTED) {
        return Ok(());
    }
    let old = workspace.read(path).map_err(Failure::from);
    match old.and_then(|mut old| text_of(&mut old, path, COMPARED_BYTES_MAX)) {
        Ok(old) if old.contains(REDACTED) => Ok(()),
        Ok(_) | Err(_) => Err(Failure::told(format!(
            "not written: {REDACTED} stands for something that was taken out before you saw it, and it would be lost \
             from `{path}`. Write without it; file_edit changes a file around it"
        ))),
    }
}
