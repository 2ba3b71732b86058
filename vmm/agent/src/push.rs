//! Puts pushed entries into a directory. It trusts the host about what to put where, but not to be complete: a file that
//! got fewer or more bytes than it was promised fails the push.
use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};
use wire::{Entry, Tally};

/// A push under way.
#[derive(Debug)]
pub struct Push {
    root: PathBuf,
    tally: Tally,
    current: Option<Current>,
}

/// The file whose bytes come.
#[derive(Debug)]
struct Current {
    file: File,
    left: u64,
    about: wire::File,
}

impl Push {
    /// Begins to push into a directory; a fresh push empties it first.
    pub fn begin(root: &Path, is_fresh: bool) -> io::Result<Push> {
        if is_fresh {
            empty(root)?;
        }
        Ok(Push { root: root.to_owned(), tally: Tally { entries: 0, bytes: 0 }, current: None })
    }

    /// Takes an entry.
    pub fn entry(&mut self, entry: Entry) -> io::Result<()> {
        self.finish_file()?;
        self.tally.entries += 1;
        match entry {
            Entry::Directory(directory) => {
                let place = self.root.join(directory.path.as_path());
                let is_there = fs::symlink_metadata(&place).is_ok_and(|about| about.is_dir());
                if directory.replaces || !is_there {
                    remove(&place)?;
                    fs::create_dir(&place)?;
                }
                fs::set_permissions(&place, Permissions::from_mode(directory.mode.into()))
            }
            Entry::File(about) => {
                let place = self.root.join(about.path.as_path());
                remove(&place)?;
                let file = File::options().write(true).create_new(true).open(place)?;
                self.tally.bytes += about.bytes;
                self.current = Some(Current { file, left: about.bytes, about });
                Ok(())
            }
            Entry::Symlink(link) => {
                let place = self.root.join(link.path.as_path());
                remove(&place)?;
                symlink(std::ffi::OsStr::from_bytes(link.target.as_bytes()), place)
            }
            Entry::Removed(removed) => remove(&self.root.join(removed.path.as_path())),
            // The host could not carry it; here it is simply not there.
            Entry::Skipped(_) => Ok(()),
        }
    }

    /// Takes bytes of the file that was named last.
    pub fn data(&mut self, bytes: &[u8]) -> io::Result<()> {
        let left = self.current.as_ref().map_or(0, |current| current.left);
        let Some((current, left)) = self.current.as_mut().zip(left.checked_sub(bytes.len() as u64)) else {
            return Err(io::Error::other("more bytes were pushed than a file was said to have"));
        };
        current.left = left;
        current.file.write_all(bytes)
    }

    /// Ends the push.
    pub fn end(mut self) -> io::Result<Tally> {
        self.finish_file()?;
        Ok(self.tally)
    }

    fn finish_file(&mut self) -> io::Result<()> {
        let Some(Current { file, left, about }) = self.current.take() else { return Ok(()) };
        if left > 0 {
            return Err(io::Error::other(format!("{} ended {left} bytes too early", about.path)));
        }
        file.set_permissions(Permissions::from_mode(about.mode.into()))?;
        let modified = Duration::from_nanos(about.modified);
        file.set_modified(UNIX_EPOCH.checked_add(modified).unwrap_or(UNIX_EPOCH))
    }
}

/// Removes whatever is in a place, if anything is.
pub fn remove(place: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(place) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(place),
        Ok(_) => fs::remove_file(place),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Removes everything in a directory.
pub fn empty(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        remove(&entry?.path())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Chunk, Directory, Removed, Symlink, TreePath};

    fn path(text: &str) -> TreePath {
        TreePath::new(text).unwrap()
    }

    fn file(name: &str, bytes: u64) -> Entry {
        Entry::File(wire::File { path: path(name), mode: 0o640, bytes, modified: 1_000_000_000 })
    }

    fn directory(name: &str, replaces: bool) -> Entry {
        Entry::Directory(Directory { path: path(name), mode: 0o755, replaces })
    }

    #[test]
    fn a_tree_and_then_a_delta_are_put_where_they_belong() {
        let root = tempfile::tempdir().unwrap();
        let place = |name: &str| root.path().join(name);
        fs::write(place("stale"), "").unwrap();
        let mut push = Push::begin(root.path(), true).unwrap();
        push.entry(directory("d", false)).unwrap();
        push.entry(file("d/f", 5)).unwrap();
        push.data(b"he").unwrap();
        push.data(b"llo").unwrap();
        push.entry(Entry::Symlink(Symlink { path: path("l"), target: Chunk::new("/nowhere").unwrap() }))
            .unwrap();
        assert_eq!(push.end().unwrap(), Tally { entries: 3, bytes: 5 });
        assert!(!place("stale").exists());
        assert_eq!(fs::read(place("d/f")).unwrap(), b"hello");
        assert_eq!(fs::metadata(place("d/f")).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_link(place("l")).unwrap(), Path::new("/nowhere"));

        let mut push = Push::begin(root.path(), false).unwrap();
        push.entry(Entry::Removed(Removed { path: path("l") })).unwrap();
        push.entry(Entry::Removed(Removed { path: path("never/there") })).unwrap();
        push.entry(directory("d", true)).unwrap();
        push.end().unwrap();
        assert!(!place("l").is_symlink());
        assert_eq!(fs::read_dir(place("d")).unwrap().count(), 0);
    }

    #[test]
    fn a_file_with_too_few_or_too_many_bytes_fails_the_push() {
        let root = tempfile::tempdir().unwrap();
        let mut push = Push::begin(root.path(), true).unwrap();
        push.entry(file("f", 3)).unwrap();
        push.data(b"ab").unwrap();
        assert_eq!(
            push.data(b"cd").unwrap_err().to_string(),
            "more bytes were pushed than a file was said to have"
        );
        assert_eq!(push.end().unwrap_err().to_string(), "f ended 1 bytes too early");
        let mut push = Push::begin(root.path(), true).unwrap();
        assert!(push.data(b"stray").is_err());
    }
}
