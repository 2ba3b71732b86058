//! Snapshots on disk: a directory with the state of processors and devices, memory, and what was written to disks. `format`
//! is the head of the state, `pages` the memory. Nothing is believed: a snapshot that is cut, flipped or of another kind is
//! refused by name, before any of it is used.
pub(crate) mod format;
pub(crate) mod pages;

/// Why a snapshot cannot be used, or written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It is not what this monitor wrote.
    #[error("the snapshot is damaged: {0}: boot, and take a new one")]
    Damaged(String),
    /// Another monitor wrote it.
    #[error(
        "the snapshot has format {found}, this monitor reads {}: boot, and take a new one",
        format::VERSION
    )]
    Version {
        /// What it has.
        found: u32,
    },
    /// It fits to something else.
    #[error("the snapshot was taken with {what} `{then}`, this is `{now}`: boot, and take a new one")]
    Changed {
        /// What is different.
        what: &'static str,
        /// What it was.
        then: String,
        /// What it is.
        now: String,
    },
    /// The whole snapshot that it differs from was replaced.
    #[error(
        "the snapshot `{name}` differs from a `{base}` that is not there any more: boot, and take a new one"
    )]
    OtherBase {
        /// The difference.
        name: String,
        /// What it differs from.
        base: String,
    },
    /// It could be written, and never read.
    #[error(
        "the snapshot's state would have {} MiB, and more than {} MiB are not read back: a disk that the guest may write is too large",
        bytes >> 20,
        format::STATE_MAX >> 20
    )]
    TooLarge {
        /// How long it would be.
        bytes: u64,
    },
    /// A difference needs something to differ from.
    #[error("a difference needs a guest that was restored from a full snapshot: take a full one")]
    NoOrigin,
    /// A file of it.
    #[error("cannot {step} the snapshot `{name}`")]
    File {
        /// What was attempted.
        step: &'static str,
        /// Which.
        name: String,
        /// What the kernel, or the warden, said.
        #[source]
        source: std::io::Error,
    },
}

impl SnapshotError {
    /// Whether it, or a file of it, is not there.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self, SnapshotError::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
    }

    /// Whether it comes to the same whenever the snapshot is tried again. What the machine has too little of just now, or
    /// what a disk did once, says nothing of the snapshot.
    pub(crate) fn is_lasting(&self) -> bool {
        match self {
            SnapshotError::Damaged(_)
            | SnapshotError::Version { .. }
            | SnapshotError::Changed { .. }
            | SnapshotError::OtherBase { .. } => true,
            SnapshotError::File { .. } => self.is_absence(),
            SnapshotError::TooLarge { .. } | SnapshotError::NoOrigin => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn only_what_stays_so_is_held_against_a_snapshot() {
        let file = |errno: i32| SnapshotError::File {
            step: "open",
            name: "gold".to_owned(),
            source: io::Error::from_raw_os_error(errno),
        };
        for errno in [libc::EMFILE, libc::ENFILE, libc::EIO, libc::ENOMEM, libc::EACCES, libc::EPERM] {
            assert!(!file(errno).is_lasting() && !file(errno).is_absence(), "{errno}");
        }
        assert!(file(libc::ENOENT).is_lasting() && file(libc::ENOENT).is_absence());
        let changed = SnapshotError::Changed { what: "kernel", then: "a".to_owned(), now: "b".to_owned() };
        let other = SnapshotError::OtherBase { name: "more".to_owned(), base: "gold".to_owned() };
        for lasting in
            [SnapshotError::Damaged("cut".to_owned()), SnapshotError::Version { found: 1 }, changed, other]
        {
            assert!(lasting.is_lasting() && !lasting.is_absence(), "{lasting}");
        }
    }
}
