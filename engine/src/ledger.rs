//! The journal read from its beginning: where every run stands, and what the types in it are called. Recovery stands on
//! it, and so does whoever reads beside the owner.
use crate::{
    InstanceId, Refused,
    follow::FactType,
    graph::{Meta, StoredType},
    log::{Group, Lsn},
    oblivion::Oblivion,
    record::{Declared, Forgot, Parent, Record, Started},
    scan,
    standing::{Standing, Status},
    table::{Over, Unpacked},
};
use bincode::{Decode, Encode};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that the journal says.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    // Ids are random: the hash need not defend itself.
    pub(crate) runs: FxHashMap<InstanceId, Standing>,
    /// Runs that have ended; none in a whole ledger, where they stay among the others.
    pub(crate) over: FxHashMap<InstanceId, Over>,
    is_whole: bool,
    /// Runs of a snapshot that know more than its position: up to which record of their own, and which about several.
    ahead: FxHashMap<InstanceId, (Lsn, Lsn)>,
    pub(crate) names: Names,
    /// In the order in which they began.
    pub(crate) order: Vec<InstanceId>,
    /// Tag and shape of every fact met.
    pub(crate) facts: FxHashSet<(u64, u64)>,
    /// Who was forgotten, and which runs with them. Who takes it hears what an engine over the journal forgets later.
    pub(crate) forgotten: Oblivion,
}

impl Ledger {
    /// A ledger that keeps where the runs stand that have ended: for who lists them.
    pub(crate) fn whole() -> Ledger {
        Ledger { is_whole: true, ..Ledger::default() }
    }

    /// Takes a run from a snapshot at `at`.
    pub(crate) fn restore(&mut self, instance: InstanceId, run: Unpacked, at: Lsn) {
        if run.barrier > at || run.told > at {
            self.ahead.insert(instance, (run.barrier, run.told));
        }
        self.order.push(instance);
        self.runs.insert(instance, run.standing);
    }

    /// Says whether a run, which came with a snapshot, knows the record, which is about this run alone.
    fn knows(&self, instance: InstanceId, lsn: Lsn) -> bool {
        self.over.contains_key(&instance) || self.ahead.get(&instance).is_some_and(|(own, _)| lsn <= *own)
    }

    /// The same for a record about several.
    fn was_told(&self, instance: InstanceId, lsn: Lsn) -> bool {
        self.over.contains_key(&instance) || self.ahead.get(&instance).is_some_and(|(_, told)| lsn <= *told)
    }

    /// Applies a group, or says what in it is not of this engine.
    pub(crate) fn apply(&mut self, group: &Group) -> Result<(), Refused> {
        // What a run did before its last move in the group need not be read, unless it left something behind.
        let moves = group.records.iter().enumerate().rev();
        let moved = moves.filter_map(|(n, bytes)| Some((n, scan::mover(bytes)?))).next();
        for (n, bytes) in group.records.iter().enumerate() {
            let past = moved.is_some_and(|(last, run)| n < last && scan::passes(bytes, run));
            if !past {
                self.take(Lsn(group.first.0 + n as u64), Record::decode(bytes)?)?;
            }
        }
        Ok(())
    }

    /// Applies a record, which lies at `lsn`, or says what in it is not of this engine.
    pub(crate) fn take(&mut self, lsn: Lsn, record: Record) -> Result<(), Refused> {
        self.facts.extend(record.facts().iter().map(|fact| (fact.fact.tag, fact.fact.shape)));
        match record {
            Record::Declared(declared) => self.names.learn(&declared),
            Record::Started(started) => {
                if !self.runs.contains_key(&started.instance) && !self.over.contains_key(&started.instance) {
                    self.runs.insert(started.instance, Standing::new(&started, lsn));
                    self.enlist(started.instance, lsn);
                }
                let parent = started.parent.filter(|parent| !self.knows(parent.instance, lsn));
                if let Some(parent) = parent.and_then(|parent| self.runs.get_mut(&parent.instance)) {
                    parent.brood.asked(started.instance);
                }
                self.given_at_once(&started, lsn);
            }
            Record::Forgot(it) => self.forget(it),
            Record::Cancel(_) | Record::Paused(_) | Record::Released(_) | Record::Imported(_) => {
                for instance in record.subjects() {
                    if !self.was_told(*instance, lsn) {
                        self.run(*instance)?.apply(record.clone());
                    }
                }
            }
            Record::Moved(_)
            | Record::Began(_)
            | Record::Done(_)
            | Record::Mail(_)
            | Record::Outcome(_)
            | Record::Credited(_)
            | Record::Parked(_)
            | Record::Forked(_)
            | Record::Trimmed(_)
            | Record::Facts(_) => {
                let subject = record.subject().expect("a record of these kinds is about one run");
                if self.knows(subject, lsn) {
                    return Ok(());
                }
                let standing = self.run(subject)?;
                standing.apply(record);
                if standing.status == Status::Ended {
                    standing.ended = lsn.0;
                    let over = Over::of(standing);
                    if !self.is_whole {
                        self.over.insert(subject, over);
                        self.runs.remove(&subject);
                    }
                }
            }
        }
        Ok(())
    }

    /// What was said in runs that are forgotten goes at once: a snapshot would keep it.
    fn forget(&mut self, forgot: Forgot) {
        for instance in &forgot.instances {
            if let Some(run) = self.runs.get_mut(instance).filter(|run| run.is_over()) {
                run.blank();
            }
        }
        self.forgotten.insert(forgot.owner, Lsn(forgot.upto), &forgot.instances);
    }

    /// Puts a run in its place among the others: a snapshot, which is taken while runs begin, may have one that began after it.
    fn enlist(&mut self, instance: InstanceId, lsn: Lsn) {
        let is_later = |it: &InstanceId| self.runs.get(it).is_some_and(|run| run.began > lsn.0);
        let at = self.order.iter().rposition(|it| !is_later(it)).map_or(0, |before| before + 1);
        self.order.insert(at, instance);
    }

    /// What a root gave away as it began was granted to it, and will be again at its lap.
    fn given_at_once(&mut self, started: &Started, lsn: Lsn) {
        let (mut asker, mut asked_at) = (started.parent, lsn.0);
        while let Some(Parent { instance, seq: 0, .. }) = asker {
            let knows = self.knows(instance, lsn);
            // Who asks has begun before: however it was written, this comes to an end.
            let began_before = |run: &&mut Standing| run.began < asked_at;
            let Some(run) = self.runs.get_mut(&instance).filter(began_before) else { return };
            asked_at = run.began;
            if run.parent.is_none() && !knows {
                run.grant = run.grant.credit(started.grant);
            }
            asker = run.parent;
        }
    }

    fn run(&mut self, instance: InstanceId) -> Result<&mut Standing, Refused> {
        self.runs
            .get_mut(&instance)
            .ok_or_else(|| Refused(format!("a record names run {instance}, which never began")))
    }
}

/// What tags are called, as the builds that wrote them declared.
#[derive(Debug, Default, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Names {
    graphs: BTreeMap<u64, String>,
    /// By graph and tag; facts under graph zero.
    types: BTreeMap<(u64, u64), String>,
    declared: BTreeSet<(u64, u32, u64, u64)>,
}

/// The graph under which facts are declared: they belong to all.
const FACTS: u64 = 0;

impl Names {
    pub(crate) fn learn(&mut self, declared: &Declared) {
        if declared.graph != FACTS {
            self.graphs.insert(declared.graph, declared.name.clone());
        }
        for (name, tag, shape) in &declared.types {
            self.types.insert((declared.graph, *tag), name.clone());
            self.declared.insert((declared.graph, declared.version, *tag, *shape));
        }
    }

    pub(crate) fn graph(&self, graph: u64) -> String {
        self.graphs.get(&graph).cloned().unwrap_or_else(|| format!("{graph:016x}"))
    }

    pub(crate) fn state(&self, graph: u64, tag: u64) -> String {
        self.types.get(&(graph, tag)).cloned().unwrap_or_else(|| format!("{tag:016x}"))
    }

    /// The first version of a graph that is known to have written this.
    pub(crate) fn first_version(&self, graph: u64, tag: u64, shape: u64) -> Option<u32> {
        let written = self.declared.iter().filter(|it| (it.0, it.2, it.3) == (graph, tag, shape));
        written.map(|it| it.1).min()
    }

    pub(crate) fn fact(&self, tag: u64) -> String {
        self.state(FACTS, tag)
    }

    /// What a journal does not know yet of a graph that is about to run over it.
    pub(crate) fn missing(&self, graph: u64, meta: &Meta, types: &[StoredType]) -> Option<Declared> {
        let types = types.iter().map(|t| (t.name, t.tag, t.shape));
        self.undeclared(graph, meta.name, meta.version, types)
    }

    /// The same for facts.
    pub(crate) fn missing_facts(&self, types: &[FactType]) -> Option<Declared> {
        self.undeclared(FACTS, "facts", 1, types.iter().map(|t| (t.name, t.tag, t.shape)))
    }

    fn undeclared(
        &self,
        graph: u64,
        name: &str,
        version: u32,
        types: impl Iterator<Item = (&'static str, u64, u64)>,
    ) -> Option<Declared> {
        let new: Vec<_> = types
            .filter(|(_, tag, shape)| !self.declared.contains(&(graph, version, *tag, *shape)))
            .map(|(name, tag, shape)| (name.to_owned(), tag, shape))
            .collect();
        (!new.is_empty()).then(|| Declared { graph, name: name.to_owned(), version, types: new })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Amount, Encoded, FactId, Time,
        budget::Balance,
        durable::Owner,
        log::{Bodies, Lsn},
        record::{Began, Cancel, Done, EventId, FactRecord, Mail, Mode, Moved, Via},
    };

    const RUN: InstanceId = InstanceId(7);
    const OTHER: InstanceId = InstanceId(8);

    fn encoded(text: &str) -> Encoded {
        Encoded { tag: 1, shape: 2, bytes: text.into() }
    }

    fn balance(moves: u32) -> Balance {
        Balance { moves, ..Balance::EMPTY }
    }

    fn started(instance: InstanceId) -> Record {
        let (state, grant, at) = (encoded("start"), balance(9), Time(1));
        Record::Started(Started { instance, graph: 1, version: 1, state, grant, parent: None, depth: 0, at })
    }

    fn moved(instance: InstanceId, seq: u64, used: Via, facts: Vec<FactRecord>) -> Record {
        let (state, balance) = (encoded(&format!("state {seq}")), balance(9 - seq as u32));
        let (stopping, ended, at) = ((seq == 4).then_some(2), false, Time(seq));
        Record::Moved(Moved { instance, seq, state, used, balance, stopping, ended, facts, at })
    }

    fn began(instance: InstanceId, seq: u64) -> Record {
        let (hold, balance, at) = (Amount::NONE, Amount::NONE, Time(seq));
        let (name, via, mode) = ("it".to_owned(), Via::Entered, Mode::Once(encoded("meant")));
        Record::Began(Began { instance, seq, name, slot: 0, via, attempt: 1, mode, hold, balance, at })
    }

    fn done(instance: InstanceId, seq: u64, facts: Vec<FactRecord>) -> Record {
        let (name, result) = ("it".to_owned(), encoded("came out"));
        let (spent, balance, at) = (Amount::NONE, Amount::NONE, Time(seq));
        Record::Done(Done { instance, seq, name, result, spent, balance, facts, at })
    }

    fn fact(tag: u64) -> FactRecord {
        let id = FactId { instance: RUN, seq: 0, n: 0 };
        let fact = Encoded { tag, ..encoded("it is so") };
        FactRecord { id, owner: Owner("me".into()), key: None, blobs: Vec::new(), fact }
    }

    fn mail(event: EventId) -> Record {
        Record::Mail(Mail { instance: RUN, event, payload: encoded("news"), at: Time(2) })
    }

    fn read(groups: &[&[Record]]) -> Ledger {
        let mut ledger = Ledger::default();
        let mut next = 1;
        for group in groups {
            let mut bodies = Bodies::new();
            group.iter().for_each(|record| record.put(&mut bodies));
            let records = bodies.iter().map(<[u8]>::to_vec).collect();
            ledger.apply(&Group { first: Lsn(next), records }).expect("these are records of this engine");
            next += group.len() as u64;
        }
        ledger
    }

    #[test]
    fn records_of_one_group_leave_what_they_leave_one_by_one() {
        let (used, kept) = (EventId::Given(1), EventId::Given(2));
        let story = [
            started(RUN),
            started(OTHER),
            began(OTHER, 0),
            began(RUN, 0),
            done(RUN, 0, vec![fact(5)]),
            moved(RUN, 1, Via::Entered, Vec::new()),
            mail(used),
            mail(kept),
            done(RUN, 1, Vec::new()),
            moved(RUN, 2, Via::Event(used), Vec::new()),
            moved(RUN, 3, Via::Elapsed, vec![fact(6)]),
            Record::Cancel(Cancel { instances: vec![RUN], at: Time(3) }),
            moved(RUN, 4, Via::Entered, Vec::new()),
            moved(RUN, 5, Via::Entered, Vec::new()),
            began(RUN, 5),
        ];
        for length in 2..=story.len() {
            let story = &story[..length];
            let apart = read(&story.iter().map(std::slice::from_ref).collect::<Vec<_>>());
            let (runs, facts) = (apart.runs, apart.facts);
            for cut in 1..length {
                let (before, after) = story.split_at(cut);
                let together = read(&[before, after]);
                assert_eq!(together.runs, runs, "{length} records, cut behind {cut}");
                assert_eq!(together.facts, facts, "{length} records, cut behind {cut}");
            }
        }
    }
}
