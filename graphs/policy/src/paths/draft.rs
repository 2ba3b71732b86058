//! A new version of a file, written beside it and put in its place in one step: readers see the old one or the new one,
//! after a crash as well. It never changes a file in place.
use super::root::{Located, regular};
use super::{FileError, VirtualPath, Workspace};
use rustix::fd::OwnedFd;
use rustix::fs::{
    AtFlags, Dir, Mode, OFlags, RenameFlags, XattrFlags, fchmod, fgetxattr, fsetxattr, fstat, fsync, linkat,
    openat, renameat, renameat_with, unlinkat,
};
use rustix::io::{Errno, dup};
use std::fs::File;

/// Where a file remembers the key of the call that wrote it, so that a repeated call finds its own work.
const KEY_ATTRIBUTE: &str = "user.oxydra.key";
/// Longer keys are none of ours.
const KEY_BYTES_MAX: usize = 64;

/// A new version of a file that is not in its place yet. Dropped, it is gone.
#[derive(Debug)]
pub struct Draft {
    path: VirtualPath,
    parent: OwnedFd,
    name: String,
    /// The directory that it lies in until it is committed.
    desk: OwnedFd,
    draft_name: Option<String>,
    file: File,
    old: Option<File>,
}

impl Workspace {
    /// Begins a new version of a file, empty, and makes the directories it is in. The key names the call that writes:
    /// what an earlier attempt with the same key left half done is removed.
    ///
    /// # Errors
    /// When the path leads out, when what is there is no regular file or is read-only, or when the system fails.
    pub fn draft(&self, path: &VirtualPath, key: &str) -> Result<Draft, FileError> {
        self.make_parents(path)?;
        let Located { parent, name } = self.locate(path)?;
        let old = existing(&parent, &name, path)?;
        let mode = old.as_ref().map(|old| mode_of(old, path)).transpose()?;
        let draft_name = draft_name(key);
        let failed = |errno| FileError::of(errno, "write", path);
        let desk = self.desk(&parent).map_err(failed)?;
        let file = create(&desk, &draft_name).map_err(failed)?;
        let draft = Draft { path: path.clone(), parent, name, desk, draft_name: Some(draft_name), file, old };
        if let Some(mode) = mode {
            fchmod(&draft.file, mode).map_err(|errno| FileError::of(errno, "keep the mode of", path))?;
        }
        Ok(draft)
    }

    /// Where a draft of a file in this directory lies: with the other drafts if it can be moved from there in one step, else
    /// beside the file.
    fn desk(&self, parent: &OwnedFd) -> Result<OwnedFd, Errno> {
        let device = |directory: &OwnedFd| fstat(directory).map(|stat| stat.st_dev);
        match &self.drafts {
            Some(drafts) if device(drafts)? == device(parent)? => dup(drafts),
            Some(_) | None => dup(parent),
        }
    }

    /// Says whether the file in place is the one that the call with this key wrote and signed; `None` when the filesystem does
    /// not remember.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn wrote(&self, path: &VirtualPath, key: &str) -> Result<Option<bool>, FileError> {
        let file = match self.read(path) {
            Ok(file) => file,
            Err(FileError::Missing { .. }) => return Ok(Some(false)),
            Err(other) => return Err(other),
        };
        let mut value = [0; KEY_BYTES_MAX];
        match fgetxattr(&file, KEY_ATTRIBUTE, &mut value) {
            Ok(length) => Ok(Some(&value[..length] == key.as_bytes())),
            Err(Errno::NODATA | Errno::RANGE) => Ok(can_remember(&file).then_some(false)),
            Err(_) => Ok(None),
        }
    }
}

impl Draft {
    /// Returns the new version, to be written.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Returns the version in place, opened for reading, if there is one.
    pub fn old(&mut self) -> Option<&mut File> {
        self.old.as_mut()
    }

    /// Returns both: the version in place, if there is one, and the new one.
    pub fn both(&mut self) -> (Option<&mut File>, &mut File) {
        (self.old.as_mut(), &mut self.file)
    }

    /// Lets the new version remember the key of the call that writes it, for [`Workspace::wrote`].
    pub fn sign(&self, key: &str) {
        // A filesystem without attributes forgets who wrote: `wrote` then says that it does not know.
        let _ = fsetxattr(&self.file, KEY_ATTRIBUTE, key.as_bytes(), XattrFlags::empty());
    }

    /// Puts the new version in its place, on disk.
    ///
    /// # Errors
    /// When the system fails; the old version is then untouched, or the new one is in place and may not survive a
    /// power cut.
    pub fn commit(self) -> Result<(), FileError> {
        self.commit_by(|desk, draft, parent, name| renameat(desk, draft, parent, name))
    }

    /// Puts the new version in its place, on disk, if nothing is there: not even what came a moment ago.
    ///
    /// # Errors
    /// Those of [`Draft::commit`], and [`FileError::Taken`].
    pub fn commit_new(self) -> Result<(), FileError> {
        self.commit_by(|desk, draft, parent, name| {
            match renameat_with(desk, draft, parent, name, RenameFlags::NOREPLACE) {
                // A filesystem that cannot rename so can link: that takes no place either.
                Err(Errno::INVAL | Errno::NOSYS) => {
                    linkat(desk, draft, parent, name, AtFlags::empty())?;
                    unlinkat(desk, draft, AtFlags::empty())
                }
                renamed => renamed,
            }
        })
    }

    fn commit_by(
        mut self,
        put: impl FnOnce(&OwnedFd, &str, &OwnedFd, &str) -> Result<(), Errno>,
    ) -> Result<(), FileError> {
        let failed = |errno| FileError::of(errno, "write", &self.path);
        let draft_name = self.draft_name.as_deref().expect("a draft has its name until it is committed");
        fsync(&self.file).map_err(failed)?;
        put(&self.desk, draft_name, &self.parent, &self.name).map_err(failed)?;
        fsync(&self.parent).map_err(failed)?;
        self.draft_name = None;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(draft_name) = &self.draft_name {
            // Nothing can be done about a failure here: the next attempt with this key removes it.
            let _ = unlinkat(&self.desk, draft_name, AtFlags::empty());
        }
    }
}

/// Removes the drafts that a process left when it was killed.
pub(super) fn sweep(drafts: &OwnedFd) -> Result<(), Errno> {
    for entry in Dir::read_from(drafts)? {
        let entry = entry?;
        let name = entry.file_name();
        if is_draft(name.to_bytes()) {
            unlinkat(drafts, name, AtFlags::empty())?;
        }
    }
    Ok(())
}

fn is_draft(name: &[u8]) -> bool {
    name.starts_with(b".oxydra-") && name.ends_with(b".tmp")
}

fn draft_name(key: &str) -> String {
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).take(KEY_BYTES_MAX).collect();
    format!(".oxydra-{key}.tmp")
}

fn create(parent: &OwnedFd, name: &str) -> Result<File, Errno> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(errno),
    }
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(parent, name, flags, Mode::from_raw_mode(0o644)).map(File::from)
}

fn existing(parent: &OwnedFd, name: &str, path: &VirtualPath) -> Result<Option<File>, FileError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(parent, name, flags, Mode::empty()) {
        Ok(old) => regular(old, path).map(Some),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(FileError::of(errno, "open", path)),
    }
}

/// The permissions of the version in place. A file that nobody may write is left alone: renaming over it would not ask.
fn mode_of(old: &File, path: &VirtualPath) -> Result<Mode, FileError> {
    let stat = fstat(old).map_err(|errno| FileError::of(errno, "look at", path))?;
    let mode = Mode::from_raw_mode(stat.st_mode) & Mode::from_raw_mode(0o777);
    if !mode.intersects(Mode::WUSR | Mode::WGRP | Mode::WOTH) {
        return Err(FileError::refused(path, "it is read-only"));
    }
    Ok(mode)
}

/// Says whether the filesystem keeps attributes: reading one that is not there does not tell everywhere.
fn can_remember(file: &File) -> bool {
    rustix::fs::flistxattr(file, &mut [0_u8; 0]).is_ok()
}
