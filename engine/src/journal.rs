//! The journal, read: facts by address, runs as they stand, the past of one run. It never writes, so it may be used
//! beside an owner.
use crate::{
    Encoded, FactId, InstanceId, Refused, Time,
    core::Core,
    durable::Amount,
    follow::{FactEntry, Follower},
    followers,
    ledger::{Ledger, Names},
    log::{FileLog, Flow, Fold, Group, Log, LogFault, Lsn, Mode as Opened, Options},
    oblivion::{Known, Oblivion},
    open::{self, OpenFault},
    record::{Answer, FactRecord, Mode, Record, Via},
    sift,
    standing::{Standing, Status},
    survey::Survey,
};
use std::{
    path::Path,
    sync::{Arc, Weak},
};

/// A journal for reading.
#[derive(Clone)]
pub struct Journal {
    log: Arc<dyn Log>,
    /// Who knows where runs began, if an engine does. It is not kept alive by who reads.
    core: Weak<Core>,
    forgotten: Arc<Known>,
    /// What was read when it was opened, if it was read as a whole.
    whole: Option<Arc<Ledger>>,
}

/// A fact is not where it should be.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadFault {
    /// The record cannot be read.
    #[error(transparent)]
    Log(#[from] LogFault),
    /// The record is not what was expected.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The record carries no such fact.
    #[error("record {0:?} does not carry fact {1:?}")]
    Missing(Lsn, FactId),
    /// Its owner was forgotten since it was recorded. Once its bytes have left the disk it is missing, or its record is.
    #[error("fact {1:?} of record {0:?} was forgotten with its owner")]
    Forgotten(Lsn, FactId),
}

/// A run at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Which.
    pub instance: InstanceId,
    /// The name of its graph.
    pub graph: String,
    /// The graph's version that began it.
    pub version: u32,
    /// The name of the state it is in.
    pub state: String,
    /// Whether it goes on.
    pub life: Life,
    /// How many moves it has made.
    pub moves: u64,
    /// When it began.
    pub started: Time,
    /// When it entered its state.
    pub since: Time,
    /// Who asked for it.
    pub parent: Option<InstanceId>,
    /// The run that it is a fork of, and how many moves that one had made.
    pub origin: Option<(InstanceId, u64)>,
    /// The effects of its state that are never repeated, have begun, and have no result.
    pub open: Vec<String>,
    /// What is left on its meters.
    pub left: Amount,
}

/// Whether a run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Life {
    /// It runs, or waits.
    Living,
    /// It is cancelled and on its way to an end.
    Stopping,
    /// It has ended.
    Ended,
    /// It is set aside, and why.
    Parked(String),
}

/// One line of a run's past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where.
    pub lsn: Lsn,
    /// When.
    pub at: Time,
    /// What.
    pub what: Happened,
    /// The facts that were recorded with it, with their names.
    pub facts: Vec<(String, FactEntry)>,
}

/// What happened to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// It began in a state.
    Started {
        /// The state.
        state: String,
    },
    /// It moved.
    Moved {
        /// How many moves it has made, this one included.
        seq: u64,
        /// To which state.
        to: String,
        /// What the handler was woken by.
        via: String,
    },
    /// An effect began.
    Began {
        /// Its name.
        effect: String,
        /// From 1.
        attempt: u32,
        /// Whether it is never repeated.
        once: bool,
    },
    /// An effect's result was recorded.
    Done {
        /// Its name.
        effect: String,
        /// The result.
        result: Encoded,
    },
    /// An event arrived.
    Received {
        /// Its name.
        event: String,
    },
    /// A child told its outcome.
    Answered {
        /// Which child.
        child: InstanceId,
        /// Why there is no answer, if there is none.
        lost: Option<String>,
    },
    /// Budget of a child came back late.
    Credited {
        /// From which run.
        from: InstanceId,
    },
    /// It was cancelled.
    Cancelled,
    /// It was set aside, by a fault or by an operator.
    Parked {
        /// Why.
        why: String,
    },
    /// It was let go on.
    Unparked,
    /// What happened here is not kept any more.
    Trimmed,
    /// Of what happened here only the facts are kept.
    Reduced,
    /// Somebody to whom it belonged was forgotten, and what was said in it with them.
    Forgotten,
    /// It was brought here in a file.
    Imported,
    /// It began as a fork.
    Forked {
        /// Of which run.
        from: InstanceId,
        /// How many moves that one had made.
        seq: u64,
    },
}

impl Journal {
    /// A journal over a log. Who was forgotten in it is looked for, once; [`Recovered::journal`](crate::Recovered::journal)
    /// knows it already.
    pub fn of(log: Arc<dyn Log>) -> Journal {
        Journal { log, core: Weak::new(), forgotten: Arc::new(Known::looked_for()), whole: None }
    }

    /// The journal in a directory as it is now, beside its owner or without. It is read once: the runs are known then, and who
    /// was forgotten.
    ///
    /// # Errors
    /// When it cannot be read, or is not one of this engine.
    pub fn beside(dir: &Path) -> Result<Journal, OpenFault> {
        let mut whole = Whole(Ledger::whole());
        let (log, _) = FileLog::open_folding(dir, Opened::Reader, Options::default(), &mut whole)?;
        let journal = Journal::kept(log, whole.0.forgotten.clone());
        Ok(Journal { whole: Some(Arc::new(whole.0)), ..journal })
    }

    pub(crate) fn kept(log: Arc<dyn Log>, forgotten: Oblivion) -> Journal {
        Journal { log, core: Weak::new(), forgotten: Arc::new(Known::kept(forgotten)), whole: None }
    }

    pub(crate) fn of_engine(core: &Arc<Core>) -> Journal {
        Journal { core: Arc::downgrade(core), ..Journal::kept(core.log.clone(), core.forgotten.clone()) }
    }

    /// Where every run stands.
    fn ledger(&self) -> Result<Arc<Ledger>, OpenFault> {
        match &self.whole {
            Some(ledger) => Ok(ledger.clone()),
            None => open::read(&*self.log, Ledger::whole()).map(Arc::new),
        }
    }

    /// Who was forgotten by now.
    pub(crate) fn forgotten(&self) -> Result<&Oblivion, LogFault> {
        self.forgotten.by_now(&*self.log)
    }

    /// A record before which there is nothing about a run.
    pub(crate) fn from(&self, instance: InstanceId) -> Lsn {
        let core = self.core.upgrade();
        core.and_then(|core| core.table.began(instance)).unwrap_or(Lsn(1))
    }

    pub(crate) fn log(&self) -> &dyn Log {
        &*self.log
    }

    /// Feeds a view from where it stands, in the background, without an engine.
    pub fn feed(&self, follower: impl Follower) {
        // The thread that feeds must not keep the log open.
        let (log, known) = (Arc::downgrade(&self.log), self.forgotten.clone());
        let forgotten = move || {
            let log = log.upgrade()?;
            // What cannot be read here cannot be fed either, and is said then.
            known.by_now(&*log).ok().cloned()
        };
        followers::feed(&*self.log, Box::new(follower), move || forgotten().unwrap_or_default());
    }

    /// The last record that is durable.
    pub fn durable(&self) -> Lsn {
        self.log.durable_lsn()
    }

    /// Reads a fact whose owner was not forgotten since.
    ///
    /// # Errors
    /// When it was, or the record cannot be read, or carries no such fact.
    pub fn fact(&self, lsn: Lsn, id: FactId) -> Result<Encoded, ReadFault> {
        let record = Record::decode(&self.log.read(lsn)?)?;
        let fact = followers::fact_of(&record, id).ok_or(ReadFault::Missing(lsn, id))?;
        // Asked behind the reading: who forgets meanwhile is not told of it any more.
        if self.forgotten()?.covers(lsn, &fact) {
            return Err(ReadFault::Forgotten(lsn, id));
        }
        Ok(fact.fact)
    }

    /// Calls `each` with every fact whose owner was not forgotten since, in order.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn facts(&self, each: &mut dyn FnMut(FactEntry)) -> Result<(), OpenFault> {
        let oblivion = self.forgotten()?;
        let mut refused = None;
        self.log.scan(Lsn(1), &mut |group: &Group| {
            for (lsn, bytes) in (group.first.0..).zip(&group.records) {
                match Record::decode(bytes) {
                    Ok(record) => {
                        let lsn = Lsn(lsn);
                        let known = record.facts().iter().filter(|fact| !oblivion.covers(lsn, fact));
                        known.for_each(|fact| each(followers::entry(lsn, fact.clone())));
                    }
                    Err(why) => {
                        refused = Some(why);
                        return Flow::Stop;
                    }
                }
            }
            Flow::Continue
        })?;
        refused.map_or(Ok(()), |why| Err(why.into()))
    }

    /// Every run, in the order in which they began.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn runs(&self) -> Result<Vec<Summary>, OpenFault> {
        let ledger = self.ledger()?;
        Ok(ledger
            .order
            .iter()
            .filter_map(|id| Some(summary(*id, ledger.runs.get(id)?, &ledger.names)))
            .collect())
    }

    /// One run with its past, oldest first. Of one that belonged to somebody who was forgotten there is what a compaction
    /// leaves of it, whether there has been one by now or not.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn past(&self, instance: InstanceId) -> Result<Option<(Summary, Vec<Line>)>, OpenFault> {
        let ledger = self.ledger()?;
        let Some(standing) = ledger.runs.get(&instance) else { return Ok(None) };
        let (mut records, mut refused) = (Vec::new(), None);
        self.log.scan(Lsn(standing.began), &mut |group: &Group| {
            for (lsn, bytes) in (group.first.0..).zip(&group.records) {
                match Record::decode(bytes) {
                    Ok(record) if record.is_about(instance) => records.push((Lsn(lsn), bytes.clone())),
                    Ok(_) => {}
                    Err(why) => refused = Some(why),
                }
            }
            if refused.is_none() { Flow::Continue } else { Flow::Stop }
        })?;
        if let Some(why) = refused {
            return Err(why.into());
        }
        let forgotten = self.forgotten()?;
        if forgotten.holds(instance) && standing.is_over() {
            records = sift::left(&Survey::of_forgotten(forgotten), records);
        }
        let past = Past { graph: standing.graph, ledger: &ledger, forgotten };
        let line = |(lsn, bytes): &(Lsn, Vec<u8>)| past.line(*lsn, Record::decode(bytes).ok()?);
        let lines = records.iter().filter_map(line).collect();
        Ok(Some((summary(instance, standing, &ledger.names), lines)))
    }
}

/// Takes a journal as a whole, every group of it.
struct Whole(Ledger);

impl Fold<OpenFault> for Whole {
    fn begin(&mut self, kept: Option<&[u8]>) -> Result<(), String> {
        if kept.is_some() {
            return Err("every run is asked for, and a snapshot has only addresses of those that have ended"
                .to_owned());
        }
        self.0 = Ledger::whole();
        Ok(())
    }
    fn take(&mut self, group: &Group) -> Result<(), OpenFault> {
        Ok(self.0.apply(group)?)
    }
}

fn summary(instance: InstanceId, run: &Standing, names: &Names) -> Summary {
    let life = match (&run.status, &run.paused) {
        (Status::Live, Some(pause)) => Life::Parked(pause.why.clone()),
        (Status::Live, None) if run.stopping.is_some() => Life::Stopping,
        (Status::Live, None) => Life::Living,
        (Status::Ended, _) => Life::Ended,
        (Status::Parked(why), _) => Life::Parked(why.clone()),
    };
    Summary {
        instance,
        graph: names.graph(run.graph),
        version: run.version,
        state: names.state(run.graph, run.state.tag),
        life,
        moves: run.seq,
        started: run.started,
        since: run.since,
        parent: run.parent.map(|parent| parent.instance),
        origin: run.origin.as_ref().map(|origin| (origin.instance, origin.seq)),
        open: run.doubts().into_iter().map(|doubt| doubt.name).collect(),
        left: run.balance.meters,
    }
}

struct Past<'a> {
    graph: u64,
    ledger: &'a Ledger,
    forgotten: &'a Oblivion,
}

impl Past<'_> {
    fn line(&self, lsn: Lsn, record: Record) -> Option<Line> {
        let fact =
            |fact: &FactRecord| (self.ledger.names.fact(fact.fact.tag), followers::entry(lsn, fact.clone()));
        let known = record.facts().iter().filter(|fact| !self.forgotten.covers(lsn, fact));
        let facts = known.map(fact).collect();
        let (at, what) = self.happened(record)?;
        Some(Line { lsn, at, what, facts })
    }

    fn happened(&self, record: Record) -> Option<(Time, Happened)> {
        let name = |tag| self.ledger.names.state(self.graph, tag);
        Some(match record {
            Record::Declared(_) => return None,
            Record::Started(it) => (it.at, Happened::Started { state: name(it.state.tag) }),
            Record::Moved(it) => {
                (it.at, Happened::Moved { seq: it.seq, to: name(it.state.tag), via: via(it.used).to_owned() })
            }
            Record::Began(it) => {
                let once = matches!(it.mode, Mode::Once(_));
                (it.at, Happened::Began { effect: it.name, attempt: it.attempt, once })
            }
            Record::Done(it) => (it.at, Happened::Done { effect: it.name, result: it.result }),
            Record::Mail(it) => (it.at, Happened::Received { event: name(it.payload.tag) }),
            Record::Outcome(it) => {
                let lost = match it.answer {
                    Answer::Said(_) => None,
                    Answer::Lost(why) => Some(why),
                };
                (it.at, Happened::Answered { child: it.child, lost })
            }
            Record::Credited(it) => (it.at, Happened::Credited { from: it.from }),
            Record::Cancel(it) => (it.at, Happened::Cancelled),
            Record::Parked(it) => (it.at, Happened::Parked { why: it.why }),
            Record::Paused(it) => (it.at, Happened::Parked { why: it.why }),
            Record::Released(it) => (it.at, Happened::Unparked),
            Record::Imported(it) => (it.at, Happened::Imported),
            Record::Forked(it) => (it.at, Happened::Forked { from: it.from, seq: it.seq }),
            Record::Forgot(it) => (it.at, Happened::Forgotten),
            Record::Trimmed(it) if it.forgotten => (it.at, Happened::Forgotten),
            Record::Trimmed(it) => (it.at, Happened::Trimmed),
            Record::Facts(it) => (it.at, Happened::Reduced),
        })
    }
}

fn via(via: Via) -> &'static str {
    match via {
        Via::Entered => "entered",
        Via::Event(_) => "event",
        Via::Elapsed => "elapsed",
        Via::Outcome => "outcome",
    }
}
