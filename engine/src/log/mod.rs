//! The log: groups of opaque records, in one order, each group atomic. It knows nothing of runs.
use crate::sync::JoinHandle;
use futures::future::BoxFuture;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

mod bodies;
mod file;
mod fold;
mod horizon;
mod memory;
mod sieve;

#[cfg(test)]
mod conformance;

pub use bodies::{Bodies, Mark};
pub use file::{FileLog, GROUP_BYTES_MAX, Mode, Opened, Options, Torn};
#[cfg(any(test, feature = "testing"))]
pub(crate) use file::{play, play_home};
pub use fold::{Fold, Keeping, Unused};
pub use memory::MemoryLog;
pub use sieve::{Compacted, Kept, Sealed, Shelf, Sieve};

use fold::Each;

/// The address of a record: dense, from 1. Stable for ever, compaction included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
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
    #[error(
        "the journal is damaged: {file} at byte {byte}: {what}; nothing was changed. Restore the file from a backup, or move it away with everything after it to start from what is before"
    )]
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
    #[error("cannot {act} {path}: {source}{}", way_out(source))]
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
    /// A file among the segments is not one, or is of another version of the format. Nothing was changed.
    #[error("{path} is no segment of a journal that this version reads: {what}; nothing was changed")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        what: String,
    },
    /// There is no such record, or it is not durable yet.
    #[error("there is no record {}: the journal is durable up to {}", .lsn.0, .last.0)]
    Missing {
        /// What was asked for.
        lsn: Lsn,
        /// The last durable record.
        last: Lsn,
    },
    /// There was such a record, and it is not kept any more.
    #[error("record {} is not kept any more", .0.0)]
    Gone(Lsn),
    /// It was closed.
    #[error("the journal is closed")]
    Closed,
}

impl From<LogFault> for io::Error {
    fn from(fault: LogFault) -> io::Error {
        io::Error::other(fault)
    }
}

/// The one order of everything that happened. One owner writes; whoever may read the files may read.
pub trait Log: Send + Sync + 'static {
    /// Orders a group and returns the address of its last record at once. It is durable once [`Log::durable`] returns
    /// for that address. The group is read back whole or not at all. An empty group orders nothing and returns the
    /// address of the last record before it.
    ///
    /// # Errors
    /// When the log is poisoned by an earlier failure, or the group is too large: then nothing was ordered.
    fn order(&self, group: &Bodies) -> Result<Lsn, LogFault>;

    /// Orders records that somebody has one by one, see [`Log::order`].
    ///
    /// # Errors
    /// As [`Log::order`].
    fn append(&self, records: Vec<Vec<u8>>) -> Result<Lsn, LogFault> {
        self.order(&records.into())
    }

    /// How many bytes of records that nobody can wait for yet the engine may hold back, to order them as one group with
    /// those that somebody can wait for. With none each is a group of its own: a test can crash behind each.
    fn gathers(&self) -> usize {
        0
    }

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
    /// When there is none at `lsn`, or its checksum is wrong, or it is not kept any more.
    fn read(&self, lsn: Lsn) -> Result<Vec<u8>, LogFault>;

    /// Calls `each` with every durable group from the one that holds `from`, in order, on this thread, and returns when
    /// there are no more. Only one group at a time is in memory. Of what was compacted there is what was kept: its groups
    /// have gaps between them, and one that lost records comes in several pieces.
    ///
    /// # Errors
    /// When a group cannot be read. Those before it were passed on.
    fn scan(&self, from: Lsn, each: &mut dyn FnMut(&Group) -> Flow) -> Result<(), LogFault>;

    /// Calls `each` with every durable group from the one that holds `from`, then with each later one after it has
    /// become durable, in order, on a thread of its own. A slow subscriber holds nobody up and loses nothing. It ends
    /// when `each` says [`Flow::Stop`], or when the log was closed and all that is durable was passed on. When a group
    /// cannot be read (or the thread not be started), `each` is told so, and that is the last call.
    fn subscribe(&self, from: Lsn, each: Subscriber);

    /// The same for who wants facts only: the past of what was compacted may be passed over.
    fn subscribe_to_facts(&self, from: Lsn, each: Subscriber) {
        self.subscribe(from, each);
    }

    /// Says who is called, on a thread that must not wait, whenever the journal has grown so much that a snapshot is due.
    /// A log that keeps none calls nobody.
    fn on_growth(&self, _call: Box<dyn Fn() + Send + Sync>) {}

    /// Keeps a snapshot of what was made of everything up to `at`, the last record of a group; [`Fold`] gets it back.
    /// Blocks until all that it reflects is durable. A log that keeps none does nothing.
    ///
    /// # Errors
    /// When it cannot be written: then the snapshot before it is still there, and nothing else has happened.
    fn keep(&self, _at: Lsn, _write: &mut Keeping<'_>) -> Result<(), LogFault> {
        Ok(())
    }

    /// Ends the open segment, so that it can be compacted: the next record lies in another one. A log without segments does
    /// nothing.
    fn seal(&self) {}

    /// How much is sealed. A log that seals nothing says so.
    fn sealed(&self) -> Sealed {
        Sealed::default()
    }

    /// Compacts the next stretch of what is sealed, from the one that holds `from`: a bounded amount of work, beside which
    /// the log is written and read as ever. Addresses stay as they are. Returns nothing when there is nothing behind `from`.
    ///
    /// # Errors
    /// When files cannot be read or written: then all is as it was.
    fn compact(&self, _from: Lsn, _sieve: &mut dyn Sieve) -> Result<Option<Compacted>, LogFault> {
        Ok(None)
    }

    /// Writes what is pending and stops the writer. Later appends fail. Returns what could not be done, or why nothing
    /// could be written any more since an earlier failure; what was acknowledged is durable in any case.
    fn close(&self) -> Option<LogFault>;
}

/// Who is called with each group, see [`Log::subscribe`].
pub type Subscriber = Box<dyn FnMut(Result<&Group, LogFault>) -> Flow + Send>;

/// Whether a subscriber wants more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The next group, please.
    Continue,
    /// No more.
    Stop,
}

/// Starts a thread of the log, by name, so that a stack dump says whose it is.
fn spawn(name: &'static str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LogFault> {
    crate::sync::spawn(name, run).map_err(LogFault::io("start the thread", Path::new(name)))
}

/// Runs a subscription on a thread of its own.
fn follow(each: Subscriber, run: impl FnOnce(&mut Subscriber) + Send + 'static) {
    // A thread that cannot be started has taken nothing.
    let handed = Arc::new(Mutex::new(Some(each)));
    let take = |from: &Mutex<Option<Subscriber>>| from.lock().unwrap_or_else(PoisonError::into_inner).take();
    let there = Arc::clone(&handed);
    let follow = move || {
        if let Some(mut each) = take(&there) {
            run(&mut each);
        }
    };
    if let Err(fault) = spawn("log-follower", follow) {
        take(&handed).iter_mut().for_each(|each| _ = each(Err(fault.clone())));
    }
}

/// What a person can do about a failure of the disk.
fn way_out(error: &io::Error) -> &'static str {
    /// What a kernel says when it cannot reach the disk, or when the disk cannot read or write.
    const EIO: i32 = 5;
    match (error.kind(), error.raw_os_error()) {
        (io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::WriteZero, _) => {
            ". There is no room left: free some there, then start again; what was acknowledged is kept"
        }
        (io::ErrorKind::ReadOnlyFilesystem, _) => {
            ". The file system became read-only, as they do when a disk fails: look at the kernel's messages"
        }
        (_, Some(EIO)) => {
            ". The disk fails, or the way to it: look at the kernel's messages, and copy the journal elsewhere before you go on"
        }
        (_, _) => "",
    }
}

impl LogFault {
    fn io(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> LogFault {
        move |source| LogFault::Io { act, path: path.to_owned(), source: Arc::new(source) }
    }
}
