//! Every regular file below a directory, in the order of names. Symlinks are not followed, so a walk ends.
use super::list::{Kind, kind_of, names};
use super::root::regular;
use super::{FileError, VirtualPath, Workspace};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode, OFlags, openat, statat};
use std::{fs::File, ops::ControlFlow};

/// Each level holds a directory open.
const DEPTH_MAX: usize = 64;
/// A directory's names are held in memory while it is walked.
const NAMES_MAX: usize = 100_000;

/// Sees a file, and says whether to go on.
pub type Visit<'a> = dyn FnMut(&VirtualPath, File) -> ControlFlow<()> + 'a;

/// What a walk passed by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Walked {
    /// Files and directories that could not be opened, have no UTF-8 name or lie too deep.
    pub unread: usize,
    /// Whether the visitor stopped it.
    pub is_stopped: bool,
}

impl Workspace {
    /// Shows every regular file at and below a path.
    ///
    /// # Errors
    /// When nothing is there, it leads out, or it is neither a file nor a directory.
    pub fn walk(&self, path: &VirtualPath, visit: &mut Visit<'_>) -> Result<Walked, FileError> {
        let mut walk = Walk { visit, walked: Walked::default() };
        match self.kind(path)? {
            Kind::Directory => {
                let directory = self.directory(path)?;
                walk.walked.is_stopped = walk.directory(&directory, path, 0).is_break();
            }
            Kind::File | Kind::Symlink | Kind::Other(_) => {
                let file = self.read(path)?;
                walk.walked.is_stopped = (walk.visit)(path, file).is_break();
            }
        }
        Ok(walk.walked)
    }
}

struct Walk<'a, 'v> {
    visit: &'a mut Visit<'v>,
    walked: Walked,
}

impl Walk<'_, '_> {
    fn directory(&mut self, directory: &OwnedFd, path: &VirtualPath, depth: usize) -> ControlFlow<()> {
        let Ok((names, is_cut)) = names(directory, path, NAMES_MAX) else {
            self.walked.unread += 1;
            return ControlFlow::Continue(());
        };
        self.walked.unread += usize::from(is_cut);
        for name in names {
            match name.to_str() {
                Ok(name) => self.entry(directory, name, &path.join(name), depth)?,
                Err(_) => self.walked.unread += 1,
            }
        }
        ControlFlow::Continue(())
    }

    fn entry(&mut self, parent: &OwnedFd, name: &str, path: &VirtualPath, depth: usize) -> ControlFlow<()> {
        let Ok(stat) = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) else {
            return ControlFlow::Continue(());
        };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match kind_of(&stat) {
            Kind::File => match openat(parent, name, flags, Mode::empty()).map(|fd| regular(fd, path)) {
                Ok(Ok(file)) => return (self.visit)(path, file),
                Ok(Err(_)) | Err(_) => self.walked.unread += 1,
            },
            Kind::Directory if depth >= DEPTH_MAX => self.walked.unread += 1,
            Kind::Directory => match openat(parent, name, flags | OFlags::DIRECTORY, Mode::empty()) {
                Ok(below) => return self.directory(&below, path, depth + 1),
                Err(_) => self.walked.unread += 1,
            },
            Kind::Symlink | Kind::Other(_) => {}
        }
        ControlFlow::Continue(())
    }
}
