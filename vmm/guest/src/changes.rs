//! What a call changed, brought to the host and not yet applied: entries, and bytes in a staging directory. It can be shown,
//! applied, or dropped, which removes the staging directory and nothing else.
use crate::{conversation::GuestError, tree::remove_tree};
use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};
use wire::{Entry, Shown, Tally, TreePath};

/// What a staging directory calls the list of what an apply moved there, and from where.
pub(crate) const LIST: &str = "what-was-where";
/// What the name of everything begins with that an apply moved there.
pub(crate) const MOVED: &str = "old-";

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
    /// Which of the changes it is.
    number: u64,
}

impl Change {
    /// Returns the name of a file's bytes in the staging directory: a number, because a name of the guest's choice is used
    /// once, when it is applied.
    pub(crate) fn staged(&self) -> String {
        self.number.to_string()
    }
}

/// What a call changed.
#[derive(Debug)]
pub struct Changes {
    pub(crate) staging: PathBuf,
    pub(crate) changes: Vec<Change>,
    limits: Limits,
    tally: Tally,
    order: Order,
    /// The file whose bytes come, and how many are still to come.
    current: Option<(fs::File, u64)>,
}

/// What was listed so far, as far as it bounds what may follow: names in their order, parents before what is in them. So no
/// place is named twice, and nothing is in what is no directory.
#[derive(Debug, Default)]
struct Order {
    last: Option<TreePath>,
    /// The directories that the last entry is in.
    open: Vec<TreePath>,
}

impl Order {
    fn take(&mut self, entry: &Entry) -> Result<(), GuestError> {
        let Some(path) = path_of(entry) else { return Ok(()) };
        while self.open.last().is_some_and(|open| !path.as_path().starts_with(open.as_path())) {
            self.open.pop();
        }
        let is_later = self.last.as_ref().is_none_or(|last| last.as_path() < path.as_path());
        let is_listed = path.parent() == self.open.last().map(TreePath::as_path);
        if !(is_later && is_listed) {
            return Err(GuestError::Astray(format!("a list of changes with {path} out of its order")));
        }
        if matches!(entry, Entry::Directory(_)) {
            self.open.push(path.clone());
        }
        self.last = Some(path.clone());
        Ok(())
    }
}

/// Returns which place an entry is about; one that was not carried is about none.
pub(crate) fn path_of(entry: &Entry) -> Option<&TreePath> {
    match entry {
        Entry::Directory(directory) => Some(&directory.path),
        Entry::File(file) => Some(&file.path),
        Entry::Symlink(link) => Some(&link.path),
        Entry::Removed(removed) => Some(&removed.path),
        Entry::Skipped(_) => None,
    }
}

fn host(what: &'static str, place: &Path) -> impl FnOnce(io::Error) -> GuestError {
    let what = format!("{what} {}", place.display());
    move |source| GuestError::Host { what, source }
}

/// Returns whether something of the host's was moved to a staging directory that was left, if it is one.
fn left(staging: &Path) -> Option<bool> {
    if fs::metadata(staging.join(LIST)).is_ok_and(|about| about.len() > 0) {
        return Some(true);
    }
    let names = fs::read_dir(staging).ok()?.map(|found| found.ok()?.file_name().into_string().ok());
    let names: Vec<String> = names.collect::<Option<_>>()?;
    let is_moved = |name: &String| name.starts_with(MOVED);
    let is_staged = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
    let is_ours = names.iter().all(|name| name == LIST || is_moved(name) || is_staged(name));
    is_ours.then(|| names.iter().any(is_moved))
}

fn interrupted(staging: &Path, is_moved: bool) -> String {
    if !is_moved {
        return "a pull or an apply was interrupted, or is under way; nothing of the host's was moved there: if it was \
                interrupted, remove the directory"
            .to_owned();
    }
    let list = staging.join(LIST);
    format!(
        "an apply was interrupted; {} says what it moved there, which is to be put back, and the directory removed",
        list.display()
    )
}

impl Changes {
    pub(crate) fn begin(staging: &Path, limits: Limits) -> Result<Changes, GuestError> {
        // Nobody else's: what is staged gets its own permissions late.
        fs::DirBuilder::new().mode(0o700).create(staging).map_err(|error| {
            let what = match left(staging) {
                Some(is_moved) => format!("use {}: {}", staging.display(), interrupted(staging, is_moved)),
                None => format!("make {}", staging.display()),
            };
            GuestError::Host { what, source: error }
        })?;
        Ok(Changes {
            staging: staging.to_owned(),
            changes: Vec::new(),
            limits,
            tally: Tally { entries: 0, bytes: 0 },
            order: Order::default(),
            current: None,
        })
    }

    pub(crate) fn entry(&mut self, entry: Entry) -> Result<(), GuestError> {
        self.finish_file()?;
        self.order.take(&entry)?;
        self.tally.entries += 1;
        let change = Change { entry, number: self.tally.entries };
        if let Entry::File(file) = &change.entry {
            self.tally.bytes = self.tally.bytes.saturating_add(file.bytes);
            let place = self.staging.join(change.staged());
            let opened = fs::File::options().write(true).create_new(true).open(&place);
            self.current = Some((opened.map_err(host("make", &place))?, file.bytes));
        }
        if self.tally.entries > self.limits.entries {
            return Err(GuestError::TooMuch {
                what: format!("the {} entries that are", self.limits.entries),
            });
        }
        if self.tally.bytes > self.limits.bytes {
            return Err(GuestError::TooMuch { what: format!("the {} bytes that are", self.limits.bytes) });
        }
        self.changes.push(change);
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
                write!(f, "left out  {}: {}", Shown(skipped.place.as_str()), Shown(skipped.what.as_str()))
            }
        }
    }
}
