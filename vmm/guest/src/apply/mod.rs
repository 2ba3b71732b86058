//! Applies what a call changed to the host's workspace: all of it or nothing. What is replaced or removed is first moved
//! into the staging directory, and comes back when anything fails. What would cost the host something of its own, and
//! whatever was never sent, is a conflict that is found before anything is touched.
//!
//! Reading order: [`place`] is where something may be changed at all; [`unchanged`] tells what is the host's; [`plan`] decides
//! what is done; [`ledger`] does it, and can take it back.
mod ledger;
mod place;
mod plan;
#[cfg(test)]
mod tests;
mod unchanged;

use crate::{changes::Changes, root::Root, tree::Tree};
use ledger::Ledger;
use plan::Plan;
use std::{
    fmt, io,
    path::{Path, PathBuf},
};
use wire::TreePath;

/// Why the host keeps what is in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It is no longer what was sent.
    Changed,
    /// No guest was sent it, or what is in it: it was told to stay, or cannot be sent.
    Unsent,
    /// It is on another file system, where nothing can be moved from or to.
    Mounted,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cause::Changed => "was changed on the host meanwhile",
            Cause::Unsent => "was never sent, and is the host's alone",
            Cause::Mounted => "is on a file system of its own",
        })
    }
}

/// A place that a guest changed and the host keeps.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} {cause}")]
pub struct Conflict {
    /// Where.
    pub path: TreePath,
    /// Why.
    pub cause: Cause,
}

/// Why nothing was applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The host's own would be lost, or changed by who never saw it.
    #[error("{}", conflicts(.0))]
    Conflicts(Vec<Conflict>),
    /// A file failed, and everything was put back.
    #[error("cannot apply {path}: {source}; nothing was changed")]
    Failed {
        /// Which change.
        path: TreePath,
        /// Why it failed.
        source: io::Error,
    },
    /// A file failed, and so did putting things back.
    #[error("cannot apply {path}: {source}; what was there before is kept in {}", .kept.display())]
    Torn {
        /// Which change.
        path: TreePath,
        /// Why it failed.
        source: io::Error,
        /// Where what was there before is.
        kept: PathBuf,
    },
    /// The workspace itself cannot be used.
    #[error("cannot open the workspace {}: {source}", .root.display())]
    Root {
        /// Where it is.
        root: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

fn conflicts(all: &[Conflict]) -> String {
    match all {
        [] => "there are no conflicts".to_owned(),
        [only] => format!("{only}; nothing was changed"),
        [first, others @ ..] => {
            format!("{first}, and {} more places are the host's; nothing was changed", others.len())
        }
    }
}

impl Changes {
    /// Applies the changes to a workspace that was sent as `sent`. Afterwards it holds exactly what the guest's has, in
    /// every place that the guest changed, `sent` says so, and the staging directory is gone.
    pub fn apply(self, root: &Path, sent: &mut Tree) -> Result<(), ApplyError> {
        let failed = |source| ApplyError::Root { root: root.to_owned(), source };
        let opened = Root::open(root).map_err(failed)?;
        let plan = Plan::make(&opened, sent, &self.changes)?;
        let mut ledger = Ledger::begin(&opened, sent, &self.staging).map_err(failed)?;
        if let Err((path, source)) = ledger.carry_out(&plan) {
            let Ok(restored) = ledger.take_back() else {
                let kept = self.staging.clone();
                drop(plan);
                // Kept for its owner: it is the only copy.
                std::mem::forget(self);
                return Err(ApplyError::Torn { path, source, kept });
            };
            sent.moved_back(&restored, &opened);
            return Err(ApplyError::Failed { path, source });
        }
        for noted in plan.noted() {
            // A place that cannot be looked at counts as unknown, and is sent again.
            let _unknown = sent.note(noted.path, &opened, noted.replaces);
        }
        Ok(())
    }
}
