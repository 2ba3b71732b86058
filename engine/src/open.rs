//! Opens a journal: reads it, checks that this build knows everything in it, and brings the living runs back. Nothing
//! runs and nothing is written before all of that has succeeded.
use crate::{
    Graph, InstanceId, Journal, Refused, Retention,
    budget::MeterNames,
    clock::{Clock, SystemClock},
    compact,
    core::{Core, Parts},
    durable::METERS,
    follow::{FactType, Follower},
    followers,
    ledger::{Ledger, Names},
    live::Engine,
    log::{Bodies, Flow, Fold, Group, Log, LogFault, Lsn},
    newer,
    oblivion::Oblivion,
    observe::{Observer, Unobserved},
    record::Record,
    registry::{Host, Registry},
    slot::Slot,
    snapshot,
    standing::{Standing, Status},
    table::Place,
    tell::Told,
};
use rustc_hash::FxHashSet;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::broadcast;

/// A listener may be so many tells behind before it loses some: about four thousand words of an answer.
const TELLS_MAX: usize = 8192;

/// An engine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// The journal cannot be used.
    #[error(transparent)]
    Log(#[from] LogFault),
    /// The journal, or the graphs, do not fit this build.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// What an engine is made of.
pub struct Builder {
    registry: Registry,
    followers: Vec<Box<dyn Follower>>,
    observer: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
    meters: MeterNames,
    told: broadcast::Sender<Told>,
    at_rest: bool,
    compact_after: u64,
}

impl Builder {
    pub(crate) fn new() -> Builder {
        Builder {
            registry: Registry::default(),
            followers: Vec::new(),
            observer: Arc::new(Unobserved),
            clock: Arc::new(SystemClock),
            meters: ["meter 0", "meter 1", "meter 2"],
            told: broadcast::Sender::new(TELLS_MAX),
            at_rest: false,
            compact_after: compact::DUE_BYTES,
        }
    }

    /// Registers a graph with its environment.
    pub fn graph<G: Graph>(mut self, env: G::Env) -> Builder {
        self.registry.add::<G>(env);
        self
    }

    /// Says how long pasts of the runs of a graph are kept once they have ended: for good, if nothing is said.
    pub fn retain<G: Graph>(mut self, retention: Retention) -> Builder {
        self.registry.retain::<G>(retention);
        self
    }

    /// Says after how many sealed bytes the journal is compacted, if not after 256 MiB.
    pub fn compact_after(mut self, bytes: u64) -> Builder {
        self.compact_after = bytes;
        self
    }

    /// Adds a view that is fed with what becomes durable.
    pub fn follower(mut self, follower: impl Follower) -> Builder {
        self.followers.push(Box::new(follower));
        self
    }

    /// Says who is told what the engine does.
    pub fn observer(mut self, observer: impl Observer) -> Builder {
        self.observer = Arc::new(observer);
        self
    }

    /// Says who tells the time.
    pub fn clock(mut self, clock: impl Clock) -> Builder {
        self.clock = Arc::new(clock);
        self
    }

    /// Names the meters of budgets.
    pub fn meters(mut self, names: [&'static str; METERS]) -> Builder {
        self.meters = names;
        self
    }

    /// Leaves the living runs where they stand: each goes on when [`Engine::wake`] is told so, or when the journal is
    /// opened again. For who wants to steer one run and not to set all of them going. The journal is not compacted by itself
    /// either: [`Engine::compact`] does it, or the next start.
    pub fn at_rest(mut self) -> Builder {
        self.at_rest = true;
        self
    }

    /// Hears what handlers tell from the start: runs that come back speak before whoever opened the engine has it.
    pub fn listen(&self) -> broadcast::Receiver<Told> {
        self.told.subscribe()
    }

    /// Opens the journal and brings every living run back. Call it within a tokio runtime.
    ///
    /// # Errors
    /// When the journal cannot be read, or holds what this build does not know: then nothing has run.
    pub fn open(self, log: Arc<dyn Log>) -> Result<Engine, OpenFault> {
        let recovered = Recovered { ledger: read(&*log, Ledger::default())? };
        self.open_recovered(log, recovered)
    }

    /// The same for a journal whose groups were taken while it was checked: its files are read once.
    ///
    /// # Errors
    /// When the journal holds what this build does not know: then nothing has run.
    pub fn open_recovered(self, log: Arc<dyn Log>, recovered: Recovered) -> Result<Engine, OpenFault> {
        let Recovered { mut ledger } = recovered;
        self.registry.check()?;
        self.one_name_a_tag()?;
        self.fits(&ledger)?;
        self.declare(&*log, &mut ledger)?;
        let known = self.known_facts().into_iter().map(|fact| (fact.tag, fact.shape)).collect();
        // Without a follower nobody reads facts, so any will do.
        let facts = (!self.followers.is_empty()).then_some(known);
        let core = Arc::new(Core::new(Parts {
            log: log.clone(),
            clock: self.clock,
            observer: self.observer,
            meters: self.meters,
            registry: self.registry,
            facts,
            told: self.told,
            at_rest: self.at_rest,
            names: std::mem::take(&mut ledger.names),
            met: std::mem::take(&mut ledger.facts),
            forgotten: ledger.forgotten.clone(),
            compact_after: self.compact_after,
        }));
        for follower in self.followers {
            let forgotten = core.forgotten.clone();
            followers::feed(&*log, follower, move || forgotten);
        }
        core.run(core.clone().watch());
        core.run(core.clone().call());
        core.run(core.clone().keep_snapshots());
        if !core.at_rest {
            core.run(core.clone().compact_when_due());
        }
        // Who forgot may have died before the bytes were off the disk.
        if core.forgotten.last().is_some_and(|upto| upto > core.log.sealed().compacted) {
            core.wish.wish();
        }
        core.wish.look();
        resume(&core, ledger);
        Ok(Engine::over(core))
    }

    /// What handlers stand on while they are replayed: the log is a tape, and nobody follows or observes.
    pub(crate) fn offline(self, tape: Arc<dyn Log>) -> Result<Core, Refused> {
        self.registry.check()?;
        Ok(Core::new(Parts {
            log: tape,
            clock: self.clock,
            observer: Arc::new(Unobserved),
            meters: self.meters,
            registry: self.registry,
            facts: None,
            told: self.told,
            at_rest: true,
            names: Names::default(),
            met: FxHashSet::default(),
            forgotten: Oblivion::default(),
            compact_after: u64::MAX,
        }))
    }

    fn known_facts(&self) -> Vec<FactType> {
        self.followers.iter().flat_map(|follower| follower.knows()).collect()
    }

    /// Refuses two types that the journal could not tell apart.
    fn one_name_a_tag(&self) -> Result<(), Refused> {
        let stored = self.registry.hosts().flat_map(|(_, host)| host.stored()).map(|t| (t.tag, t.name));
        let facts = self.known_facts().into_iter().map(|fact| (fact.tag, fact.name));
        let mut names = HashMap::new();
        for (tag, name) in stored.chain(facts) {
            let first = *names.entry(tag).or_insert(name);
            if first != name {
                return Err(Refused(format!(
                    "`{first}` and `{name}` have the same tag {tag:016x}: rename one of them"
                )));
            }
        }
        Ok(())
    }

    /// Refuses, by name, what this build does not know.
    fn fits(&self, ledger: &Ledger) -> Result<(), Refused> {
        let living = |run: &&Standing| run.status == Status::Live;
        for run in ledger.runs.values().filter(living) {
            let host = self.registry.host(run.graph).ok_or_else(|| {
                let name = ledger.names.graph(run.graph);
                Refused(format!(
                    "the journal holds a living run of graph `{name}`, which this build does not have"
                ))
            })?;
            let stored = host.stored();
            let is_known = |tag, shape| stored.iter().any(|it| (it.tag, it.shape) == (tag, shape));
            newer::refused(ledger, run, host.meta(), is_known)?;
            host.check(&run.state).map_err(|refused| named(refused, ledger, run))?;
            check_mail(host, ledger, run)?;
        }
        if self.followers.is_empty() {
            return Ok(());
        }
        let known = self.known_facts();
        let unknown = ledger
            .facts
            .iter()
            .find(|(tag, shape)| !known.iter().any(|k| (k.tag, k.shape) == (*tag, *shape)));
        match unknown {
            None => Ok(()),
            Some((tag, shape)) => {
                let name = ledger.names.fact(*tag);
                Err(Refused(format!(
                    "the journal holds facts `{name}` of shape {shape:016x}, which this build does not know"
                )))
            }
        }
    }

    /// Writes what the types are called, where the journal does not say so yet.
    fn declare(&self, log: &dyn Log, ledger: &mut Ledger) -> Result<(), LogFault> {
        let graphs = self
            .registry
            .hosts()
            .filter_map(|(tag, host)| ledger.names.missing(tag, host.meta(), &host.stored()));
        let facts = ledger.names.missing_facts(&self.known_facts());
        let declared: Vec<_> = graphs.chain(facts).collect();
        let mut group = Bodies::new();
        for declared in declared {
            ledger.names.learn(&declared);
            Record::Declared(declared).put(&mut group);
        }
        if !group.is_empty() {
            log.order(&group)?;
        }
        Ok(())
    }
}

fn named(refused: Refused, ledger: &Ledger, run: &Standing) -> Refused {
    let (graph, state) = (ledger.names.graph(run.graph), ledger.names.state(run.graph, run.state.tag));
    Refused(format!(
        "the journal holds a living run of graph `{graph}` v{} in state `{state}`: {refused}",
        run.version
    ))
}

fn check_mail(host: &dyn Host, ledger: &Ledger, run: &Standing) -> Result<(), Refused> {
    let stored = host.stored();
    let known =
        |payload: &crate::Encoded| stored.iter().any(|t| (t.tag, t.shape) == (payload.tag, payload.shape));
    match run.mail.iter().find(|(_, payload)| !known(payload)) {
        None => Ok(()),
        Some((_, payload)) => Err(Refused(format!(
            "the journal holds an event `{}` of shape {:016x} for graph `{}`, which this build does not know",
            ledger.names.state(run.graph, payload.tag),
            payload.shape,
            ledger.names.graph(run.graph)
        ))),
    }
}

/// Where every run of a journal stands, as far as its groups have been taken: in order, from the first or behind a
/// snapshot.
#[derive(Debug, Default)]
pub struct Recovered {
    pub(crate) ledger: Ledger,
}

impl Recovered {
    /// The journal, for who reads it before or while an engine runs over it: what the engine forgets is forgotten here too.
    /// Asked for once all groups are taken.
    pub fn journal(&self, log: Arc<dyn Log>) -> Journal {
        Journal::kept(log, self.ledger.forgotten.clone())
    }

    /// Takes the next group.
    ///
    /// # Errors
    /// When it is not of this engine.
    pub fn take(&mut self, group: &Group) -> Result<(), OpenFault> {
        Ok(self.ledger.apply(group)?)
    }
}

impl Fold<OpenFault> for Recovered {
    fn begin(&mut self, kept: Option<&[u8]>) -> Result<(), String> {
        self.ledger = kept.map_or_else(|| Ok(Ledger::default()), snapshot::restored)?;
        Ok(())
    }

    fn take(&mut self, group: &Group) -> Result<(), OpenFault> {
        Recovered::take(self, group)
    }
}

/// Reads everything that is durable into an empty ledger.
pub(crate) fn read(log: &dyn Log, mut ledger: Ledger) -> Result<Ledger, OpenFault> {
    let mut refused = None;
    log.scan(Lsn(1), &mut |group: &Group| match ledger.apply(group) {
        Ok(()) => Flow::Continue,
        Err(why) => {
            refused = Some(why);
            Flow::Stop
        }
    })?;
    match refused {
        None => Ok(ledger),
        Some(why) => Err(why.into()),
    }
}

/// Brings the runs back, in the order in which they began. Parents and children are all in the table before the first
/// of them moves.
fn resume(core: &Arc<Core>, mut ledger: Ledger) {
    let slot = |id: &InstanceId| Some(Arc::new(Slot::new(*id, ledger.runs.remove(id)?)));
    let slots: Vec<_> = ledger.order.iter().filter_map(slot).collect();
    core.table.lock().extend(slots.iter().map(|slot| (slot.instance, Place::Awake(slot.clone()))));
    core.table.lock().extend(ledger.over.drain().map(|(instance, over)| (instance, Place::Over(over))));
    for slot in slots {
        if core.at_rest || slot.lock().status != Status::Live {
            core.table.rest(&slot);
        } else {
            core.go_on(slot);
        }
    }
}
