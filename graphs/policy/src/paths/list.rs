//! What is in a directory. Symlinks are named as such, not followed.
use super::{FileError, VirtualPath, Workspace};
use rustix::fs::{AtFlags, Dir, FileType, Stat, statat};
use std::ffi::CString;

/// More entries are not read: nobody reads them either.
const ENTRIES_MAX: usize = 10_000;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symlink, wherever it leads.
    Symlink,
    /// Something else: what, with its article.
    Other(&'static str),
}

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, with what is not UTF-8 replaced and control characters escaped.
    pub name: String,
    /// What it stands for.
    pub kind: Kind,
    /// Its size in bytes, for a regular file.
    pub bytes: u64,
}

/// What was read of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// By name.
    pub entries: Vec<Entry>,
    /// Whether there are more than were read; then the ones read are any.
    pub is_cut: bool,
}

pub(super) fn kind_of(stat: &Stat) -> Kind {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        FileType::Fifo => Kind::Other("a named pipe"),
        FileType::Socket => Kind::Other("a socket"),
        FileType::CharacterDevice | FileType::BlockDevice => Kind::Other("a device"),
        FileType::Unknown => Kind::Other("of an unknown kind"),
    }
}

impl Workspace {
    /// Returns what is in a directory, sorted by name.
    ///
    /// # Errors
    /// When it is not there, leads out, or is no directory.
    pub fn list(&self, path: &VirtualPath) -> Result<Listing, FileError> {
        let directory = self.directory(path)?;
        let (names, is_cut) = names(&directory, path, ENTRIES_MAX)?;
        let mut entries = Vec::with_capacity(names.len());
        for name in names {
            // What vanished since it was named is not there.
            let Ok(stat) = statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let kind = kind_of(&stat);
            let bytes = if kind == Kind::File { u64::try_from(stat.st_size).unwrap_or(0) } else { 0 };
            entries.push(Entry { name: super::address::shown(&name.to_string_lossy()), kind, bytes });
        }
        Ok(Listing { entries, is_cut })
    }
}

/// The names in a directory, sorted, at most `most` of them, and whether there are more.
pub(super) fn names(
    directory: &rustix::fd::OwnedFd,
    path: &VirtualPath,
    most: usize,
) -> Result<(Vec<CString>, bool), FileError> {
    let failed = |errno| FileError::of(errno, "list", path);
    let mut names = Vec::new();
    for entry in Dir::read_from(directory).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name().to_owned();
        if matches!(name.as_bytes(), b"." | b"..") {
            continue;
        }
        if names.len() == most {
            names.sort();
            return Ok((names, true));
        }
        names.push(name);
    }
    names.sort();
    Ok((names, false))
}
