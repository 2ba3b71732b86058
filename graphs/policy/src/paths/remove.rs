//! Removing files and trees, by directory handles. Symlinks are removed, never followed.
use super::list::{Kind, kind_of, names};
use super::root::Located;
use super::{FileError, VirtualPath, Workspace};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode, OFlags, fsync, openat, statat, unlinkat};
use std::ffi::CStr;

/// Each level holds a directory open.
const DEPTH_MAX: usize = 128;
/// So many names are read at a time.
const BATCH: usize = 1024;

impl Workspace {
    /// Removes a file, a symlink or whatever else is no directory.
    ///
    /// # Errors
    /// When it is not there, is a directory, or leads out.
    pub fn remove(&self, path: &VirtualPath) -> Result<(), FileError> {
        let Located { parent, name } = self.located(path)?;
        unlinkat(&parent, &name, AtFlags::empty()).map_err(|errno| FileError::of(errno, "delete", path))?;
        fsync(&parent).map_err(|errno| FileError::of(errno, "keep the deletion of", path))
    }

    /// Removes whatever is there, a directory with all that is in it, and returns how many names went. `proceed` is
    /// asked before each.
    ///
    /// # Errors
    /// When it is not there, leads out or is too deep, or when the system fails; some of it may be gone by then.
    pub fn remove_tree(&self, path: &VirtualPath, proceed: &dyn Fn() -> bool) -> Result<usize, FileError> {
        let Located { parent, name } = self.located(path)?;
        let mut removal = Removal { path, proceed, removed: 0 };
        let name =
            std::ffi::CString::new(name).map_err(|_| FileError::refused(path, "it holds a NUL byte"))?;
        removal.remove(&parent, &name, 0)?;
        fsync(&parent).map_err(|errno| FileError::of(errno, "keep the deletion of", path))?;
        Ok(removal.removed)
    }
}

struct Removal<'a> {
    path: &'a VirtualPath,
    proceed: &'a dyn Fn() -> bool,
    removed: usize,
}

impl Removal<'_> {
    fn remove(&mut self, parent: &OwnedFd, name: &CStr, depth: usize) -> Result<(), FileError> {
        let path = self.path;
        let failed = |errno| FileError::of(errno, "delete", path);
        if !(self.proceed)() {
            return Err(FileError::refused(
                path,
                format!("stopped after {} names were deleted", self.removed),
            ));
        }
        let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        let flags = match kind_of(&stat) {
            Kind::Directory => {
                self.empty(parent, name, depth)?;
                AtFlags::REMOVEDIR
            }
            Kind::File | Kind::Symlink | Kind::Other(_) => AtFlags::empty(),
        };
        unlinkat(parent, name, flags).map_err(failed)?;
        self.removed += 1;
        Ok(())
    }

    fn empty(&mut self, parent: &OwnedFd, name: &CStr, depth: usize) -> Result<(), FileError> {
        if depth >= DEPTH_MAX {
            return Err(FileError::refused(
                self.path,
                format!("it is more than {DEPTH_MAX} directories deep"),
            ));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = openat(parent, name, flags, Mode::empty())
            .map_err(|errno| FileError::of(errno, "delete", self.path))?;
        loop {
            let (names, is_cut) = names(&directory, self.path, BATCH)?;
            for name in &names {
                self.remove(&directory, name, depth + 1)?;
            }
            if !is_cut {
                return Ok(());
            }
        }
    }
}
