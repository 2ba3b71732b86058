//! What a call changed: the upper layer of the overlay as entries. It reads directories and says what is in them; nothing
//! is followed, and what cannot be carried is named instead of left out.
use rustix::fs::{Access, AtFlags, CWD, accessat, lgetxattr};
use std::{
    fs::{self, FileType, Metadata},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{FileTypeExt, MetadataExt},
    },
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};
use wire::{Chunk, Directory, Entry, File, Removed, Skipped, Symlink, Tally, TreePath, Words};

/// How deep a tree may be: deeper than the longest path of one-letter names would be no tree that could be named.
const DEPTH_MAX: usize = 2048;
/// How overlayfs says that a directory hides what was beneath it.
const OPAQUE: (&str, &[u8]) = ("trusted.overlay.opaque", b"y");

/// What changed beneath `upper`, parents first and in the order of names, given to `each` with the place of a file's bytes.
pub fn walk<E: From<io::Error>>(
    upper: &Path,
    mut each: impl FnMut(Entry, &Path) -> Result<(), E>,
) -> Result<Tally, E> {
    let mut tally = Tally { entries: 0, bytes: 0 };
    let mut open = vec![names(upper)?];
    while let Some(directory) = open.last_mut() {
        let Some(place) = directory.pop() else {
            open.pop();
            continue;
        };
        let about = fs::symlink_metadata(&place)?;
        let relative = place.strip_prefix(upper).expect("it was found beneath it");
        let entry = entry(&place, relative, &about)?;
        if let Entry::File(file) = &entry {
            tally.bytes += file.bytes;
        }
        tally.entries += 1;
        let is_directory = matches!(entry, Entry::Directory(_));
        each(entry, &place)?;
        if is_directory && open.len() < DEPTH_MAX {
            open.push(names(&place)?);
        }
    }
    Ok(tally)
}

/// Says whether nothing changed.
pub fn is_empty(upper: &Path) -> io::Result<bool> {
    Ok(fs::read_dir(upper)?.next().is_none())
}

/// Returns what is in a directory, last name first.
fn names(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut names = fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable_by(|a, b| b.cmp(a));
    Ok(names)
}

fn entry(place: &Path, relative: &Path, about: &Metadata) -> io::Result<Entry> {
    let Ok(path) = TreePath::from_path(relative) else {
        return Ok(skipped(relative, "a name too long to carry"));
    };
    let kind = about.file_type();
    let mode = u16::try_from(about.mode() & 0o7777).expect("twelve bits");
    Ok(if kind.is_dir() {
        Entry::Directory(Directory { path, mode, replaces: is_opaque(place)? })
    } else if kind.is_file() {
        let modified = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified = u64::try_from(modified.as_nanos()).unwrap_or(u64::MAX);
        Entry::File(File { path, mode, bytes: about.len(), modified })
    } else if kind.is_symlink() {
        match Chunk::new(fs::read_link(place)?.as_os_str().as_bytes()) {
            Ok(target) => Entry::Symlink(Symlink { path, target }),
            Err(_) => skipped(relative, "a link too long to carry"),
        }
    } else if kind.is_char_device() && about.rdev() == 0 {
        Entry::Removed(Removed { path })
    } else {
        skipped(relative, name_of(kind))
    })
}

fn skipped(relative: &Path, what: &str) -> Entry {
    let place = relative.as_os_str().as_bytes().escape_ascii().to_string();
    Entry::Skipped(Skipped { place: Words::cut(place), what: Words::cut(what) })
}

fn name_of(kind: FileType) -> &'static str {
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

fn is_opaque(place: &Path) -> io::Result<bool> {
    let (name, yes) = OPAQUE;
    let mut value = [0; 8];
    match lgetxattr(place, name, &mut value) {
        Ok(len) => Ok(value.get(..len) == Some(yes)),
        // No such mark, or a file system without marks.
        Err(_) => accessat(CWD, place, Access::EXISTS, AtFlags::empty()).map(|()| false).map_err(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use std::os::unix::{fs::symlink, net::UnixListener};

    #[test]
    fn a_tree_is_listed_parents_first_and_what_cannot_be_carried_is_named() {
        let upper = tempfile::tempdir().unwrap();
        let place = |name: &str| upper.path().join(name);
        fs::create_dir_all(place("b/deep")).unwrap();
        fs::write(place("b/deep/file"), "hello").unwrap();
        fs::File::open(place("b/deep/file")).unwrap().set_modified(UNIX_EPOCH).unwrap();
        fs::write(place("b.txt"), "").unwrap();
        fs::File::open(place("b.txt")).unwrap().set_modified(UNIX_EPOCH).unwrap();
        symlink("../../etc/passwd", place("a")).unwrap();
        let _listener = UnixListener::bind(place("socket")).unwrap();
        let mut lines = String::new();
        let tally = walk(upper.path(), |entry, _| {
            lines += &match entry {
                Entry::Directory(d) => format!("dir {} {}\n", d.path, d.replaces),
                Entry::File(f) => format!("file {} {} bytes, {}\n", f.path, f.bytes, f.modified),
                Entry::Symlink(l) => format!("link {} to {}\n", l.path, l.target.as_bytes().escape_ascii()),
                Entry::Removed(r) => format!("gone {}\n", r.path),
                Entry::Skipped(s) => format!("skipped {}: {}\n", s.place.as_str(), s.what.as_str()),
            };
            Ok::<(), io::Error>(())
        });
        expect![[r#"
            link a to ../../etc/passwd
            dir b false
            dir b/deep false
            file b/deep/file 5 bytes, 0
            file b.txt 0 bytes, 0
            skipped socket: a socket
        "#]]
        .assert_eq(&lines);
        assert_eq!(tally.unwrap(), Tally { entries: 6, bytes: 5 });
        assert!(!is_empty(upper.path()).unwrap());
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        let nowhere = Path::new("/nowhere/at/all");
        let walked = walk(nowhere, |_, _| Ok::<(), io::Error>(()));
        assert_eq!(walked.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
