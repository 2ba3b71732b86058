//! The place of a run in memory: its standing and what it has not ordered yet under one lock, a bell, and whether it
//! has ended.
use crate::{
    InstanceId, Time,
    log::{Bodies, Lsn},
    record::{Record, Started},
    standing::{Interrupt, Standing, Status},
};
use std::{
    ops::{Deref, DerefMut},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio::sync::{Notify, watch};

pub(crate) struct Slot {
    pub(crate) instance: InstanceId,
    held: Mutex<Held>,
    /// Something arrived that the run may be waiting for.
    pub(crate) bell: Notify,
    /// The last record that the run's next effect must wait for.
    barrier: AtomicU64,
    /// The run has ended or is parked, and that is durable.
    pub(crate) over: watch::Sender<bool>,
    /// How many effects that are never repeated are under way.
    pub(crate) onces: watch::Sender<u32>,
    /// A task drives it. There is never a second one.
    pub(crate) driven: AtomicBool,
}

/// Where a run stands, and the records that led there and were not ordered yet.
pub(crate) struct Held {
    pub(crate) standing: Standing,
    /// Records that nobody can wait for yet: they are ordered together, with the first that somebody can wait for, and
    /// at the latest when the run has nothing to do. What concerns the run is ordered behind them.
    pub(crate) pending: Bodies,
}

/// Records do not fit to those that wait.
pub(crate) struct TooMany;

impl Held {
    /// Adds records to those that are not ordered yet; none when there are more than so many bytes together.
    pub(crate) fn pend(&mut self, records: &[Record], bytes_max: usize) -> Result<(), TooMany> {
        let before = self.pending.mark();
        records.iter().for_each(|record| record.put(&mut self.pending));
        if self.pending.bytes() <= bytes_max {
            return Ok(());
        }
        self.pending.back_to(before);
        Err(TooMany)
    }

    /// Gives back the memory that nothing is in: the run waits, perhaps for long.
    pub(crate) fn shrink(&mut self) {
        self.standing.memo.shrink();
        if self.pending.is_empty() {
            self.pending = Bodies::new();
        }
    }
}

impl Deref for Held {
    type Target = Standing;
    fn deref(&self) -> &Standing {
        &self.standing
    }
}
impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Standing {
        &mut self.standing
    }
}

impl Slot {
    /// The place of a run that begins; its `Started` is ordered at `lsn`.
    pub(crate) fn begun(started: &Started, lsn: Lsn) -> Slot {
        let slot = Slot::new(started.instance, Standing::new(started));
        slot.raise_barrier(lsn);
        slot
    }

    pub(crate) fn new(instance: InstanceId, standing: Standing) -> Slot {
        let over = standing.status == Status::Ended || standing.is_parked();
        Slot {
            instance,
            held: Mutex::new(Held { standing, pending: Bodies::new() }),
            bell: Notify::new(),
            barrier: AtomicU64::new(0),
            over: watch::Sender::new(over),
            onces: watch::Sender::new(0),
            driven: AtomicBool::new(false),
        }
    }

    /// Balance, state and mailbox change under this lock, and the record of the change is ordered under it too.
    /// A child may lock its parent while it is locked itself, never the other way round.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn barrier(&self) -> Lsn {
        Lsn(self.barrier.load(Ordering::Acquire))
    }

    pub(crate) fn raise_barrier(&self, lsn: Lsn) {
        self.barrier.fetch_max(lsn.0, Ordering::AcqRel);
    }

    /// Applies a record that may park the run or let it go on. It is no longer over as soon as it is let go on.
    pub(crate) fn apply(&self, record: Record) {
        let mut held = self.lock();
        let parked = held.is_parked();
        held.apply(record);
        if parked && !held.is_parked() {
            self.over.send_replace(false);
        }
    }

    /// Says that the run, parked by an operator, does nothing any more. Returns whether that is news.
    pub(crate) fn rests(&self) -> bool {
        let held = self.lock();
        held.paused.is_some() && !self.over.send_replace(true)
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.lock().paused.is_some()
    }

    /// Why the run may not go on now, if it may not.
    pub(crate) fn interrupted(&self, now: impl FnOnce() -> Time) -> Option<Interrupt> {
        self.lock().interrupted(now)
    }
}
