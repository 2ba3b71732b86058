//! What all runs share: the log, the clock, the registry, the table of slots. It orders records; it decides nothing.
use crate::{
    Fault, InstanceId, Time,
    budget::MeterNames,
    clock::Clock,
    graph::StopWhy,
    log::{Bodies, Log, LogFault, Lsn},
    observe::{Observed, Observer},
    record::{Cancel, Record},
    registry::Registry,
    slot::{Held, Slot},
    standing::Status,
    tell::Told,
    wheel::Wheel,
};
use rustc_hash::FxHashMap;
use std::{
    collections::HashSet,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::sync::{broadcast, watch};

pub(crate) struct Core {
    pub(crate) log: Arc<dyn Log>,
    /// What the log says of itself.
    gathers: usize,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) meters: MeterNames,
    pub(crate) registry: Registry,
    pub(crate) wheel: Arc<Wheel>,
    /// Whose turn it is to ask: see [`crate::children::Asking`].
    pub(crate) asking: Mutex<()>,
    pub(crate) told: broadcast::Sender<Told>,
    /// Why nothing further can happen in this process.
    pub(crate) halted: watch::Sender<Option<LogFault>>,
    /// The tags and shapes of the facts that somebody follows; none when nobody follows.
    pub(crate) facts: Option<HashSet<(u64, u64)>>,
    /// Runs go on one by one, when they are told to.
    pub(crate) at_rest: bool,
    /// Every task of the engine holds a receiver: without any, all of them are gone.
    tasks: watch::Sender<()>,
    slots: Mutex<FxHashMap<InstanceId, Arc<Slot>>>,
}

/// The parts of a core that its builder chooses.
pub(crate) struct Parts {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) meters: MeterNames,
    pub(crate) registry: Registry,
    pub(crate) facts: Option<HashSet<(u64, u64)>>,
    pub(crate) told: broadcast::Sender<Told>,
    pub(crate) at_rest: bool,
}

impl Core {
    pub(crate) fn new(parts: Parts) -> Core {
        Core {
            gathers: parts.log.gathers(),
            log: parts.log,
            clock: parts.clock,
            observer: parts.observer,
            meters: parts.meters,
            registry: parts.registry,
            wheel: Arc::default(),
            asking: Mutex::default(),
            told: parts.told,
            halted: watch::Sender::new(None),
            facts: parts.facts,
            at_rest: parts.at_rest,
            tasks: watch::Sender::new(()),
            slots: Mutex::default(),
        }
    }

    pub(crate) fn slots(&self) -> MutexGuard<'_, FxHashMap<InstanceId, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn slot(&self, instance: InstanceId) -> Option<Arc<Slot>> {
        self.slots().get(&instance).cloned()
    }

    pub(crate) fn observe(&self, instance: InstanceId, observed: Observed<'_>) {
        self.observer.observe(instance, &observed);
    }

    /// Looks at the clock, if somebody wants to know how long things take.
    pub(crate) fn stopwatch(&self) -> Option<Instant> {
        self.observer.times().then(Instant::now)
    }

    /// Orders records of runs that begin, or of several: what concerns one run goes through [`Core::write`].
    pub(crate) fn append(&self, records: &[Record]) -> Result<Lsn, LogFault> {
        let mut group = Bodies::new();
        records.iter().for_each(|record| record.put(&mut group));
        self.order(&group)
    }

    /// Orders a group. When the log fails, the whole engine halts.
    fn order(&self, group: &Bodies) -> Result<Lsn, LogFault> {
        self.log.order(group).inspect_err(|fault| self.halt(fault))
    }

    /// Orders records of one run, behind those that it has not ordered yet, and applies them to it. The caller holds the
    /// run's lock, so that the order in the log is the order in which its balance changed.
    pub(crate) fn write<R>(&self, slot: &Slot, held: &mut Held, records: R) -> Result<Lsn, LogFault>
    where
        R: AsRef<[Record]> + IntoIterator<Item = Record>,
    {
        if held.pending.is_empty() || held.pend(records.as_ref(), self.gathers).is_err() {
            self.flush(slot, held)?;
            records.as_ref().iter().for_each(|record| record.put(&mut held.pending));
        }
        let lsn = self.flush(slot, held)?;
        let of_this_run = |record: &Record| record.subject() == Some(slot.instance);
        records.into_iter().filter(of_this_run).for_each(|record| held.apply(record));
        Ok(lsn)
    }

    /// Applies a record of one run and orders it with what comes next: for what nobody can wait for before that. The run
    /// orders what is left before it waits.
    pub(crate) fn note(&self, slot: &Slot, held: &mut Held, record: Record) -> Result<(), LogFault> {
        if held.pend(std::slice::from_ref(&record), self.gathers).is_err() {
            return self.write(slot, held, [record]).map(drop);
        }
        held.apply(record);
        Ok(())
    }

    /// Orders what a run has not ordered yet, and returns how far its next effect must wait.
    pub(crate) fn flush(&self, slot: &Slot, held: &mut Held) -> Result<Lsn, LogFault> {
        if !held.pending.is_empty() {
            let ordered = self.order(&held.pending);
            held.pending.clear(2 * self.gathers);
            slot.raise_barrier(ordered?);
        }
        Ok(slot.barrier())
    }

    /// Waits until everything that led here is on disk.
    pub(crate) async fn durable(&self, lsn: Lsn) -> Result<(), LogFault> {
        self.log.durable(lsn).await.inspect_err(|fault| self.halt(fault))
    }

    /// Ends every task of the engine: nothing further happens in this process. The first reason stays.
    pub(crate) fn halt(&self, fault: &LogFault) {
        if ends_all(fault) {
            self.halted.send_if_modified(|halted| {
                let first = halted.is_none();
                halted.get_or_insert_with(|| fault.clone());
                first
            });
        }
    }

    /// Halts as soon as the log fails, even while nobody writes or waits.
    pub(crate) async fn watch(self: Arc<Self>) {
        let never = self.log.durable(Lsn(u64::MAX));
        if let Err(fault) = never.await {
            self.halt(&fault);
        }
    }

    /// Runs a task until it is done or the engine halts: then it is dropped where it stands, as a killed process
    /// would leave it.
    pub(crate) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let (mut halted, alive) = (self.halted.subscribe(), self.tasks.subscribe());
        tokio::spawn(async move {
            let _alive = alive;
            tokio::select! {
                biased;
                _ = halted.wait_for(Option::is_some) => {}
                () = task => {}
            }
        });
    }

    /// Returns once every task of the engine is gone.
    pub(crate) async fn gone(&self) {
        self.tasks.closed().await;
    }

    /// Sleeps by the engine's clock. That the wall clock is set back does not make it longer.
    pub(crate) async fn sleep(&self, span: Duration) {
        let (due, ripe) = (self.now().after(span), self.clock.passed() + span);
        while self.now() < due && self.clock.passed() < ripe {
            let left = due.since(self.now()).min(ripe.saturating_sub(self.clock.passed()));
            self.clock.sleep_until(self.now().after(left)).await;
        }
    }

    pub(crate) fn spawn(self: &Arc<Self>, slot: Arc<Slot>) {
        if slot.driven.swap(true, Ordering::AcqRel) {
            return;
        }
        let graph = slot.lock().graph;
        if let Some(host) = self.registry.host(graph) {
            host.spawn(self, slot);
        }
    }

    /// Lets a run go on that came back, if it lives and nobody drives it yet.
    pub(crate) fn go_on(self: &Arc<Self>, slot: Arc<Slot>) {
        let (live, graph, seq, state) = {
            let standing = slot.lock();
            (standing.status == Status::Live, standing.graph, standing.seq, standing.state.clone())
        };
        let host = self.registry.host(graph).filter(|_| live && !slot.driven.load(Ordering::Acquire));
        if let Some(host) = host {
            let state = host.check(&state).unwrap_or("?");
            self.observe(slot.instance, Observed::Resumed { graph: host.meta().name, state, seq });
            self.spawn(slot);
        }
    }

    /// Every living run among these and below them, leaves first, they last. The caller has no run locked.
    pub(crate) fn subtree(&self, roots: impl IntoIterator<Item = InstanceId>) -> Vec<InstanceId> {
        let mut found: Vec<_> = roots.into_iter().collect();
        let mut next = 0;
        while let Some(instance) = found.get(next) {
            if let Some(slot) = self.slot(*instance) {
                found.extend(slot.lock().brood.instances());
            }
            next += 1;
        }
        found.retain(|instance| self.slot(*instance).is_some_and(|slot| slot.lock().status == Status::Live));
        found.reverse();
        found
    }

    /// Tells runs that they are cancelled. The record of it is ordered already, at `lsn`.
    pub(crate) fn cancel(&self, cancel: &Cancel, lsn: Lsn) {
        self.tell_all(&Record::Cancel(cancel.clone()), lsn);
    }

    /// Applies a record to every run that it is about. It is ordered already, at `lsn`.
    pub(crate) fn tell_all(&self, record: &Record, lsn: Lsn) {
        for slot in record.subjects().iter().filter_map(|instance| self.slot(*instance)) {
            slot.raise_barrier(lsn);
            slot.apply(record.clone());
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

/// How long it is since somebody looked at the clock, if anybody did.
pub(crate) fn took(began: Option<Instant>) -> Duration {
    began.map_or(Duration::ZERO, |began| began.elapsed())
}

/// Whether nothing can be written any more. The other faults concern one request.
fn ends_all(fault: &LogFault) -> bool {
    match fault {
        LogFault::TooLarge { .. } | LogFault::Missing { .. } => false,
        LogFault::Owned { .. }
        | LogFault::Damaged { .. }
        | LogFault::Foreign { .. }
        | LogFault::Io { .. }
        | LogFault::ReadOnly
        | LogFault::Closed => true,
    }
}

impl From<LogFault> for Fault {
    fn from(fault: LogFault) -> Fault {
        if ends_all(&fault) { Fault::Halted } else { Fault::fatal(fault) }
    }
}
