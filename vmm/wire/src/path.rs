//! A path within a tree: relative, in one spelling, and unable to lead out of the tree by its words alone. Says nothing
//! about symbolic links: whoever opens it must not follow them.
use crate::{Unreadable, Wire};
use std::{
    ffi::OsStr,
    fmt,
    os::unix::ffi::OsStrExt,
    path::{Component, Path},
};

/// The longest path that Linux takes.
const PATH_BYTES_MAX: usize = 4096;
/// The longest name that Linux file systems take.
const NAME_BYTES_MAX: usize = 255;

/// Bytes that are no path within a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// Nothing at all.
    #[error("a path is empty")]
    Empty,
    /// More than Linux takes.
    #[error("a path, or a name in it, is too long")]
    Long,
    /// `/`, `.`, `..`, an empty name or a zero byte.
    #[error("a path is not relative and plain")]
    NotPlain,
}

/// A path within a tree, in bytes as Linux has them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(Vec<u8>);

impl TreePath {
    /// Takes bytes that are a plain relative path: names without `.` and `..`, one `/` between them.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<TreePath, BadPath> {
        let bytes = bytes.into();
        if bytes.is_empty() {
            return Err(BadPath::Empty);
        }
        if bytes.len() > PATH_BYTES_MAX {
            return Err(BadPath::Long);
        }
        for name in bytes.split(|byte| *byte == b'/') {
            match name {
                [] | [b'.'] | [b'.', b'.'] => return Err(BadPath::NotPlain),
                name if name.contains(&0) => return Err(BadPath::NotPlain),
                name if name.len() > NAME_BYTES_MAX => return Err(BadPath::Long),
                _name => {}
            }
        }
        Ok(TreePath(bytes))
    }

    /// Takes a relative path of this system.
    pub fn from_path(path: &Path) -> Result<TreePath, BadPath> {
        let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        if is_plain { TreePath::new(path.as_os_str().as_bytes()) } else { Err(BadPath::NotPlain) }
    }

    /// Returns the directory that it is in, or `None` when that is the tree itself.
    pub fn parent(&self) -> Option<&Path> {
        self.as_path().parent().filter(|parent| !parent.as_os_str().is_empty())
    }

    /// Returns the last of its names.
    pub fn name(&self) -> &OsStr {
        self.as_path().file_name().expect("a plain path has a name")
    }

    /// Returns the path of a name in it.
    pub fn join(&self, name: &OsStr) -> Result<TreePath, BadPath> {
        TreePath::new([self.0.as_slice(), b"/", name.as_bytes()].concat())
    }

    /// Returns it as a path of this system.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_path(), f)
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Escaped: a name in a guest may hold what moves a terminal's cursor.
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl Wire for TreePath {
    fn put(&self, out: &mut Vec<u8>) {
        u16::try_from(self.0.len()).expect("a path is shorter than 4097 bytes").put(out);
        out.extend_from_slice(&self.0);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, Unreadable> {
        let len = usize::from(u16::take(bytes)?);
        let (path, rest) = bytes.split_at_checked(len).ok_or(Unreadable::Short)?;
        *bytes = rest;
        Ok(TreePath::new(path)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_relative_paths_are_taken() {
        for path in ["a", "a/b", ".hidden/..b/c.", "with space", "\u{7f}"] {
            assert!(TreePath::new(path).is_ok(), "{path}");
            assert!(TreePath::from_path(Path::new(path)).is_ok(), "{path}");
        }
    }

    #[test]
    fn a_path_is_a_directory_and_a_name() {
        let path = TreePath::new("a/b").unwrap();
        assert_eq!((path.parent(), path.name()), (Some(Path::new("a")), OsStr::new("b")));
        let parent = TreePath::new("a").unwrap();
        assert_eq!((parent.parent(), parent.join(path.name())), (None, Ok(path)));
        assert_eq!(parent.join(OsStr::new("..")), Err(BadPath::NotPlain));
    }

    #[test]
    fn what_leads_elsewhere_or_has_two_spellings_is_refused() {
        let long_name = "n".repeat(256);
        let long = ["n"; 2049].join("/");
        for path in ["", "/", "/a", "a/", "a//b", "./a", "a/.", "..", "a/../b", "a\0b", &long_name, &long] {
            assert!(TreePath::new(path).is_err(), "{path:?}");
        }
        assert!(TreePath::from_path(Path::new("../a")).is_err());
    }
}
