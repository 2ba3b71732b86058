//! What all runs share: the log, the clock, the registry, the table of slots. It orders records; it decides nothing.
use crate::{
    Fault, InstanceId, Time,
    budget::MeterNames,
    clock::Clock,
    graph::StopWhy,
    log::{Log, LogFault, Lsn},
    observe::{Observed, Observer},
    record::{Cancel, Record, Started},
    registry::Registry,
    slot::Slot,
    standing::{Standing, Status},
    tell::Told,
    wheel::Wheel,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{broadcast, watch};

pub(crate) struct Core {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) meters: MeterNames,
    pub(crate) registry: Registry,
    pub(crate) wheel: Arc<Wheel>,
    pub(crate) told: broadcast::Sender<Told>,
    /// Why nothing further can happen in this process.
    pub(crate) halted: watch::Sender<Option<LogFault>>,
    slots: Mutex<HashMap<InstanceId, Arc<Slot>>>,
}

/// The parts of a core that its builder chooses.
pub(crate) struct Parts {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) meters: MeterNames,
    pub(crate) registry: Registry,
    /// How many tells a slow listener may be behind.
    pub(crate) tells_max: usize,
}

impl Core {
    pub(crate) fn new(parts: Parts) -> Core {
        Core {
            log: parts.log,
            clock: parts.clock,
            observer: parts.observer,
            meters: parts.meters,
            registry: parts.registry,
            wheel: Arc::default(),
            told: broadcast::Sender::new(parts.tells_max),
            halted: watch::Sender::new(None),
            slots: Mutex::default(),
        }
    }

    pub(crate) fn slots(&self) -> MutexGuard<'_, HashMap<InstanceId, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn slot(&self, instance: InstanceId) -> Option<Arc<Slot>> {
        self.slots().get(&instance).cloned()
    }

    pub(crate) fn observe(&self, instance: InstanceId, observed: Observed<'_>) {
        self.observer.observe(instance, &observed);
    }

    /// Orders a group. When the log fails, the whole engine halts.
    pub(crate) fn append(&self, records: &[Record]) -> Result<Lsn, LogFault> {
        let appended = self.log.append(records.iter().map(Record::encode).collect());
        appended.inspect_err(|fault| self.halt(fault))
    }

    /// Orders records of one run and applies them to it. The caller holds the run's lock, so that the order in the log
    /// is the order in which its balance changed.
    pub(crate) fn write(&self, slot: &Slot, standing: &mut Standing, records: &[Record]) -> Result<Lsn, Fault> {
        let lsn = self.append(records).map_err(Fault::from)?;
        slot.raise_barrier(lsn);
        records.iter().filter(|record| record.subject() == Some(slot.instance)).for_each(|r| standing.apply(r));
        Ok(lsn)
    }

    /// Waits until everything that led here is on disk.
    pub(crate) async fn durable(&self, lsn: Lsn) -> Result<(), LogFault> {
        self.log.durable(lsn).await.inspect_err(|fault| self.halt(fault))
    }

    fn halt(&self, fault: &LogFault) {
        if !matches!(fault, LogFault::TooLarge { .. }) {
            self.halted.send_if_modified(|halted| halted.replace(fault.clone()).is_none());
        }
    }

    /// Puts a run that has begun into the table. It runs once [`Core::spawn`] is called.
    pub(crate) fn admit(&self, started: &Started) -> Arc<Slot> {
        let slot = Core::slot_of(started);
        self.slots().insert(started.instance, slot.clone());
        slot
    }

    pub(crate) fn slot_of(started: &Started) -> Arc<Slot> {
        Arc::new(Slot::new(started.instance, Standing::new(started)))
    }

    pub(crate) fn spawn(self: &Arc<Self>, slot: Arc<Slot>) {
        let graph = slot.lock().graph;
        if let Some(host) = self.registry.host(graph) {
            host.spawn(self, slot);
        }
    }

    /// Every living run below `root`, leaves first, `root` last.
    pub(crate) fn subtree(&self, root: InstanceId) -> Vec<InstanceId> {
        let mut found = vec![root];
        let mut next = 0;
        while let Some(slot) = found.get(next).and_then(|instance| self.slot(*instance)) {
            next += 1;
            found.extend(slot.lock().child);
        }
        found.retain(|instance| self.slot(*instance).is_some_and(|slot| slot.lock().status == Status::Live));
        found.reverse();
        found
    }

    /// Tells runs that they are cancelled. The record of it is ordered already.
    pub(crate) fn cancel(&self, cancel: &Cancel) {
        let record = Record::Cancel(cancel.clone());
        for slot in cancel.instances.iter().filter_map(|instance| self.slot(*instance)) {
            slot.lock().apply(&record);
            slot.bell.notify_one();
        }
    }

    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    pub(crate) fn stopped(&self, instance: InstanceId, state: &'static str, why: &StopWhy) {
        self.observe(instance, Observed::Stopped { state, why });
    }
}

impl From<LogFault> for Fault {
    fn from(fault: LogFault) -> Fault {
        match fault {
            LogFault::TooLarge { .. } | LogFault::Missing { .. } => Fault::fatal(fault),
            LogFault::Owned { .. }
            | LogFault::Damaged { .. }
            | LogFault::Foreign { .. }
            | LogFault::Io { .. }
            | LogFault::ReadOnly
            | LogFault::Closed => Fault::Halted,
        }
    }
}
