//! A directory of the host, opened: whatever is in it is reached beneath it, over no link and over no mount. Says what is in
//! a place, and changes nothing.
use crate::tree::Mark;
use rustix::{
    fs::{CWD, Dir, Mode, OFlags, ResolveFlags, openat, openat2, readlinkat},
    io::Errno,
};
use std::{
    ffi::{OsStr, OsString},
    fs, io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::Path,
};
use wire::TreePath;

/// An opened directory.
#[derive(Debug)]
pub(crate) struct Root(OwnedFd);

/// What is in a place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing.
    Nothing,
    /// What a guest can be sent.
    Sendable(Mark),
    /// A socket, a pipe, a device, or a link that is too long: nothing that a guest can have seen.
    Unsendable,
    /// What another file system shows there, or the way to it.
    Mounted,
}

impl Root {
    /// Opens a directory.
    pub(crate) fn open(place: &Path) -> io::Result<Root> {
        Ok(Root(openat(CWD, place, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?))
    }

    fn beneath(&self, path: &Path, flags: OFlags) -> rustix::io::Result<OwnedFd> {
        let how = ResolveFlags::BENEATH
            | ResolveFlags::NO_SYMLINKS
            | ResolveFlags::NO_MAGICLINKS
            | ResolveFlags::NO_XDEV;
        openat2(&self.0, path, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty(), how)
    }

    /// Looks at a place.
    pub(crate) fn look(&self, path: &TreePath) -> io::Result<Found> {
        self.look_as(path, path)
    }

    /// Looks at what was in a place and is elsewhere now.
    pub(crate) fn look_as(&self, now_at: &TreePath, path: &TreePath) -> io::Result<Found> {
        let handle = match self.beneath(now_at.as_path(), OFlags::PATH) {
            Ok(handle) => fs::File::from(handle),
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Found::Nothing),
            Err(Errno::XDEV) => return Ok(Found::Mounted),
            Err(error) => return Err(error.into()),
        };
        // An empty name is the link that was opened.
        let target = || Ok(readlinkat(&handle, c"", Vec::new())?.into_bytes());
        Ok(Mark::new(path, &handle.metadata()?, target)?.map_or(Found::Unsendable, Found::Sendable))
    }

    /// Opens a directory, or without a path the root, to do something with names in it.
    pub(crate) fn directory(&self, path: Option<&TreePath>) -> io::Result<OwnedFd> {
        let path = path.map_or(Path::new("."), TreePath::as_path);
        Ok(self.beneath(path, OFlags::PATH | OFlags::DIRECTORY)?)
    }

    /// Opens a directory to read it, or to set its permissions.
    pub(crate) fn readable(&self, path: &TreePath) -> io::Result<OwnedFd> {
        Ok(self.beneath(path.as_path(), OFlags::RDONLY | OFlags::DIRECTORY)?)
    }

    /// Returns the names in a directory.
    pub(crate) fn names(&self, path: &TreePath) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(self.readable(path)?)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::{fs::symlink, net::UnixListener};

    #[test]
    fn a_place_is_looked_at_beneath_the_root_only() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("root/d")).unwrap();
        fs::write(home.path().join("root/d/f"), "one").unwrap();
        fs::write(home.path().join("outside"), "secret").unwrap();
        symlink("..", home.path().join("root/out")).unwrap();
        let _listener = UnixListener::bind(home.path().join("root/socket")).unwrap();
        let root = Root::open(&home.path().join("root")).unwrap();
        let look = |path: &str| root.look(&TreePath::new(path).unwrap());
        assert!(matches!(look("d").unwrap(), Found::Sendable(mark) if mark.is_directory()));
        assert!(matches!(look("d/f").unwrap(), Found::Sendable(mark) if !mark.is_directory()));
        assert!(matches!(look("out").unwrap(), Found::Sendable(_)), "the link itself");
        assert_eq!(look("socket").unwrap(), Found::Unsendable);
        assert_eq!(look("d/none").unwrap(), Found::Nothing);
        assert_eq!(look("d/f/none").unwrap(), Found::Nothing);
        look("out/outside").unwrap_err();
        assert_eq!(root.names(&TreePath::new("d").unwrap()).unwrap(), ["f"]);
    }

    #[test]
    fn a_mount_is_seen_and_not_entered() {
        // The one mount that is everywhere.
        let root = Root::open(Path::new("/")).unwrap();
        for path in ["proc", "proc/version"] {
            assert_eq!(root.look(&TreePath::new(path).unwrap()).unwrap(), Found::Mounted, "{path}");
        }
    }
}
