//! The log in files: chained segments of frames, one frame per group, one writer. It never repairs damage and never
//! writes beside another owner.
//!
//! The way in: `queue` (ordered, in memory) → `writer` (on disk, published) → `compact` (sealed, what is kept). The way
//! back: `recover` at open, `read` later, both over `frames`. `frame`, `segment`, `part` and `manifest` are the layouts;
//! DECISIONS.md says why they are as they are.
use super::{
    Bodies, Compacted, Each, Flow, Fold, Group, Keeping, Log, LogFault, Lsn, Sealed, Shelf, Sieve,
    Subscriber, Unused, horizon::Horizon,
};
use crate::sync::{JoinHandle, Mutex};
use compact::Compactor;
use disk::{Disk, Real};
use futures::future::BoxFuture;
use growth::Growth;
use lock::Lock;
use map::Map;
use queue::Queue;
use read::Cursor;
use recover::Recovered;
use std::{
    fmt::Display,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use writer::Writer;

mod closed;
mod compact;
mod disk;
mod frame;
mod frames;
mod growth;
#[cfg(any(test, feature = "testing"))]
mod homes;
mod lock;
mod manifest;
mod map;
mod mend;
mod part;
mod queue;
mod read;
mod recover;
#[cfg(any(test, feature = "testing"))]
mod script;
mod segment;
mod snapshot;
mod stretch;
mod writer;

#[cfg(test)]
mod tests;

pub use frame::GROUP_BYTES_MAX;
#[cfg(any(test, feature = "testing"))]
pub(crate) use {homes::play as play_home, script::play};

/// Large enough that beginning a segment (two syncs) is rare, small enough that one is a unit to copy, compact or lose
/// sight of.
const SEGMENT_BYTES: u64 = 64 << 20;

/// A file whose length changes costs its file system a commit of its own with each sync: a record alone takes a quarter
/// less into room that is there already. So much at once is made rarely, and an open after a crash reads it in a
/// millisecond.
const ROOM_BYTES: u64 = 4 << 20;

/// Some hundred moves of a run that makes one after the other: what a group costs beside its records is then little.
const GATHERED_BYTES_MAX: usize = 16 << 10;

/// A snapshot is due when the journal has grown by so much since the last, or by as much as the last was large: an open
/// after a crash reads this in a third of a second, and snapshots are never written more often than records.
const SNAPSHOT_BYTES: u64 = 32 << 20;

/// As what a journal is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The one that writes. The directory is created when it is missing.
    Owner,
    /// One that only reads, beside an owner or without: it sees what was durable when it opened, takes no lock and
    /// changes nothing.
    Reader,
}

/// What may differ between journals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// A segment that has reached this size is followed by another.
    pub segment_bytes: u64,
    /// So much room is made ahead of what is written; it goes when the segment is full or the journal is closed. None is
    /// made with zero.
    pub room_bytes: u64,
    /// A snapshot is due when the journal has grown by so much; see [`Log::on_growth`].
    pub snapshot_bytes: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options { segment_bytes: SEGMENT_BYTES, room_bytes: ROOM_BYTES, snapshot_bytes: SNAPSHOT_BYTES }
    }
}

/// What was found at open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// The records that are there.
    pub records: u64,
    /// The groups they form.
    pub groups: u64,
    /// The files they lie in.
    pub segments: usize,
    /// The tail that was cut off. Nobody was ever told that it was durable. A reader cuts nothing and says nothing.
    pub torn: Option<Torn>,
    /// The position of the snapshot that was used: what is before it was not read.
    pub snapshot: Option<Lsn>,
    /// Snapshots that were there and were not used.
    pub unused: Vec<Unused>,
}

/// The end of a write that a crash interrupted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The segment.
    pub file: PathBuf,
    /// Where it was cut.
    pub byte: u64,
    /// How much was cut.
    pub bytes: u64,
}

/// A journal in a directory.
pub struct FileLog {
    map: Arc<Map>,
    horizon: Arc<Horizon>,
    /// Not there in a reader.
    owner: Option<Owner>,
}

struct Owner {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    growth: Arc<Growth>,
    /// Held while a snapshot is written, and while files are swapped: one at a time.
    keeping: std::sync::Mutex<()>,
    compactor: Compactor,
    seal: Arc<AtomicBool>,
    queue: Arc<Queue>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl FileLog {
    /// Opens a journal and checks all of it, without looking at its groups.
    ///
    /// # Errors
    /// See [`FileLog::open_with`].
    pub fn open(dir: &Path, mode: Mode) -> Result<(Arc<FileLog>, Opened), LogFault> {
        FileLog::open_with(dir, mode, Options::default(), &mut |_| Ok(()))
    }

    /// Opens a journal and calls `each` with every group in it, in order, while it checks them: the files are read once
    /// and one group at a time is in memory.
    ///
    /// # Errors
    /// When somebody else owns it, when it is damaged or foreign, when the disk does not do what it is asked, and with
    /// what `each` says. Then nothing was changed, unless it was the mending of a torn tail that failed.
    pub fn open_with<E: From<LogFault> + Display>(
        dir: &Path,
        mode: Mode,
        options: Options,
        each: &mut dyn FnMut(&Group) -> Result<(), E>,
    ) -> Result<(Arc<FileLog>, Opened), E> {
        FileLog::open_on(Arc::new(Real), dir, mode, options, &mut Each::new(each))
    }

    /// Opens a journal and folds what it holds: the newest snapshot that fits and the groups behind it, or every group.
    /// What lies before the snapshot is not read: should it be damaged, whoever reads it is told.
    ///
    /// # Errors
    /// See [`FileLog::open_with`].
    pub fn open_folding<E: From<LogFault> + Display>(
        dir: &Path,
        mode: Mode,
        options: Options,
        fold: &mut dyn Fold<E>,
    ) -> Result<(Arc<FileLog>, Opened), E> {
        FileLog::open_on(Arc::new(Real), dir, mode, options, fold)
    }

    fn open_on<E: From<LogFault> + Display>(
        disk: Arc<dyn Disk>,
        dir: &Path,
        mode: Mode,
        options: Options,
        fold: &mut dyn Fold<E>,
    ) -> Result<(Arc<FileLog>, Opened), E> {
        match mode {
            Mode::Owner => {
                settle_in(&*disk, dir)?;
                let lock = Lock::take(dir)?;
                let found = recover::recover(dir, mode, fold)?;
                Ok(FileLog::own(disk, dir, options, lock, found)?)
            }
            Mode::Reader => {
                let found = recover::recover(dir, mode, fold)?;
                let opened = Opened { torn: None, ..opened(&found) };
                let horizon = Arc::new(Horizon::new(found.last));
                horizon.end(LogFault::ReadOnly);
                let map = Arc::new(Map::new(dir, found.stretches()));
                Ok((Arc::new(FileLog { map, horizon, owner: None }), opened))
            }
        }
    }

    fn own(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
        lock: Lock,
        mut found: Recovered,
    ) -> Result<(Arc<FileLog>, Opened), LogFault> {
        let opened = opened(&found);
        let (segment, file) = mend::mend(&*disk, dir, &mut found)?;
        let map = Arc::new(Map::new(dir, found.stretches()));
        let horizon = Arc::new(Horizon::new(found.last));
        let queue = Arc::new(Queue::new(found.last));
        let growth = Arc::new(Growth::new(options.snapshot_bytes, found.tail_bytes));
        let seal = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            seal: Arc::clone(&seal),
            disk: Arc::clone(&disk),
            dir: dir.to_owned(),
            growth: Arc::clone(&growth),
            segment_bytes: options.segment_bytes,
            room_bytes: options.room_bytes,
            room: segment.end(),
            queue: Arc::clone(&queue),
            map: Arc::clone(&map),
            horizon: Arc::clone(&horizon),
            end: segment.end(),
            segment,
            file,
            last: found.last,
            chain: found.chain,
            marked: found.closed,
            _lock: lock,
        };
        let writer = Mutex::new(Some(super::spawn("log-writer", || writer.run())?));
        let (keeping, compactor) =
            (std::sync::Mutex::default(), Compactor::new(found.manifest.unwrap_or_default()));
        let owner = Owner { disk, dir: dir.to_owned(), growth, keeping, compactor, seal, queue, writer };
        Ok((Arc::new(FileLog { map, horizon, owner: Some(owner) }), opened))
    }

    /// Follows by reading the files, live groups too: they come from memory, and there is one way for slow and fast
    /// followers that cannot lose anything and never makes the writer wait.
    fn follow(&self, mut cursor: Cursor, each: Subscriber) {
        let horizon = Arc::clone(&self.horizon);
        super::follow(each, move |each| {
            while let Some(last) = horizon.wait_past(cursor.passed()) {
                match cursor.pass(last, &mut |group| each(Ok(group))) {
                    Ok(Flow::Continue) => {}
                    Ok(Flow::Stop) => return,
                    Err(fault) => {
                        each(Err(fault));
                        return;
                    }
                }
            }
        });
    }

    fn owner(&self) -> Result<&Owner, LogFault> {
        self.owner.as_ref().ok_or(LogFault::ReadOnly)
    }
}

fn opened(found: &Recovered) -> Opened {
    let torn = found.segments.last().filter(|_| found.torn_bytes > 0);
    let torn = torn.map(|file| Torn { file: file.path.clone(), byte: file.end(), bytes: found.torn_bytes });
    Opened {
        records: found.last.0,
        groups: found.groups,
        segments: found.segments.len()
            + found.compacted.iter().map(|stretch| stretch.files().count()).sum::<usize>(),
        torn,
        snapshot: found.snapshot,
        unused: found.unused.clone(),
    }
}

/// Creates the directory when it is not there, and makes sure that it stays.
fn settle_in(disk: &dyn Disk, dir: &Path) -> Result<(), LogFault> {
    if dir.is_dir() {
        return Ok(());
    }
    disk.create_dir(dir).map_err(LogFault::io("create", dir))?;
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    disk.sync_dir(parent).map_err(LogFault::io("sync", parent))
}

impl Log for FileLog {
    fn order(&self, group: &Bodies) -> Result<Lsn, LogFault> {
        let owner = self.owner()?;
        if group.is_empty() {
            return owner.queue.last();
        }
        owner.queue.put(&frame::draft(group)?)
    }

    fn gathers(&self) -> usize {
        GATHERED_BYTES_MAX
    }

    fn durable(&self, lsn: Lsn) -> BoxFuture<'static, Result<(), LogFault>> {
        if let Some(owner) = self.owner.as_ref().filter(|_| lsn > self.horizon.reached()) {
            owner.queue.want(lsn);
        }
        self.horizon.reach(lsn)
    }

    fn durable_lsn(&self) -> Lsn {
        self.horizon.reached()
    }

    fn read(&self, lsn: Lsn) -> Result<Vec<u8>, LogFault> {
        let found = if lsn <= self.durable_lsn() { read::record(&self.map, lsn)? } else { None };
        found.ok_or_else(|| LogFault::Missing { lsn, last: self.durable_lsn() })
    }

    fn scan(&self, from: Lsn, each: &mut dyn FnMut(&Group) -> Flow) -> Result<(), LogFault> {
        Cursor::new(Arc::clone(&self.map), from).pass(self.durable_lsn(), each).map(drop)
    }

    fn subscribe(&self, from: Lsn, each: Subscriber) {
        self.follow(Cursor::new(Arc::clone(&self.map), from), each);
    }

    fn subscribe_to_facts(&self, from: Lsn, each: Subscriber) {
        self.follow(Cursor::new(Arc::clone(&self.map), from).on(Shelf::Facts), each);
    }

    fn on_growth(&self, call: Box<dyn Fn() + Send + Sync>) {
        if let Some(owner) = &self.owner {
            owner.growth.on(call);
        }
    }
    fn keep(&self, at: Lsn, write: &mut Keeping<'_>) -> Result<(), LogFault> {
        let owner = self.owner()?;
        if at == Lsn::START {
            return Ok(());
        }
        let _one = owner.keeping.lock().expect("nothing panics while it holds this");
        let wait = |lsn: Lsn| {
            owner.queue.want(lsn);
            self.horizon.wait_past(Lsn(lsn.0 - 1)).map(drop).ok_or(LogFault::Closed)
        };
        wait(at)?;
        let segments = self.map.segments_upto(at);
        if segments.is_empty() {
            // It was compacted meanwhile, so more has come, and the next one is due when there is enough of it.
            return Ok(());
        }
        owner.growth.begin();
        let bytes = snapshot::keep(&*owner.disk, &owner.dir, at, &segments, write, wait)?;
        owner.growth.kept(bytes);
        Ok(())
    }

    fn seal(&self) {
        if let Some(owner) = &self.owner {
            owner.seal.store(true, Ordering::Release);
        }
    }

    fn sealed(&self) -> Sealed {
        self.owner.as_ref().map_or_else(Sealed::default, |owner| owner.compactor.sealed(&self.map))
    }

    fn compact(&self, from: Lsn, sieve: &mut dyn Sieve) -> Result<Option<Compacted>, LogFault> {
        let owner = self.owner()?;
        owner.compactor.compact(&*owner.disk, &owner.dir, &self.map, &owner.keeping, from, sieve)
    }

    fn close(&self) -> Option<LogFault> {
        let owner = self.owner.as_ref()?;
        owner.compactor.close();
        owner.queue.close();
        let mut writer = owner.writer.lock().expect("nothing panics while it holds the writer");
        if let Some(writer) = writer.take() {
            // A panic of the writer has ended the log and was told to all who waited.
            let _ = writer.join();
        }
        self.horizon.ended().filter(|why| !matches!(why, LogFault::Closed))
    }
}

impl Drop for FileLog {
    fn drop(&mut self) {
        // Whoever wants to know closes it before.
        let _unheard = self.close();
    }
}
