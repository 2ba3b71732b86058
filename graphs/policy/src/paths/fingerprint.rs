//! Fingerprints of what a path names, so that after a crash a change can be told from no change. A file is known by its
//! content; a large one, and a tree, by what the file system keeps of each name. It opens nothing for writing.
use super::list::{Kind, kind_of, names};
use super::root::{Located, regular};
use super::{FileError, VirtualPath, Workspace};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode, OFlags, Stat, openat, readlinkat, statat};
use std::ffi::{CStr, CString};
use std::io::Read;

/// A larger file is not read through before it is deleted: its size, its time and its inode have to do.
const CONTENT_BYTES_MAX: u64 = 64 << 20;
/// A tree with more names has no fingerprint: looking would take longer than deleting.
const NAMES_MAX: usize = 10_000;
/// Each level holds a directory open. As deep as a tree may be to be deleted.
const DEPTH_MAX: usize = 128;
/// How much is read between two looks at whether the answer is still wanted.
const CHUNK_BYTES: usize = 1 << 20;

/// The fingerprint of a path that names nothing.
pub const ABSENT: &str = "absent";

/// Returns the fingerprint of a file that holds this.
pub fn fingerprint_of(content: &[u8]) -> String {
    of_content(content.len() as u64, &blake3::hash(content))
}

impl Workspace {
    /// Returns the fingerprint of what a path names, or `None` when that is too much to look at. A symlink at the end is
    /// one, wherever it leads. `proceed` is asked on the way.
    ///
    /// # Errors
    /// When the path leads out, when it was stopped, or when the system fails; also when a name vanishes from a tree that
    /// is being looked at.
    pub fn fingerprint(
        &self,
        path: &VirtualPath,
        proceed: &dyn Fn() -> bool,
    ) -> Result<Option<String>, FileError> {
        let Located { parent, name } = match self.located(path) {
            Ok(located) => located,
            Err(FileError::Missing { .. }) => return Ok(Some(ABSENT.to_owned())),
            Err(other) => return Err(other),
        };
        let name = CString::new(name).map_err(|_| FileError::refused(path, "it holds a NUL byte"))?;
        let mut look = Look { path, proceed, hasher: blake3::Hasher::new(), names: 0 };
        match look.stat(&parent, &name) {
            Ok(stat) => look.one(&parent, &name, &stat),
            Err(FileError::Missing { .. }) => Ok(Some(ABSENT.to_owned())),
            Err(other) => Err(other),
        }
    }
}

fn of_content(bytes: u64, hash: &blake3::Hash) -> String {
    format!("a file of {bytes} bytes, blake3 {hash}")
}

/// A look at a path, which the hash of all names grows with.
struct Look<'a> {
    path: &'a VirtualPath,
    proceed: &'a dyn Fn() -> bool,
    hasher: blake3::Hasher,
    names: usize,
}

impl Look<'_> {
    fn one(&mut self, parent: &OwnedFd, name: &CStr, stat: &Stat) -> Result<Option<String>, FileError> {
        let kind = kind_of(stat);
        let is_large = u64::try_from(stat.st_size).is_ok_and(|bytes| bytes > CONTENT_BYTES_MAX);
        if kind == Kind::File
            && !is_large
            && let Some(content) = self.content(parent, name)?
        {
            return Ok(Some(content));
        }
        self.entry(parent, name, stat);
        let is_whole = kind != Kind::Directory || self.below(parent, name, 0)?;
        let what = match kind {
            Kind::File => "a large file".to_owned(),
            Kind::Directory => format!("a directory with {} names below it", self.names),
            Kind::Symlink => "a symlink".to_owned(),
            Kind::Other(what) => what.to_owned(),
        };
        Ok(is_whole.then(|| format!("{what}, blake3 {}", self.hasher.finalize())))
    }

    /// The fingerprint of a file by its content; `None` when it is too large, or not for us to read.
    fn content(&self, parent: &OwnedFd, name: &CStr) -> Result<Option<String>, FileError> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(file) = openat(parent, name, flags, Mode::empty()) else { return Ok(None) };
        let mut file = regular(file, self.path)?.take(CONTENT_BYTES_MAX + 1);
        let (mut hasher, mut bytes) = (blake3::Hasher::new(), 0);
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            self.go_on()?;
            let read = file.read(&mut chunk).map_err(|source| FileError::Failed {
                what: "read",
                path: self.path.to_string(),
                source,
            })?;
            bytes += read as u64;
            if read == 0 || bytes > CONTENT_BYTES_MAX {
                break;
            }
            hasher.update(&chunk[..read]);
        }
        Ok((bytes <= CONTENT_BYTES_MAX).then(|| of_content(bytes, &hasher.finalize())))
    }

    /// Takes in every name below a directory, and says whether those were all.
    fn below(&mut self, parent: &OwnedFd, name: &CStr, depth: usize) -> Result<bool, FileError> {
        if depth >= DEPTH_MAX {
            return Ok(false);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = openat(parent, name, flags, Mode::empty())
            .map_err(|errno| FileError::of(errno, "look into", self.path))?;
        let (names, is_cut) = names(&directory, self.path, NAMES_MAX - self.names)?;
        if is_cut {
            return Ok(false);
        }
        self.names += names.len();
        for name in &names {
            self.go_on()?;
            let stat = self.stat(&directory, name)?;
            self.entry(&directory, name, &stat);
            if kind_of(&stat) == Kind::Directory && !self.below(&directory, name, depth + 1)? {
                return Ok(false);
            }
        }
        // The end of a directory: a name that moves one level up is another tree.
        self.hasher.update(&[0]);
        Ok(true)
    }

    /// Takes in what the file system keeps of a name. Of a directory only that it is this one: what is in it counts.
    fn entry(&mut self, parent: &OwnedFd, name: &CStr, stat: &Stat) {
        let name_bytes = name.to_bytes();
        self.hasher.update(&(name_bytes.len() as u64).to_le_bytes()).update(name_bytes);
        self.hasher.update(&stat.st_mode.to_le_bytes()).update(&stat.st_ino.to_le_bytes());
        if kind_of(stat) == Kind::Directory {
            return;
        }
        self.hasher.update(&stat.st_size.to_le_bytes());
        self.hasher.update(&stat.st_mtime.to_le_bytes()).update(&stat.st_mtime_nsec.to_le_bytes());
        if let Ok(target) = readlinkat(parent, name, Vec::new()) {
            self.hasher.update(target.to_bytes());
        }
    }

    fn stat(&self, parent: &OwnedFd, name: &CStr) -> Result<Stat, FileError> {
        statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|errno| FileError::of(errno, "look at", self.path))
    }

    fn go_on(&self) -> Result<(), FileError> {
        if (self.proceed)() {
            Ok(())
        } else {
            Err(FileError::refused(self.path, "the look at it was stopped"))
        }
    }
}
