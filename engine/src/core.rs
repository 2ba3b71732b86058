//! What all runs share: the log, the clock, the registry, the table of slots. It orders records; it decides nothing.
use crate::{
    Fault, InstanceId, Time,
    budget::MeterNames,
    clock::Clock,
    compact::Wish,
    graph::StopWhy,
    ledger::Names,
    log::{Bodies, Log, LogFault, Lsn},
    oblivion::Oblivion,
    observe::{Observed, Observer},
    order::OnTheWay,
    record::{Cancel, Record},
    registry::Registry,
    sharing::Sharing,
    slot::{Held, Slot},
    snapshot,
    standing::Status,
    table::Table,
    tell::Told,
    wheel::Wheel,
};
use rustc_hash::FxHashSet;
use std::{
    collections::HashSet,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    runtime::Handle,
    sync::{Notify, broadcast, watch},
};

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
    pub(crate) table: Table,
    /// What the types in the journal are called.
    pub(crate) names: Names,
    /// Who was forgotten.
    pub(crate) forgotten: Oblivion,
    /// Who asked for a compaction, and who is at it.
    pub(crate) wish: Wish,
    pub(crate) compacting: Mutex<()>,
    /// Keeps forks and compactions apart.
    pub(crate) sharing: Sharing,
    forking: Mutex<Lsn>,
    /// After how many sealed bytes.
    pub(crate) compact_after: u64,
    /// Tags and shapes of the facts in the journal.
    pub(crate) met: Mutex<FxHashSet<(u64, u64)>>,
    /// Whoever orders records before the table, or other runs than its own, show them.
    pub(crate) on_the_way: OnTheWay,
    telling: Mutex<()>,
    looking: Mutex<()>,
    runtime: Handle,
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
    pub(crate) names: Names,
    pub(crate) met: FxHashSet<(u64, u64)>,
    pub(crate) forgotten: Oblivion,
    pub(crate) compact_after: u64,
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
            table: Table::default(),
            names: parts.names,
            met: Mutex::new(parts.met),
            forgotten: parts.forgotten,
            wish: Wish::default(),
            compacting: Mutex::default(),
            sharing: Sharing::default(),
            forking: Mutex::default(),
            compact_after: parts.compact_after,
            on_the_way: OnTheWay::default(),
            telling: Mutex::default(),
            looking: Mutex::default(),
            runtime: Handle::current(),
        }
    }

    /// Finds a run, awake or not.
    pub(crate) fn slot(&self, instance: InstanceId) -> Option<Arc<Slot>> {
        self.table.slot(instance, &*self.log)
    }

    /// Held from before a record about several runs is ordered until all of them know it, so that each learns of such
    /// records in their order. Whoever asks for it has no run locked.
    pub(crate) fn telling(&self) -> MutexGuard<'_, ()> {
        self.telling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Held while a fork begins, so that who forgets its origin meets it or is met by it; there is the last record of the last
    /// one.
    pub(crate) fn forking(&self) -> MutexGuard<'_, Lsn> {
        self.forking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a record up to which the table shows everything that is ordered.
    pub(crate) fn position(&self) -> Result<Lsn, LogFault> {
        let _one = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let at = self.log.append(Vec::new())?;
        self.on_the_way.arrived();
        Ok(at)
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
        let lsn = self.flushed(slot, held)?;
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
            self.flushed(slot, held)?;
        }
        Ok(slot.barrier())
    }

    /// Orders what is there, and returns the address of its last record.
    fn flushed(&self, slot: &Slot, held: &mut Held) -> Result<Lsn, LogFault> {
        let ordered = self.order(&held.pending);
        held.pending.clear(2 * self.gathers);
        let lsn = ordered?;
        slot.raise_barrier(lsn);
        Ok(lsn)
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
        // Whoever wakes a run may be on a thread that has no runtime.
        self.runtime.spawn(async move {
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

    /// Has a run driven, if nobody drives it.
    pub(crate) fn spawn(self: &Arc<Self>, slot: Arc<Slot>) {
        if slot.begin() {
            self.drive(slot);
        }
    }

    /// Tells a run that something arrived, and has it driven if it rests.
    pub(crate) fn wake(self: &Arc<Self>, slot: &Arc<Slot>) {
        if slot.ring() {
            self.drive(slot.clone());
        }
    }

    fn drive(self: &Arc<Self>, slot: Arc<Slot>) {
        if let Some(host) = self.registry.host(slot.graph) {
            host.spawn(self, slot);
        }
    }

    /// Calls runs when they are due.
    pub(crate) async fn call(self: Arc<Self>) {
        let call = |instance| self.slot(instance).iter().for_each(|slot| self.wake(slot));
        self.wheel.clone().turn(self.clock.clone(), call).await;
    }

    /// Has the log keep snapshots when they are due. One that cannot be kept makes a later start slower and does nothing
    /// else, so nobody is halted for it.
    pub(crate) async fn keep_snapshots(self: Arc<Self>) {
        let due = Arc::new(Notify::new());
        let call = due.clone();
        self.log.on_growth(Box::new(move || call.notify_one()));
        loop {
            due.notified().await;
            let core = self.clone();
            // It writes and waits for the disk: not on a thread that drives runs.
            let _unkept = self.runtime.spawn_blocking(move || snapshot::keep(&core)).await;
            self.wish.look();
        }
    }

    /// Lets a run go on that came back, if it lives and nobody drives it yet.
    pub(crate) fn go_on(self: &Arc<Self>, slot: Arc<Slot>) {
        let (live, graph, seq, state) = {
            let standing = slot.lock();
            (standing.status == Status::Live, standing.graph, standing.seq, standing.state.clone())
        };
        let host = self.registry.host(graph).filter(|_| live && slot.has_not_begun());
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
    pub(crate) fn cancel(self: &Arc<Self>, cancel: &Cancel, lsn: Lsn) {
        self.tell_all(&Record::Cancel(cancel.clone()), lsn);
    }

    /// Orders a record about several runs and applies it to each.
    pub(crate) fn announce(self: &Arc<Self>, record: &Record) -> Result<Lsn, LogFault> {
        let (_telling, _way) = (self.telling(), self.on_the_way.begin());
        let lsn = self.append(std::slice::from_ref(record))?;
        self.tell_all(record, lsn);
        Ok(lsn)
    }

    /// Applies a record to every run that it is about. It is ordered already, at `lsn`.
    fn tell_all(self: &Arc<Self>, record: &Record, lsn: Lsn) {
        for slot in record.subjects().iter().filter_map(|instance| self.slot(*instance)) {
            slot.raise_barrier(lsn);
            slot.tell(record.clone(), lsn);
            self.wake(&slot);
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
        LogFault::TooLarge { .. } | LogFault::Missing { .. } | LogFault::Gone(_) => false,
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
