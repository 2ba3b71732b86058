//! The directories of a workspace, opened once, and how a path is opened beneath one of them.
use super::list::{Kind, kind_of};
use super::{FileError, Mount, VirtualPath};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fstat, mkdirat, openat, openat2, readlinkat};
use rustix::io::Errno;
use std::{fs::File, path::Path};

/// The kernel answers EAGAIN when a rename elsewhere crosses a `..`; so often it is asked again.
const RESOLVE_TRIES_MAX: usize = 32;
/// So many symlinks in a row the kernel follows as well.
const LINKS_MAX: usize = 40;

/// The parts of a user's workspace that file tools reach.
#[derive(Debug)]
pub struct Workspace {
    shared: OwnedFd,
    tmp: OwnedFd,
    /// Where new versions of files are written before they are put in their place.
    pub(super) drafts: Option<OwnedFd>,
}

/// A directory and a name in it that is no symlink.
pub(super) struct Located {
    pub(super) parent: OwnedFd,
    pub(super) name: String,
}

impl Workspace {
    /// Opens the directories behind `/shared` and `/tmp`. They stay the same ones, wherever they are moved.
    ///
    /// # Errors
    /// When one is not there, or when the system cannot resolve paths beneath a directory.
    pub fn open(shared: &Path, tmp: &Path) -> Result<Workspace, FileError> {
        let workspace = Workspace {
            shared: open_root(shared, Mount::Shared)?,
            tmp: open_root(tmp, Mount::Tmp)?,
            drafts: None,
        };
        match beneath(&workspace.shared, ".", OFlags::PATH) {
            Ok(_) => Ok(workspace),
            Err(errno) => Err(FileError::NoOpenat2 { source: errno.into() }),
        }
    }

    /// Writes new versions of files in a directory of their own, where nobody lists them, instead of beside the old ones.
    /// What is left there of a process that was killed is removed: nobody else may be using it.
    ///
    /// # Errors
    /// When it cannot be opened or emptied.
    pub fn with_drafts(mut self, directory: &Path) -> Result<Workspace, FileError> {
        let drafts = open_root(directory, Mount::Tmp)?;
        super::draft::sweep(&drafts).map_err(|errno| {
            let path = directory.display().to_string();
            FileError::Failed { what: "empty the drafts in", path, source: errno.into() }
        })?;
        self.drafts = Some(drafts);
        Ok(self)
    }

    /// Opens a regular file for reading. Pipes, sockets and devices are refused, and none is waited for.
    ///
    /// # Errors
    /// When it is not there, leads out, or is no regular file.
    pub fn read(&self, path: &VirtualPath) -> Result<File, FileError> {
        let file = self.at(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY, "open")?;
        regular(file, path)
    }

    /// Says what is there. Symlinks are followed.
    ///
    /// # Errors
    /// When nothing is there, or it leads out.
    pub fn kind(&self, path: &VirtualPath) -> Result<Kind, FileError> {
        let fd = self.at(path, OFlags::PATH, "look at")?;
        fstat(&fd).map(|stat| kind_of(&stat)).map_err(|errno| FileError::of(errno, "look at", path))
    }

    /// Says what is there. A symlink at the end is one.
    ///
    /// # Errors
    /// When nothing is there, or it leads out.
    pub fn kind_of_link(&self, path: &VirtualPath) -> Result<Kind, FileError> {
        let fd = self.at(path, OFlags::PATH | OFlags::NOFOLLOW, "look at")?;
        fstat(&fd).map(|stat| kind_of(&stat)).map_err(|errno| FileError::of(errno, "look at", path))
    }

    pub(super) fn directory(&self, path: &VirtualPath) -> Result<OwnedFd, FileError> {
        self.at(path, OFlags::RDONLY | OFlags::DIRECTORY, "open")
    }

    /// Finds the directory and the name that a change of `path` is about, behind its symlinks.
    pub(super) fn locate(&self, path: &VirtualPath) -> Result<Located, FileError> {
        let mut path = path.clone();
        for _ in 0..LINKS_MAX {
            let located = self.located(&path)?;
            match readlinkat(&located.parent, &located.name, Vec::new()) {
                Err(_) => return Ok(located),
                Ok(target) => path = behind(&path, target.to_str().unwrap_or("/"))?,
            }
        }
        Err(FileError::refused(path, "its symlinks lead in a circle"))
    }

    /// Finds the directory and the name of `path`, which may itself be a symlink.
    pub(super) fn located(&self, path: &VirtualPath) -> Result<Located, FileError> {
        let Some((parent, name)) = path.split() else {
            return Err(FileError::refused(path, "it names a directory, not something in one"));
        };
        Ok(Located { parent: self.directory(&parent)?, name: name.to_owned() })
    }

    /// Makes the directories that a path is in. What exists stays as it is.
    pub(super) fn make_parents(&self, path: &VirtualPath) -> Result<(), FileError> {
        let Some((parent, _)) = path.split() else { return Ok(()) };
        match self.directory(&parent) {
            Err(FileError::Missing { .. }) => {}
            Ok(_) => return Ok(()),
            Err(other) => return Err(other),
        }
        self.make_parents(&parent)?;
        let Located { parent: above, name } = self.locate(&parent)?;
        match mkdirat(&above, &name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(FileError::of(errno, "make the directory", &parent)),
        }
        rustix::fs::fsync(&above).map_err(|errno| FileError::of(errno, "keep the directory", &parent))
    }

    fn at(&self, path: &VirtualPath, flags: OFlags, what: &'static str) -> Result<OwnedFd, FileError> {
        let root = match path.mount() {
            Mount::Shared => &self.shared,
            Mount::Tmp => &self.tmp,
        };
        let below = if path.below().is_empty() { "." } else { path.below() };
        beneath(root, below, flags).map_err(|errno| FileError::of(errno, what, path))
    }
}

fn open_root(root: &Path, mount: Mount) -> Result<OwnedFd, FileError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, root, flags, Mode::empty()).map_err(|errno| FileError::Failed {
        what: "open the directory behind",
        path: format!("{}` at `{}", mount.as_str(), root.display()),
        source: errno.into(),
    })
}

fn beneath(root: &OwnedFd, below: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..RESOLVE_TRIES_MAX {
        match openat2(root, below, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            opened => return opened,
        }
    }
    Err(Errno::AGAIN)
}

/// Hands the file out if it is a regular one.
pub(super) fn regular(file: OwnedFd, path: &VirtualPath) -> Result<File, FileError> {
    let stat = fstat(file.as_fd()).map_err(|errno| FileError::of(errno, "look at", path))?;
    match kind_of(&stat) {
        Kind::File => Ok(File::from(file)),
        Kind::Directory => Err(FileError::refused(path, "it is a directory")),
        Kind::Symlink => Err(FileError::refused(path, "it is a symlink")),
        Kind::Other(what) => Err(FileError::refused(path, format!("it is {what}, not a file"))),
    }
}

/// The place that a symlink at `path` leads to. Whether it climbs is for the kernel to say when that is opened.
fn behind(path: &VirtualPath, target: &str) -> Result<VirtualPath, FileError> {
    let leads_out = || FileError::refused(path, format!("it leads out of {}", path.mount().as_str()));
    let (parent, _) = path.split().ok_or_else(leads_out)?;
    if target.starts_with('/') {
        return Err(leads_out());
    }
    VirtualPath::parse(&format!("{}/{}/{target}", path.mount().as_str(), parent.below()))
        .map_err(|_| leads_out())
}
