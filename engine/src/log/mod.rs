//! The log: groups of opaque records, in one order, each group atomic. It knows nothing of runs.
use futures::future::BoxFuture;
use std::{io, path::PathBuf, sync::Arc};

/// The address of a record: dense, from 1. Stable for ever, compaction included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Lsn(pub u64);

impl Lsn {
    /// Before the first record.
    pub const START: Lsn = Lsn(0);
}

/// A group as it lies in the log: its records have the addresses `first`, `first + 1`, …
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// The address of the first record.
    pub first: Lsn,
    /// The bodies of the records; never empty.
    pub records: Vec<Vec<u8>>,
}

impl Group {
    /// The address of the last record.
    pub fn last(&self) -> Lsn {
        Lsn(self.first.0 + self.records.len() as u64 - 1)
    }
}

/// The log cannot be used, or not any more.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogFault {
    /// Somebody else owns it.
    #[error("the journal in {path} is in use by {owner}: stop it first, or use another home")]
    Owned {
        /// The journal's directory.
        path: PathBuf,
        /// Who says it owns it, for example `process 4711`.
        owner: String,
    },
    /// What was acknowledged once cannot be read. Nothing was changed.
    #[error("the journal is damaged: {file} at byte {byte}: {what}; nothing was changed. Restore the file from a backup, or move it away with everything after it to start from what is before")]
    Damaged {
        /// The segment.
        file: PathBuf,
        /// Where in it.
        byte: u64,
        /// What is wrong there, and how it is known that it was once right.
        what: String,
    },
    /// A write or a sync failed; what is on disk behind the last acknowledgement is unknown, so nothing is written any
    /// more by this process.
    #[error("cannot {act} {path}: {source}")]
    Io {
        /// What was tried.
        act: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: Arc<io::Error>,
    },
    /// The group is larger than the log takes.
    #[error("a group of {bytes} bytes is larger than the {max} that the journal takes")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// It was opened beside its owner, for reading.
    #[error("the journal was opened for reading")]
    ReadOnly,
}

/// The one order of everything that happened. One owner writes; whoever may read the files may read.
pub trait Log: Send + Sync + 'static {
    /// Orders a group and returns the address of its last record at once. It is durable once [`Log::durable`] returns
    /// for that address. The group is read back whole or not at all.
    ///
    /// # Errors
    /// When the log is poisoned by an earlier failure, or the group is too large: then nothing was ordered.
    fn append(&self, records: Vec<Vec<u8>>) -> Result<Lsn, LogFault>;

    /// Waits until all up to `lsn` survives the end of the process and of the machine.
    ///
    /// # Errors
    /// When a write or a sync failed: then nothing behind the last success is ever acknowledged.
    fn durable(&self, lsn: Lsn) -> BoxFuture<'static, Result<(), LogFault>>;

    /// Returns what is durable.
    fn durable_lsn(&self) -> Lsn;

    /// Reads a record.
    ///
    /// # Errors
    /// When there is none at `lsn`, or its checksum is wrong.
    fn read(&self, lsn: Lsn) -> Result<Vec<u8>, LogFault>;

    /// Calls `each` with every durable group from the one that holds `from`, in order, on this thread, and returns when
    /// there are no more.
    ///
    /// # Errors
    /// When a group cannot be read.
    fn scan(&self, from: Lsn, each: &mut dyn FnMut(&Group) -> Flow) -> Result<(), LogFault>;

    /// Calls `each` with every durable group from the one that holds `from`, then with each later one after it has become durable, in order, on a
    /// thread of its own. It ends when the log is closed or `each` says [`Flow::Stop`].
    fn subscribe(&self, from: Lsn, each: Box<dyn FnMut(&Group) -> Flow + Send>);

    /// Writes what is pending and stops the writer. Later appends fail.
    fn close(&self);
}

/// Whether a subscriber wants more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The next group, please.
    Continue,
    /// No more.
    Stop,
}
