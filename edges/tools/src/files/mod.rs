//! The file tools. Each reads its path once, works beneath the workspace's root, and says what it left out.
mod delete;
mod doubt;
mod edit;
mod list;
mod read;
mod search;
mod write;

pub(crate) use delete::FileDelete;
pub(crate) use edit::FileEdit;
pub(crate) use list::FileList;
pub(crate) use read::FileRead;
pub(crate) use search::FileSearch;
pub(crate) use write::FileWrite;

use crate::Failure;
use policy::paths::Kind;
use policy::{FileError, VirtualPath, Workspace, nearest};
use std::{fs::File, io::Read};

/// So much of a file's beginning says whether it is text.
const SNIFFED_BYTES: usize = 8 << 10;

/// Opens a file, or says which names are near.
fn open(workspace: &Workspace, path: &VirtualPath) -> Result<File, Failure> {
    workspace.read(path).map_err(|error| with_near_names(workspace, path, error))
}

/// Adds to "does not exist" what does.
fn with_near_names(workspace: &Workspace, path: &VirtualPath, error: FileError) -> Failure {
    let (FileError::Missing { .. }, Some((parent, name))) = (&error, path.split()) else {
        return error.into();
    };
    if matches!(workspace.kind_of_link(path), Ok(Kind::Symlink)) {
        return Failure::told(format!("`{path}` is a link that leads nowhere"));
    }
    let Ok(listing) = workspace.list(&parent) else {
        return Failure::told(format!("{error}: there is no directory `{parent}`"));
    };
    let names = listing.entries.iter().map(|entry| entry.name.as_str()).filter(|near| *near != name);
    match nearest(name, names) {
        Some(near) => Failure::told(format!("{error}; did you mean `{parent}/{near}`?")),
        None => Failure::told(format!("{error}; `file_list` shows what is in `{parent}`")),
    }
}

/// Text has no zero byte in its beginning.
fn is_binary(beginning: &[u8]) -> bool {
    beginning[..beginning.len().min(SNIFFED_BYTES)].contains(&0)
}

fn broken(what: &str, path: &VirtualPath) -> impl FnOnce(std::io::Error) -> Failure {
    let what = format!("cannot {what} `{path}`");
    move |error| Failure::told(format!("{what}: {error}"))
}

fn size_of(file: &File) -> u64 {
    file.metadata().map_or(0, |meta| meta.len())
}

/// Reads a whole file of text, up to `bytes_max`.
fn text_of(file: &mut File, path: &VirtualPath, bytes_max: u64) -> Result<String, Failure> {
    let size = size_of(file);
    if size > bytes_max {
        let most = crate::output::size(bytes_max);
        return Err(Failure::told(format!("`{path}` has {}: more than {most}", crate::output::size(size))));
    }
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes).map_err(broken("read", path))?;
    if is_binary(&bytes) {
        return Err(Failure::told(format!("`{path}` is binary, not text")));
    }
    String::from_utf8(bytes).map_err(|_| Failure::told(format!("`{path}` is not UTF-8 text")))
}

#[cfg(test)]
mod tests;
