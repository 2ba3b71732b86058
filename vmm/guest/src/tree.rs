//! A directory of the host as it was sent to a guest, and what changed in it since: by length, time, permissions and kind,
//! as every synchroniser does. What was told to stay, such as a vault, is not even looked into, and is remembered.
use crate::root::{Found, Root};
use rustix::fs::Mode;
use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    io,
    os::unix::{
        ffi::OsStringExt,
        fs::{MetadataExt, PermissionsExt},
    },
    path::Path,
};
use wire::{Chunk, Directory, Entry, File, Removed, Symlink, TreePath};

/// What a tree looked like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    entries: BTreeMap<TreePath, Mark>,
    /// What was left out, with everything beneath it, whether it was there or not.
    stays: Vec<TreePath>,
}

/// What tells one version of an entry from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    entry: Entry,
    /// Changes with everything that a program can do to a file, even if it sets the time back.
    changed: (i64, i64),
    number: u64,
}

/// What to send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    entries: Vec<Entry>,
}

impl Delta {
    /// Returns the entries, removals first and parents before what is in them.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Says whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Tree {
    /// Reads a directory. `stays` are left out, with everything beneath them: no guest is sent them, and no guest's changes
    /// are applied there.
    pub fn read(root: &Path, stays: &[TreePath]) -> io::Result<Tree> {
        let mut entries = BTreeMap::new();
        let mut open = vec![root.to_owned()];
        while let Some(directory) = open.pop() {
            for found in fs::read_dir(&directory).map_err(named(&directory))? {
                let place = found.map_err(named(&directory))?.path();
                let relative = place.strip_prefix(root).expect("it was found beneath it");
                let Ok(path) = TreePath::from_path(relative) else { continue };
                if stays.contains(&path) {
                    continue;
                }
                let about = fs::symlink_metadata(&place).map_err(named(&place))?;
                let target = || Ok(fs::read_link(&place)?.into_os_string().into_vec());
                let Some(mark) = Mark::new(&path, &about, target).map_err(named(&place))? else { continue };
                if mark.is_directory() {
                    open.push(place);
                }
                entries.insert(path, mark);
            }
        }
        Ok(Tree { entries, stays: stays.to_vec() })
    }

    /// Returns what has to be sent so that a guest that has `self` gets `new`.
    pub fn delta(&self, new: &Tree) -> Delta {
        let gone = self.entries.keys().filter(|path| !new.entries.contains_key(*path));
        let mut entries: Vec<Entry> = Vec::new();
        for path in gone {
            // What is beneath something that goes, goes with it; names sort behind their directory.
            let parent_goes = entries.iter().any(|entry| {
                matches!(entry, Entry::Removed(removed) if path.as_path().starts_with(removed.path.as_path()))
            });
            if !parent_goes {
                entries.push(Entry::Removed(Removed { path: path.clone() }));
            }
        }
        let is_changed = |path: &TreePath, mark: &Mark| match (self.entries.get(path), &mark.entry) {
            // A directory's own time changes with its names; only its permissions are sent.
            (Some(old), Entry::Directory(_)) => old.entry != mark.entry,
            (old, _) => old != Some(mark),
        };
        let changed = new.entries.iter().filter(|(path, mark)| is_changed(path, mark));
        entries.extend(changed.map(|(_, mark)| mark.entry.clone()));
        Delta { entries }
    }

    /// Returns how many entries it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Says whether it has none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns what was sent from a place, if anything was.
    pub(crate) fn sent(&self, path: &TreePath) -> Option<&Mark> {
        self.entries.get(path)
    }

    /// Says whether a place was left out, or is in something that was.
    pub(crate) fn stays(&self, path: &TreePath) -> bool {
        self.stays.iter().any(|stays| path.as_path().starts_with(stays.as_path()))
    }

    /// Notes what is in a place now, because both sides have it.
    pub(crate) fn note(&mut self, path: &TreePath, root: &Root, replaces: bool) -> io::Result<()> {
        let now = root.look(path)?;
        let is_directory = matches!(&now, Found::Sendable(mark) if mark.is_directory());
        if replaces || !is_directory {
            self.entries.retain(|old, _| !old.as_path().starts_with(path.as_path()));
        }
        if let Found::Sendable(now) = now {
            self.entries.insert(path.clone(), now);
        }
        Ok(())
    }

    /// Notes what was moved away and back, and is still what was sent: the move changed its time.
    pub(crate) fn moved_back(&mut self, paths: &[TreePath], root: &Root) {
        for path in paths {
            // A place that cannot be looked at counts as changed.
            let Ok(Found::Sendable(now)) = root.look(path) else { continue };
            if let Some(sent) = self.entries.get_mut(path).filter(|sent| sent.is_still(&now)) {
                sent.changed = now.changed;
            }
        }
    }
}

/// Says which place could not be read.
fn named(place: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", place.display()))
}

impl Mark {
    /// Makes the mark of an entry, if it can be sent; `target` is where it points, asked for if it is a link.
    pub(crate) fn new(
        path: &TreePath,
        about: &Metadata,
        target: impl FnOnce() -> io::Result<Vec<u8>>,
    ) -> io::Result<Option<Mark>> {
        let mode = mode(about);
        let entry = if about.is_dir() {
            Entry::Directory(Directory { path: path.clone(), mode, replaces: false })
        } else if about.is_file() {
            let modified = i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
            let modified = u64::try_from(modified).unwrap_or(0);
            Entry::File(File { path: path.clone(), mode, bytes: about.len(), modified })
        } else if about.is_symlink() {
            let Ok(target) = Chunk::new(target()?) else { return Ok(None) };
            Entry::Symlink(Symlink { path: path.clone(), target })
        } else {
            // Sockets, pipes and devices of this machine mean nothing in another.
            return Ok(None);
        };
        Ok(Some(Mark { entry, changed: (about.ctime(), about.ctime_nsec()), number: about.ino() }))
    }

    pub(crate) fn is_directory(&self) -> bool {
        matches!(self.entry, Entry::Directory(_))
    }

    /// Returns the permissions, if it is a directory.
    pub(crate) fn directory_mode(&self) -> Option<u16> {
        if let Entry::Directory(directory) = &self.entry { Some(directory.mode) } else { None }
    }

    /// Returns the number of the file, which no other file of its file system has.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Says whether it is the same thing, wherever it was moved: what a move changes is not looked at, nor are the
    /// permissions of a directory.
    pub(crate) fn is_still(&self, other: &Mark) -> bool {
        let is_alike = self.entry == other.entry || self.is_directory() && other.is_directory();
        is_alike && self.number == other.number
    }

    /// Says whether nobody changed what it tells of. A directory's own time changes with its names, which are told of by
    /// themselves.
    pub(crate) fn is_unchanged(&self, now: &Mark) -> bool {
        let is_time_told = self.is_directory() || self.changed == now.changed;
        is_time_told && self.entry == now.entry && self.number == now.number
    }
}

/// Only permissions: who may become another user by a file is never carried.
fn mode(about: &Metadata) -> u16 {
    let all = (Mode::RWXU | Mode::RWXG | Mode::RWXO).bits();
    u16::try_from(about.permissions().mode() & all).expect("nine bits")
}

/// Removes a directory that is in the way of nobody, and everything in it, read-only directories too.
pub(crate) fn remove_tree(place: &Path) -> io::Result<()> {
    let removed = fs::remove_dir_all(place).or_else(|error| {
        if error.kind() != io::ErrorKind::PermissionDenied {
            return Err(error);
        }
        unlock(place)?;
        fs::remove_dir_all(place)
    });
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Lets the owner change the names in a directory and in all within.
fn unlock(place: &Path) -> io::Result<()> {
    const OWNERS: u32 = 0o700;
    let mut open = vec![place.to_owned()];
    while let Some(directory) = open.pop() {
        let mode = fs::symlink_metadata(&directory)?.permissions().mode();
        if mode & OWNERS != OWNERS {
            fs::set_permissions(&directory, fs::Permissions::from_mode(mode | OWNERS))?;
        }
        for found in fs::read_dir(&directory)? {
            let found = found?;
            open.extend(found.file_type()?.is_dir().then(|| found.path()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use std::os::unix::fs::symlink;

    fn check(change: impl FnOnce(&Path), expected: Expect) {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("d/e")).unwrap();
        fs::create_dir_all(at("vault")).unwrap();
        fs::write(at("vault/key"), "secret").unwrap();
        fs::write(at("d/e/f"), "one").unwrap();
        fs::write(at("g"), "two").unwrap();
        symlink("g", at("l")).unwrap();
        let vault = TreePath::new("vault").unwrap();
        let before = Tree::read(root.path(), std::slice::from_ref(&vault)).unwrap();
        assert_eq!(before.len(), 5);
        change(root.path());
        let after = Tree::read(root.path(), std::slice::from_ref(&vault)).unwrap();
        let told: Vec<_> = before.delta(&after).entries().iter().map(word).collect();
        expected.assert_eq(&told.join(", "));
    }

    fn word(entry: &Entry) -> String {
        match entry {
            Entry::Directory(d) => format!("dir {} {:o}", d.path, d.mode),
            Entry::File(f) => format!("file {} {:o} {}", f.path, f.mode, f.bytes),
            Entry::Symlink(l) => format!("link {}", l.path),
            Entry::Removed(r) => format!("gone {}", r.path),
            Entry::Skipped(s) => format!("skipped {}", s.place.as_str()),
        }
    }

    #[test]
    fn only_what_changed_is_sent() {
        check(|_| (), expect![""]);
        check(|root| fs::write(root.join("g"), "2wo").unwrap(), expect!["file g 644 3"]);
        check(|root| fs::remove_dir_all(root.join("d")).unwrap(), expect!["gone d"]);
        check(|root| fs::write(root.join("d/new"), "").unwrap(), expect!["file d/new 644 0"]);
        check(|root| fs::write(root.join("vault/more"), "").unwrap(), expect![""]);
        check(
            |root| fs::set_permissions(root.join("d"), fs::Permissions::from_mode(0o700)).unwrap(),
            expect!["dir d 700"],
        );
        check(
            |root| {
                fs::remove_file(root.join("g")).unwrap();
                fs::create_dir(root.join("g")).unwrap();
                fs::write(root.join("g/in"), "").unwrap();
            },
            expect!["dir g 755, file g/in 644 0"],
        );
    }

    #[test]
    fn a_change_that_keeps_length_and_time_is_seen() {
        check(
            |root| {
                let file = root.join("g");
                let time = fs::metadata(&file).unwrap().modified().unwrap();
                fs::write(&file, "TWO").unwrap();
                fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
            },
            expect!["file g 644 3"],
        );
    }

    #[test]
    fn a_tree_that_is_not_there_is_an_error() {
        assert_eq!(
            Tree::read(Path::new("/nowhere/at/all"), &[]).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
