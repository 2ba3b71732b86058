//! The place of a run in memory: its standing under one lock, a bell, and whether it has ended.
use crate::{
    InstanceId, StopWhy, Time,
    log::Lsn,
    record::Started,
    standing::{Standing, Status},
};
use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use tokio::sync::{Notify, watch};

pub(crate) struct Slot {
    pub(crate) instance: InstanceId,
    standing: Mutex<Standing>,
    /// Something arrived that the run may be waiting for.
    pub(crate) bell: Notify,
    /// The last record that the run's next effect must wait for.
    barrier: AtomicU64,
    /// The run has ended or is parked, and that is durable.
    pub(crate) over: watch::Sender<bool>,
    /// How many effects that are never repeated are under way.
    pub(crate) onces: watch::Sender<u32>,
}

impl Slot {
    /// The place of a run that begins; its `Started` is ordered at `lsn`.
    pub(crate) fn begun(started: &Started, lsn: Lsn) -> Slot {
        let slot = Slot::new(started.instance, Standing::new(started));
        slot.raise_barrier(lsn);
        slot
    }

    pub(crate) fn new(instance: InstanceId, standing: Standing) -> Slot {
        let over = standing.status != Status::Live;
        Slot {
            instance,
            standing: Mutex::new(standing),
            bell: Notify::new(),
            barrier: AtomicU64::new(0),
            over: watch::Sender::new(over),
            onces: watch::Sender::new(0),
        }
    }

    /// Balance, state and mailbox change under this lock, and the record of the change is ordered under it too.
    /// A child may lock its parent while it is locked itself, never the other way round.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn barrier(&self) -> Lsn {
        Lsn(self.barrier.load(Ordering::Acquire))
    }

    pub(crate) fn raise_barrier(&self, lsn: Lsn) {
        self.barrier.fetch_max(lsn.0, Ordering::AcqRel);
    }

    /// Why the run has to stop now, if it has to.
    pub(crate) fn interrupted(&self, now: Time) -> Option<StopWhy> {
        let standing = self.lock();
        if standing.stopping.is_some() {
            return None;
        }
        if standing.cancelled {
            return Some(StopWhy::Cancelled);
        }
        let late = standing.balance.until.is_some_and(|until| now >= until);
        late.then(|| StopWhy::Exhausted("time".to_owned()))
    }
}
