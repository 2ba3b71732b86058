//! What can go wrong with a workspace path, split by who can do something about it.
use super::VirtualPath;
use rustix::io::Errno;
use std::io;

/// A file operation did not happen.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The path, or what is there, is not for file tools: write another.
    #[error("`{path}` is refused: {why}")]
    Refused {
        /// The path.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing is there.
    #[error("`{path}` does not exist")]
    Missing {
        /// The path.
        path: String,
    },
    /// Something is there, and its place shall not be taken.
    #[error("`{path}` exists already")]
    Taken {
        /// The path.
        path: String,
    },
    /// The system did not do it.
    #[error("cannot {what} `{path}`: {source}")]
    Failed {
        /// What was attempted.
        what: &'static str,
        /// With which path.
        path: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is no `openat2`, and no other way is as safe.
    #[error(
        "this system cannot resolve paths beneath a directory (`openat2`: Linux 5.6 or newer, not filtered)"
    )]
    NoOpenat2 {
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

impl FileError {
    pub(super) fn refused(path: impl ToString, why: impl Into<String>) -> FileError {
        FileError::Refused { path: path.to_string(), why: why.into() }
    }

    /// Says what the kernel's number means for a path.
    pub(super) fn of(errno: Errno, what: &'static str, path: &VirtualPath) -> FileError {
        let mount = path.mount().as_str();
        match errno {
            Errno::NOENT => FileError::Missing { path: path.to_string() },
            Errno::EXIST => FileError::Taken { path: path.to_string() },
            Errno::XDEV => FileError::refused(path, format!("it leads out of {mount}")),
            Errno::LOOP => FileError::refused(path, "its symlinks lead in a circle or nowhere"),
            Errno::NOTDIR => FileError::refused(path, "a part of it is a file, not a directory"),
            Errno::ISDIR => FileError::refused(path, "it is a directory"),
            Errno::NAMETOOLONG => FileError::refused(path, "it is too long"),
            Errno::NXIO => FileError::refused(path, "it is a socket or a device, not a file"),
            other => FileError::Failed { what, path: path.to_string(), source: other.into() },
        }
    }
}
