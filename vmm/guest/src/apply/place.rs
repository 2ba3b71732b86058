//! Where something may be changed: in a directory that both sides have. A place in any other directory cannot be said.
use crate::{root::Root, tree::Mark};
use std::{fs, io, os::fd::OwnedFd, os::unix::fs::MetadataExt};
use wire::TreePath;

/// A directory that both sides have.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    /// Nothing for the workspace itself.
    path: Option<TreePath>,
    /// Which directory it is; one that is not there yet has no number.
    number: Option<u64>,
}

/// A place in a directory that both sides have.
#[derive(Debug, Clone)]
pub(super) struct Place {
    path: TreePath,
    within: Option<u64>,
}

impl Shared {
    /// The workspace itself.
    pub(super) fn root() -> Shared {
        Shared { path: None, number: None }
    }

    /// A directory that was sent, and is still the one that was; `None` if it is not.
    pub(super) fn sent(place: &Place, sent: &Mark, now: &Mark) -> Option<Shared> {
        let is_same = sent.is_directory() && now.is_directory() && sent.number() == now.number();
        is_same.then(|| Shared { path: Some(place.path.clone()), number: Some(now.number()) })
    }

    /// A directory that is made anew.
    pub(super) fn made(place: &Place) -> Shared {
        Shared { path: Some(place.path.clone()), number: None }
    }

    /// Returns a place in it, if the path leads to one.
    pub(super) fn place(&self, path: &TreePath) -> Option<Place> {
        let is_within = path.parent() == self.path.as_ref().map(TreePath::as_path);
        is_within.then(|| Place { path: path.clone(), within: self.number })
    }
}

impl Place {
    /// Returns where it is.
    pub(super) fn path(&self) -> &TreePath {
        &self.path
    }

    /// Opens the directory that it is in, if that is still the one that was meant.
    pub(super) fn directory(&self, root: &Root) -> io::Result<OwnedFd> {
        let parent =
            self.path.parent().map(|path| TreePath::from_path(path).expect("a part of a plain path"));
        let directory = fs::File::from(root.directory(parent.as_ref())?);
        match self.within {
            Some(number) if directory.metadata()?.ino() != number => Err(replaced()),
            Some(_) | None => Ok(directory.into()),
        }
    }
}

/// The host's owner was quicker than the plan.
pub(super) fn replaced() -> io::Error {
    io::Error::other("it was changed on the host just now")
}
