//! What a call changed, brought to the host and not yet applied: entries, and bytes in a staging directory. It can be shown,
//! applied, or dropped, which removes the staging directory and nothing else.
use crate::{conversation::GuestError, tree::remove_tree};
use std::{
    fmt, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};
use wire::{Entry, Tally};

/// How much a guest may bring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries; a call that changes more is a mistake or an attack.
    pub entries: u64,
    /// Bytes of all files together.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { entries: 100_000, bytes: 1 << 30 }
    }
}

/// One change, as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What is in the place now, or that nothing is.
    pub entry: Entry,
    /// Where a file's bytes are, beneath the staging directory.
    pub(crate) staged: Option<PathBuf>,
}

/// What a call changed.
#[derive(Debug)]
pub struct Changes {
    pub(crate) staging: PathBuf,
    pub(crate) changes: Vec<Change>,
    limits: Limits,
    tally: Tally,
    /// The file whose bytes come, and how many are still to come.
    current: Option<(fs::File, u64)>,
}

fn host(what: &'static str, place: &Path) -> impl FnOnce(io::Error) -> GuestError {
    let what = format!("{what} {}", place.display());
    move |source| GuestError::Host { what, source }
}

impl Changes {
    pub(crate) fn begin(staging: &Path, limits: Limits) -> Result<Changes, GuestError> {
        fs::create_dir(staging).map_err(host("make", staging))?;
        let tally = Tally { entries: 0, bytes: 0 };
        Ok(Changes { staging: staging.to_owned(), changes: Vec::new(), limits, tally, current: None })
    }

    pub(crate) fn entry(&mut self, entry: Entry) -> Result<(), GuestError> {
        self.finish_file()?;
        self.tally.entries += 1;
        let mut staged = None;
        if let Entry::File(file) = &entry {
            self.tally.bytes = self.tally.bytes.saturating_add(file.bytes);
            // Numbered, not named: a name of the guest's choice is used once, when it is applied.
            let place = self.staging.join(self.tally.entries.to_string());
            let opened = fs::File::options().write(true).create_new(true).open(&place);
            self.current = Some((opened.map_err(host("make", &place))?, file.bytes));
            staged = Some(place);
        }
        if self.tally.entries > self.limits.entries {
            return Err(GuestError::TooMuch {
                what: format!("the {} entries that are", self.limits.entries),
            });
        }
        if self.tally.bytes > self.limits.bytes {
            return Err(GuestError::TooMuch { what: format!("the {} bytes that are", self.limits.bytes) });
        }
        self.changes.push(Change { entry, staged });
        Ok(())
    }

    pub(crate) fn data(&mut self, bytes: &[u8]) -> Result<(), GuestError> {
        let (file, left) =
            self.current.as_mut().ok_or_else(|| GuestError::Astray("bytes of no file".to_owned()))?;
        *left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| GuestError::Astray("more bytes than a file has".to_owned()))?;
        file.write_all(bytes).map_err(host("write into", &self.staging))
    }

    fn finish_file(&mut self) -> Result<(), GuestError> {
        match self.current.take() {
            Some((_, left)) if left > 0 => Err(GuestError::Astray(format!("a file that lacks {left} bytes"))),
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) fn end(mut self, said: &Tally) -> Result<Changes, GuestError> {
        self.finish_file()?;
        if self.tally == *said {
            return Ok(self);
        }
        Err(GuestError::Astray(format!("{said:?} for {:?}", self.tally)))
    }

    /// Returns what changed, in the guest's order.
    pub fn list(&self) -> &[Change] {
        &self.changes
    }

    /// Returns what could not be carried and why, which an apply leaves out.
    pub fn skipped(&self) -> impl Iterator<Item = (&str, &str)> {
        self.changes.iter().filter_map(|change| match &change.entry {
            Entry::Skipped(skipped) => Some((skipped.place.as_str(), skipped.what.as_str())),
            Entry::Directory(_) | Entry::File(_) | Entry::Symlink(_) | Entry::Removed(_) => None,
        })
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        // What is left of a staging directory is of no use; whoever swept it first was right.
        let _left = remove_tree(&self.staging);
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            Entry::Directory(directory) if directory.replaces => {
                write!(f, "replaced  {}/ {:o}", directory.path, directory.mode)
            }
            Entry::Directory(directory) => write!(f, "directory {}/ {:o}", directory.path, directory.mode),
            Entry::File(file) => write!(f, "file      {} {:o}, {} bytes", file.path, file.mode, file.bytes),
            Entry::Symlink(link) => {
                write!(f, "link      {} to {}", link.path, link.target.as_bytes().escape_ascii())
            }
            Entry::Removed(removed) => write!(f, "removed   {}", removed.path),
            Entry::Skipped(skipped) => {
                write!(f, "left out  {}: {}", skipped.place.as_str(), skipped.what.as_str())
            }
        }
    }
}
