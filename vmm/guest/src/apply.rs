//! Applies what a call changed to the host's workspace: all of it or nothing. What is replaced or removed is first moved
//! into the staging directory, and comes back when anything fails. No link is followed on the way, and a file that somebody
//! changed on the host meanwhile is a conflict that is found before anything is touched.
use crate::{
    changes::{Change, Changes},
    tree::Tree,
};
use rustix::{
    fs::{
        AtFlags, CWD, Mode, OFlags, RenameFlags, ResolveFlags, chmodat, mkdirat, openat, openat2, renameat,
        renameat_with, statat, symlinkat,
    },
    io::Errno,
};
use std::{
    ffi::OsStr,
    fs, io,
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt, fs::PermissionsExt},
    },
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};
use wire::{Directory, Entry, TreePath};

/// A place that the host changed since it was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} was changed on the host meanwhile")]
pub struct Conflict {
    /// Where.
    pub path: TreePath,
}

/// Why nothing was applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The host's own changes would be lost.
    #[error("{} files were changed on the host meanwhile, {} first", .0.len(), .0[0].path)]
    Conflicts(Vec<Conflict>),
    /// A file failed, and everything was put back.
    #[error("cannot apply {path}: {source}; nothing was changed")]
    Failed {
        /// Which change.
        path: TreePath,
        /// Why it failed.
        source: io::Error,
    },
    /// A file failed, and so did putting things back.
    #[error("cannot apply {path}: {source}; what was there before is kept in {}", .kept.display())]
    Torn {
        /// Which change.
        path: TreePath,
        /// Why it failed.
        source: io::Error,
        /// Where what was there before is.
        kept: PathBuf,
    },
    /// The workspace itself cannot be used.
    #[error("cannot open the workspace {}: {source}", .root.display())]
    Root {
        /// Where it is.
        root: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// A step that can be taken back.
enum Done {
    /// Something was put where nothing was.
    Put(TreePath),
    /// Something was moved away, under this name in the staging directory.
    Moved(TreePath, String),
    /// A directory had these permissions.
    Mode(TreePath, Mode),
}

/// An apply under way.
struct Applying<'a> {
    root: OwnedFd,
    staging: OwnedFd,
    sent: &'a Tree,
    root_path: &'a Path,
    done: Vec<Done>,
}

impl Changes {
    /// Applies the changes to a workspace that was sent as `sent`. Afterwards it holds exactly what the guest's has, in
    /// every place that the guest changed, `sent` says so, and the staging directory is gone.
    pub fn apply(self, root: &Path, sent: &mut Tree) -> Result<(), ApplyError> {
        let open = |place: &Path| {
            openat(CWD, place, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        };
        let failed = |error: Errno| ApplyError::Root { root: root.to_owned(), source: error.into() };
        let mut applying = Applying {
            root: open(root).map_err(failed)?,
            staging: open(&self.staging).map_err(failed)?,
            sent,
            root_path: root,
            done: Vec::new(),
        };
        let conflicts = applying.conflicts(&self.changes);
        if !conflicts.is_empty() {
            return Err(ApplyError::Conflicts(conflicts));
        }
        for change in &self.changes {
            let Some(path) = path_of(&change.entry) else { continue };
            if let Err(source) = applying.step(path, change) {
                let path = path.clone();
                return match applying.take_back() {
                    Ok(()) => Err(ApplyError::Failed { path, source }),
                    Err(_) => {
                        let kept = self.staging.clone();
                        // Kept for its owner: it is the only copy.
                        std::mem::forget(self);
                        Err(ApplyError::Torn { path, source, kept })
                    }
                };
            }
        }
        for change in &self.changes {
            let Some(path) = path_of(&change.entry) else { continue };
            let replaces = matches!(&change.entry, Entry::Directory(Directory { replaces: true, .. }));
            // A place that cannot be looked at counts as unknown, and is sent again.
            let _unknown = sent.note(path, root, replaces);
        }
        Ok(())
    }
}

fn path_of(entry: &Entry) -> Option<&TreePath> {
    match entry {
        Entry::Directory(directory) => Some(&directory.path),
        Entry::File(file) => Some(&file.path),
        Entry::Symlink(link) => Some(&link.path),
        Entry::Removed(removed) => Some(&removed.path),
        Entry::Skipped(_) => None,
    }
}

impl Applying<'_> {
    fn conflicts(&self, changes: &[Change]) -> Vec<Conflict> {
        let replaced = changes.iter().filter(|change| {
            // A directory that stays only gets permissions; what is in it is listed by itself.
            !matches!(&change.entry, Entry::Directory(Directory { replaces: false, .. }))
        });
        replaced
            .filter_map(|change| path_of(&change.entry))
            .filter(|path| !self.sent.is_same(path, self.root_path).unwrap_or(false))
            .map(|path| Conflict { path: path.clone() })
            .collect()
    }

    fn step(&mut self, path: &TreePath, change: &Change) -> io::Result<()> {
        match &change.entry {
            Entry::Directory(directory) => self.directory(path, directory),
            Entry::File(file) => {
                let staged = change.staged.as_deref().expect("a file was staged");
                let handle = fs::File::options().write(true).open(staged)?;
                handle.set_permissions(fs::Permissions::from_mode(u32::from(file.mode) & 0o777))?;
                let modified = Duration::from_nanos(file.modified);
                handle.set_modified(UNIX_EPOCH.checked_add(modified).unwrap_or(UNIX_EPOCH))?;
                handle.sync_all()?;
                self.move_away(path)?;
                let (parent, name) = self.open_parent(path)?;
                // Moved, not linked: a second name that goes later would change the file's time once more.
                renameat_with(CWD, staged, parent, name, RenameFlags::NOREPLACE)?;
                self.done.push(Done::Put(path.clone()));
                Ok(())
            }
            Entry::Symlink(link) => {
                self.move_away(path)?;
                let (parent, name) = self.open_parent(path)?;
                symlinkat(OsStr::from_bytes(link.target.as_bytes()), parent, name)?;
                self.done.push(Done::Put(path.clone()));
                Ok(())
            }
            Entry::Removed(_) => self.move_away(path),
            Entry::Skipped(_) => Ok(()),
        }
    }

    fn directory(&mut self, path: &TreePath, wanted: &Directory) -> io::Result<()> {
        let mode = Mode::from_raw_mode(u32::from(wanted.mode) & 0o777);
        let (parent, name) = self.open_parent(path)?;
        let there = statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW);
        let old = there.ok().filter(|about| rustix::fs::FileType::from_raw_mode(about.st_mode).is_dir());
        match old {
            Some(about) if !wanted.replaces => {
                let old = Mode::from_raw_mode(about.st_mode & 0o777);
                if old != mode {
                    chmodat(&parent, name, mode, AtFlags::empty())?;
                    self.done.push(Done::Mode(path.clone(), old));
                }
                Ok(())
            }
            Some(_) | None => {
                self.move_away(path)?;
                mkdirat(&parent, name, Mode::RWXU)?;
                self.done.push(Done::Put(path.clone()));
                // Set by itself: what a process may not give by default is taken from what it asks for.
                Ok(chmodat(&parent, name, mode, AtFlags::empty())?)
            }
        }
    }

    /// Opens the directory that a path is in, beneath the root and over no link.
    fn open_parent<'path>(&self, path: &'path TreePath) -> io::Result<(OwnedFd, &'path OsStr)> {
        let path = path.as_path();
        let name = path.file_name().expect("a plain path has a name");
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            Some(_) | None => Path::new("."),
        };
        let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok((openat2(&self.root, parent, flags, Mode::empty(), how)?, name))
    }

    /// Moves whatever is in a place into the staging directory.
    fn move_away(&mut self, path: &TreePath) -> io::Result<()> {
        let kept = format!("old-{}", self.done.len());
        let parent = match self.open_parent(path) {
            // Its directory is gone, and it with it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        match renameat(&parent.0, parent.1, &self.staging, &kept) {
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(()) => {
                self.done.push(Done::Moved(path.clone(), kept));
                Ok(())
            }
        }
    }

    fn take_back(&mut self) -> io::Result<()> {
        let mut number = 0;
        while let Some(done) = self.done.pop() {
            match done {
                Done::Put(path) => {
                    let (parent, name) = self.open_parent(&path)?;
                    number += 1;
                    renameat(parent, name, &self.staging, format!("back-{number}"))?;
                }
                Done::Moved(path, kept) => {
                    let (parent, name) = self.open_parent(&path)?;
                    renameat(&self.staging, kept, parent, name)?;
                }
                Done::Mode(path, mode) => {
                    let (parent, name) = self.open_parent(&path)?;
                    chmodat(parent, name, mode, AtFlags::empty())?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::Limits;
    use expect_test::{Expect, expect};
    use std::os::unix::fs::symlink;
    use wire::{Chunk, File, Removed, Symlink, Tally};

    struct Workspace {
        home: tempfile::TempDir,
        sent: Tree,
    }

    fn workspace() -> Workspace {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        fs::create_dir_all(root.join("d")).unwrap();
        fs::write(root.join("d/f"), "one").unwrap();
        fs::write(root.join("g"), "two").unwrap();
        fs::write(home.path().join("outside"), "outside").unwrap();
        symlink("..", root.join("out")).unwrap();
        let sent = Tree::read(&root, &[]).unwrap();
        Workspace { home, sent }
    }

    impl Workspace {
        fn root(&self) -> PathBuf {
            self.home.path().join("root")
        }

        /// Applies entries, files with the text that stands behind them.
        fn apply(&mut self, entries: &[(Entry, &str)]) -> String {
            let mut changes = Changes::begin(&self.home.path().join("staging"), Limits::default()).unwrap();
            let mut bytes = 0;
            for (entry, text) in entries {
                changes.entry(entry.clone()).unwrap();
                if !text.is_empty() {
                    changes.data(text.as_bytes()).unwrap();
                    bytes += text.len() as u64;
                }
            }
            let changes = changes.end(&Tally { entries: entries.len() as u64, bytes }).unwrap();
            let root = self.root();
            let applied = changes.apply(&root, &mut self.sent);
            applied.map_or_else(|error| error.to_string(), |()| "applied".to_owned())
        }

        fn shown(&self) -> String {
            let mut lines = Vec::new();
            let mut open = vec![self.root()];
            while let Some(directory) = open.pop() {
                for found in fs::read_dir(directory).unwrap() {
                    let place = found.unwrap().path();
                    let about = fs::symlink_metadata(&place).unwrap();
                    let name = place.strip_prefix(self.root()).unwrap().display().to_string();
                    let mode = about.permissions().mode() & 0o7777;
                    if about.is_dir() {
                        lines.push(format!("{name}/ {mode:o}"));
                        open.push(place);
                    } else if about.is_symlink() {
                        lines.push(format!("{name} -> {}", fs::read_link(place).unwrap().display()));
                    } else {
                        lines.push(format!("{name} {mode:o} {}", fs::read_to_string(place).unwrap()));
                    }
                }
            }
            lines.sort();
            lines.join(", ")
        }

        fn check(&mut self, entries: &[(Entry, &str)], outcome: Expect) {
            let applied = self.apply(entries);
            outcome.assert_eq(&format!("{applied}\n{}", self.shown()));
            assert!(!self.home.path().join("staging").exists(), "the staging directory is gone");
            assert_eq!(fs::read_to_string(self.home.path().join("outside")).unwrap(), "outside");
        }
    }

    fn path(text: &str) -> TreePath {
        TreePath::new(text).unwrap()
    }

    fn file(name: &str, mode: u16, text: &'static str) -> (Entry, &'static str) {
        let bytes = text.len() as u64;
        (Entry::File(File { path: path(name), mode, bytes, modified: 1_000_000_000 }), text)
    }

    fn gone(name: &str) -> (Entry, &'static str) {
        (Entry::Removed(Removed { path: path(name) }), "")
    }

    fn directory(name: &str, mode: u16, replaces: bool) -> (Entry, &'static str) {
        (Entry::Directory(Directory { path: path(name), mode, replaces }), "")
    }

    fn link(name: &str, target: &str) -> (Entry, &'static str) {
        (Entry::Symlink(Symlink { path: path(name), target: Chunk::new(target).unwrap() }), "")
    }

    #[test]
    fn exactly_what_changed_is_applied_and_nothing_is_left_to_send() {
        let mut workspace = workspace();
        let changes = [
            directory("d", 0o700, false),
            file("d/f", 0o4755, "1"),
            directory("e", 0o755, false),
            file("e/new", 0o640, "new"),
            gone("g"),
            link("l", "/etc/passwd"),
        ];
        workspace.check(
            &changes,
            expect![[r#"
            applied
            d/ 700, d/f 755 1, e/ 755, e/new 640 new, l -> /etc/passwd, out -> .."#]],
        );
        let now = Tree::read(&workspace.root(), &[]).unwrap();
        assert!(workspace.sent.delta(&now).is_empty(), "both sides have the same");
    }

    #[test]
    fn kinds_can_change() {
        let mut workspace = workspace();
        let changes = [
            directory("d", 0o755, true),
            file("d/other", 0o644, "2"),
            directory("g", 0o755, true),
            file("g/in", 0o600, "3"),
        ];
        workspace.check(
            &changes,
            expect![[r#"
            applied
            d/ 755, d/other 644 2, g/ 755, g/in 600 3, out -> .."#]],
        );
        workspace.check(
            &[file("d", 0o644, "flat"), gone("g")],
            expect![[r#"
            applied
            d 644 flat, out -> .."#]],
        );
    }

    #[test]
    fn no_link_is_followed_and_what_was_done_before_is_taken_back() {
        let before = "d/ 755, d/f 644 one, g 644 two, out -> ..";
        for hostile in [
            file("out/outside", 0o644, "x"),
            gone("out/outside"),
            link("out/l", "x"),
            directory("out/d", 0o755, false),
        ] {
            let mut workspace = workspace();
            let name = path_of(&hostile.0).unwrap().clone();
            let changes = [file("g", 0o600, "2"), directory("d", 0o711, false), gone("d/f"), hostile];
            let applied = workspace.apply(&changes);
            assert!(
                applied.starts_with(&format!("cannot apply {name}: "))
                    || applied.contains("were changed on the host"),
                "{applied}"
            );
            assert_eq!(workspace.shown(), before, "{name}");
            assert_eq!(fs::read_to_string(workspace.home.path().join("outside")).unwrap(), "outside");
        }
    }

    #[test]
    fn what_the_host_changed_meanwhile_is_not_lost() {
        let mut workspace = workspace();
        fs::write(workspace.root().join("g"), "mine").unwrap();
        fs::write(workspace.root().join("d/mine"), "mine").unwrap();
        let conflicts = |name: &str| format!("1 files were changed on the host meanwhile, {name} first");
        assert_eq!(workspace.apply(&[file("new", 0o644, "x"), file("g", 0o644, "theirs")]), conflicts("g"));
        assert_eq!(workspace.apply(&[gone("d")]), conflicts("d"));
        assert_eq!(workspace.apply(&[file("d/mine", 0o644, "theirs")]), conflicts("d/mine"));
        expect!["d/ 755, d/f 644 one, d/mine 644 mine, g 644 mine, out -> .."].assert_eq(&workspace.shown());
    }

    #[test]
    fn a_guest_that_brings_too_much_or_breaks_its_word_leaves_nothing_behind() {
        let home = tempfile::tempdir().unwrap();
        let staging = home.path().join("staging");
        let limits = Limits { entries: 2, bytes: 10 };
        let begin = || Changes::begin(&staging, limits).unwrap();
        let huge = Entry::File(File { path: path("f"), mode: 0, bytes: u64::MAX, modified: 0 });
        assert!(begin().entry(huge).unwrap_err().to_string().contains("10 bytes"));
        let mut many = begin();
        many.entry(gone("a").0).unwrap();
        many.entry(gone("b").0).unwrap();
        assert!(many.entry(gone("c").0).unwrap_err().to_string().contains("2 entries"));
        drop(many);
        assert!(begin().data(b"stray").is_err());
        let mut short = begin();
        short.entry(file("f", 0, "123").0).unwrap();
        assert!(short.data(b"1234").is_err());
        assert!(short.entry(gone("a").0).is_err());
        drop(short);
        assert!(begin().end(&Tally { entries: 1, bytes: 0 }).is_err());
        assert!(!staging.exists());
    }
}
