//! Whether what the host has is what was sent from there, with everything beneath it. It looks, and changes nothing.
use super::{Cause, Conflict};
use crate::{
    root::{Found, Root},
    tree::{Mark, Tree},
};
use std::io;
use wire::TreePath;

/// Why something is not changed.
pub(super) enum Refusal {
    /// It is the host's.
    Conflict(Conflict),
    /// It cannot be looked at.
    Failed(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Refusal {
        Refusal::Failed(error)
    }
}

pub(super) fn conflict(path: &TreePath, cause: Cause) -> Refusal {
    Refusal::Conflict(Conflict { path: path.clone(), cause })
}

/// Makes sure that one entry is what was sent, and returns its mark.
pub(super) fn top(sent: &Tree, path: &TreePath, found: Found) -> Result<Mark, Refusal> {
    let cause = match found {
        _ if sent.stays(path) => Cause::Unsent,
        Found::Sendable(now) if sent.sent(path).is_some_and(|sent| sent.is_unchanged(&now)) => {
            return Ok(now);
        }
        Found::Sendable(_) | Found::Nothing => Cause::Changed,
        Found::Unsendable => Cause::Unsent,
        Found::Mounted => Cause::Mounted,
    };
    Err(conflict(path, cause))
}

/// Makes sure that everything in a directory is what was sent from `path`; the directory is at `now_at` beneath `root`,
/// where it may have been moved: that changes nothing of what is in it.
pub(super) fn beneath(sent: &Tree, path: &TreePath, root: &Root, now_at: &TreePath) -> Result<(), Refusal> {
    let mut open = vec![(path.clone(), now_at.clone())];
    while let Some((path, now_at)) = open.pop() {
        for name in root.names(&now_at)? {
            // A name that cannot be said was never sent.
            let said =
                |directory: &TreePath| directory.join(&name).map_err(|_| conflict(&path, Cause::Unsent));
            let (inner, inner_at) = (said(&path)?, said(&now_at)?);
            match root.look_as(&inner_at, &inner)? {
                Found::Nothing => {}
                found => open.extend(top(sent, &inner, found)?.is_directory().then_some((inner, inner_at))),
            }
        }
    }
    Ok(())
}
