//! A directory of the host as it was sent to a guest, and what changed in it since: by length, time, permissions and kind,
//! as every synchroniser does. Names that were told to stay, such as a vault, are not even looked into.
use rustix::fs::Mode;
use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};
use wire::{Chunk, Directory, Entry, File, Removed, Symlink, TreePath};

/// What a tree looked like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    entries: BTreeMap<TreePath, Mark>,
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
    /// Reads a directory. `stays` are names in it that are left out, with everything beneath them.
    pub fn read(root: &Path, stays: &[&str]) -> io::Result<Tree> {
        let mut entries = BTreeMap::new();
        let mut open = vec![root.to_owned()];
        while let Some(directory) = open.pop() {
            for found in fs::read_dir(&directory)? {
                let place = found?.path();
                let relative = place.strip_prefix(root).expect("it was found beneath it");
                if stays.iter().any(|name| relative == Path::new(name)) {
                    continue;
                }
                let Some((path, mark)) = mark(&place, relative)? else { continue };
                if mark.is_directory() {
                    open.push(place);
                }
                entries.insert(path, mark);
            }
        }
        Ok(Tree { entries })
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

    /// Says whether what is in a place, with everything beneath it, is what was sent from there.
    pub(crate) fn is_same(&self, path: &TreePath, root: &Path) -> io::Result<bool> {
        let mut open = vec![path.clone()];
        while let Some(path) = open.pop() {
            let place = root.join(path.as_path());
            let now = look(&place, path.as_path())?;
            let is_directory = now.as_ref().is_some_and(Mark::is_directory);
            let is_same = match (self.entries.get(&path), &now) {
                (Some(old), Some(now)) if is_directory => old.entry == now.entry,
                (old, now) => old == now.as_ref(),
            };
            if !is_same {
                return Ok(false);
            }
            if is_directory {
                for found in fs::read_dir(&place)? {
                    let inner = found?.path();
                    let relative = inner.strip_prefix(root).expect("it was found beneath it");
                    open.extend(TreePath::from_path(relative).ok());
                }
            }
        }
        Ok(true)
    }

    /// Notes what is in a place now, because both sides have it.
    pub(crate) fn note(&mut self, path: &TreePath, root: &Path, replaces: bool) -> io::Result<()> {
        let now = look(&root.join(path.as_path()), path.as_path())?;
        if replaces || !now.as_ref().is_some_and(Mark::is_directory) {
            self.entries.retain(|old, _| !old.as_path().starts_with(path.as_path()));
        }
        if let Some(now) = now {
            self.entries.insert(path.clone(), now);
        }
        Ok(())
    }
}

impl Mark {
    fn is_directory(&self) -> bool {
        matches!(self.entry, Entry::Directory(_))
    }
}

/// Looks at a place where nothing may be.
fn look(place: &Path, relative: &Path) -> io::Result<Option<Mark>> {
    match mark(place, relative) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        other => Ok(other?.map(|(_, mark)| mark)),
    }
}

fn mark(place: &Path, relative: &Path) -> io::Result<Option<(TreePath, Mark)>> {
    let about = fs::symlink_metadata(place)?;
    let Ok(path) = TreePath::from_path(relative) else { return Ok(None) };
    let mode = mode(&about);
    let entry = if about.is_dir() {
        Entry::Directory(Directory { path: path.clone(), mode, replaces: false })
    } else if about.is_file() {
        let modified = i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
        let modified = u64::try_from(modified).unwrap_or(0);
        Entry::File(File { path: path.clone(), mode, bytes: about.len(), modified })
    } else if about.is_symlink() {
        let target = fs::read_link(place)?;
        let Ok(target) = Chunk::new(target.as_os_str().as_bytes()) else { return Ok(None) };
        Entry::Symlink(Symlink { path: path.clone(), target })
    } else {
        // Sockets, pipes and devices of this machine mean nothing in another.
        return Ok(None);
    };
    let changed = (about.ctime(), about.ctime_nsec());
    Ok(Some((path, Mark { entry, changed, number: about.ino() })))
}

/// Only permissions: who may become another user by a file is never carried.
fn mode(about: &Metadata) -> u16 {
    let all = (Mode::RWXU | Mode::RWXG | Mode::RWXO).bits();
    u16::try_from(about.permissions().mode() & all).expect("nine bits")
}

/// Removes a directory that is in the way of nobody, and everything in it.
pub(crate) fn remove_tree(place: &PathBuf) -> io::Result<()> {
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
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
        let before = Tree::read(root.path(), &["vault"]).unwrap();
        assert_eq!(before.len(), 5);
        change(root.path());
        let after = Tree::read(root.path(), &["vault"]).unwrap();
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
