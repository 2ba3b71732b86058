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
