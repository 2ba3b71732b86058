//! One life of a process: an engine over a journal in memory, until it crashes. What was durable by then is what the
//! next life finds.
use super::books::{Books, Totals};
use crate::{
    Engine, OpenFault,
    ledger::Ledger,
    log::{Group, Log, LogFault, Lsn, MemoryLog},
    open::Builder,
    snapshot,
    standing::{Standing, Status},
    table::Over,
};
use std::sync::Arc;

/// One life of a process.
pub struct Life {
    /// The engine.
    pub engine: Engine,
    /// Its journal: hold it, release it, let it fail.
    pub log: Arc<MemoryLog>,
}

impl Life {
    /// The first life: the journal is empty.
    ///
    /// # Errors
    /// When the builder refuses its own graphs.
    pub fn first(builder: Builder) -> Result<Life, OpenFault> {
        Life::after(Vec::new(), builder)
    }

    /// A life that finds a journal.
    ///
    /// # Errors
    /// When the builder refuses the journal, or its own graphs.
    pub fn after(groups: Vec<Group>, builder: Builder) -> Result<Life, OpenFault> {
        let log = Arc::new(MemoryLog::from_groups(groups));
        Ok(Life { engine: builder.open(log.clone())?, log })
    }

    /// Kills the process, and returns what was durable by then.
    pub async fn crash(self) -> Vec<Group> {
        let durable = self.log.durable_lsn();
        self.engine.core().halt(&LogFault::Closed);
        self.engine.closed().await;
        self.log.groups().into_iter().filter(|group| group.last() <= durable).collect()
    }

    /// Checks what holds in every journal at every time: no budget appears or is lost, nothing that is never repeated
    /// began twice, a result is final; and that a restart would find every run where it stands. Call it while
    /// everything waits. Returns what the books add up to.
    ///
    /// # Panics
    /// When something of that does not hold.
    pub fn audit(&self) -> Totals {
        let core = self.engine.core();
        let mut ledger = Ledger::whole();
        let mut books = Books::new(|graph, state| {
            let host = core.registry.host(graph);
            host.is_some_and(|host| host.meta().lap.is_some() && host.meta().lap == host.check(state).ok())
        });
        for group in self.log.groups() {
            ledger.apply(&group).expect("what this engine wrote it can read");
            books.enter(&group);
        }
        let there = core.table.instances().len();
        assert_eq!(ledger.runs.len(), there, "a run is in the journal only, or in memory only");
        for (instance, found) in &ledger.runs {
            let slot = core.slot(*instance).expect("every run of the journal is in memory");
            let there = known(&slot.lock().standing);
            assert_eq!(known(found), there, "a restart would find another run {instance}");
        }
        self.snapshot(&ledger);
        books.totals()
    }

    /// Checks that a start from a snapshot would find what a start from the journal finds.
    fn snapshot(&self, ledger: &Ledger) {
        let mut kept = Vec::new();
        snapshot::write(self.engine.core(), Lsn::START, &mut kept).expect("memory takes what is written");
        let restored = snapshot::restored(&kept).expect("this very build wrote it");
        assert_eq!((&restored.names, restored.facts.is_superset(&ledger.facts)), (&ledger.names, true));
        for (instance, found) in &ledger.runs {
            match found.status {
                Status::Ended => assert_eq!(restored.over.get(instance), Some(&Over::of(found))),
                Status::Live | Status::Parked(_) => assert_eq!(restored.runs.get(instance), Some(found)),
            }
        }
        assert_eq!(restored.runs.len() + restored.over.len(), ledger.runs.len());
    }
}

/// What is known of a run that has ended once it was put to rest: what it might still use up, nobody asks.
fn known(standing: &Standing) -> Standing {
    let mut known = standing.clone();
    if standing.status == Status::Ended {
        (known.grant, known.cancelled) = (known.balance, false);
    }
    known
}
