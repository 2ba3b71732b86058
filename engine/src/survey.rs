//! What a journal says of its runs and facts, as far as it decides what is kept: which runs have ended and when, who shares
//! whose past, which keys were superseded, who was forgotten. It is read from the journal for each compaction, so there is
//! nothing beside it that could be wrong.
use crate::{
    InstanceId, Refused, Retention, Time,
    durable::Owner,
    log::{Group, Lsn},
    oblivion::Oblivion,
    record::{FactRecord, Record},
};
use rustc_hash::{FxHashMap, FxHashSet};
use std::{collections::BTreeMap, time::Duration};

/// What becomes of the past of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It stays.
    Whole,
    /// It is over and nobody wants to look back.
    Trimmed,
    /// It belonged to somebody who was forgotten: nothing that was said in it stays.
    Forgotten,
}

#[derive(Debug, Clone)]
struct Run {
    graph: u64,
    ended: Option<(Lsn, Time)>,
    /// It never goes on by itself.
    imported: bool,
    origin: Option<InstanceId>,
    fate: Fate,
}

/// See above.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    // Ids are random: the hash need not defend itself.
    runs: FxHashMap<InstanceId, Run>,
    /// The last fact with a key, by a hash of its owner, its type and its key.
    keys: FxHashMap<u128, Lsn>,
    /// Up to which record the facts of an owner are forgotten.
    forgotten: FxHashMap<Owner, Lsn>,
    forgotten_runs: FxHashSet<InstanceId>,
}

impl Survey {
    /// Of the runs that were forgotten, and of nothing else.
    pub(crate) fn of_forgotten(oblivion: &Oblivion) -> Survey {
        let forgotten = Run { graph: 0, ended: None, imported: false, origin: None, fate: Fate::Forgotten };
        let runs = oblivion.runs();
        Survey {
            runs: runs.iter().map(|instance| (*instance, forgotten.clone())).collect(),
            keys: FxHashMap::default(),
            forgotten: oblivion.owners().into_iter().collect(),
            forgotten_runs: runs.into_iter().collect(),
        }
    }

    /// Takes the next group.
    ///
    /// # Errors
    /// When it is not of this engine.
    pub(crate) fn take(&mut self, group: &Group) -> Result<(), Refused> {
        (group.first.0..)
            .zip(&group.records)
            .try_for_each(|(lsn, bytes)| Record::decode(bytes).map(|record| self.note(Lsn(lsn), record)))
    }

    fn note(&mut self, lsn: Lsn, record: Record) {
        for fact in record.facts() {
            if let Some(key) = key(fact) {
                self.keys.insert(key, lsn);
            }
        }
        match record {
            Record::Started(it) => {
                let run =
                    Run { graph: it.graph, ended: None, imported: false, origin: None, fate: Fate::Whole };
                self.runs.entry(it.instance).or_insert(run);
            }
            Record::Moved(it) if it.ended => {
                if let Some(run) = self.runs.get_mut(&it.instance) {
                    run.ended = Some((lsn, it.at));
                }
            }
            Record::Forked(it) => {
                if let Some(run) = self.runs.get_mut(&it.instance) {
                    run.origin = Some(it.from);
                }
            }
            Record::Imported(it) => {
                for instance in it.instances {
                    if let Some(run) = self.runs.get_mut(&instance) {
                        run.imported = true;
                    }
                }
            }
            Record::Forgot(it) => {
                self.forgotten.insert(it.owner, Lsn(it.upto));
                self.forgotten_runs.extend(it.instances);
            }
            Record::Declared(_)
            | Record::Moved(_)
            | Record::Began(_)
            | Record::Done(_)
            | Record::Mail(_)
            | Record::Outcome(_)
            | Record::Credited(_)
            | Record::Cancel(_)
            | Record::Parked(_)
            | Record::Paused(_)
            | Record::Released(_)
            | Record::Trimmed(_)
            | Record::Facts(_) => {}
        }
    }

    /// Says of every run what becomes of its past. `origins` are shared as well, by forks that it has not met.
    pub(crate) fn decide(
        &mut self,
        retention: &BTreeMap<u64, Retention>,
        now: Time,
        origins: &mut dyn Iterator<Item = InstanceId>,
    ) {
        let of = |graph: u64| retention.get(&graph).copied().unwrap_or_default();
        let mut by_graph: BTreeMap<u64, Vec<(Lsn, InstanceId)>> = BTreeMap::new();
        for (instance, run) in &mut self.runs {
            run.fate = Fate::Whole;
            match (run.ended, of(run.graph)) {
                (None, _) | (Some(_), Retention::Forever) => {}
                (Some((_, at)), Retention::For(span)) => {
                    if now.since(at) >= span && span < Duration::MAX {
                        run.fate = Fate::Trimmed;
                    }
                }
                (Some((lsn, _)), Retention::Last(_)) => {
                    by_graph.entry(run.graph).or_default().push((lsn, *instance));
                }
            }
        }
        for (graph, mut ended) in by_graph {
            let Retention::Last(last) = of(graph) else { continue };
            ended.sort_unstable_by(|a, b| b.cmp(a));
            for (_, instance) in ended.into_iter().skip(last) {
                self.set(instance, Fate::Trimmed);
            }
        }
        self.spare_origins(origins);
        for instance in &self.forgotten_runs {
            // Nobody is forgotten whose runs go on: whatever a record says, what they stand on stays.
            let is_over = |run: &&mut Run| run.ended.is_some() || run.imported;
            if let Some(run) = self.runs.get_mut(instance).filter(is_over) {
                run.fate = Fate::Forgotten;
            }
        }
    }

    /// Whatever a run shares whose own past is kept, is kept.
    fn spare_origins(&mut self, origins: &mut dyn Iterator<Item = InstanceId>) {
        let whole = |run: &&Run| run.fate == Fate::Whole;
        let mut shared: Vec<_> = self.runs.values().filter(whole).filter_map(|run| run.origin).collect();
        shared.extend(origins);
        while let Some(origin) = shared.pop() {
            if let Some(run) = self.runs.get_mut(&origin).filter(|run| run.fate != Fate::Whole) {
                run.fate = Fate::Whole;
                shared.extend(run.origin);
            }
        }
    }

    fn set(&mut self, instance: InstanceId, fate: Fate) {
        if let Some(run) = self.runs.get_mut(&instance) {
            run.fate = fate;
        }
    }

    /// The runs whose past does not stay.
    pub(crate) fn going(&self) -> FxHashSet<InstanceId> {
        self.runs.iter().filter(|(_, run)| run.fate != Fate::Whole).map(|(instance, _)| *instance).collect()
    }

    /// What becomes of the past of a run. One that began since then stays.
    pub(crate) fn fate(&self, instance: InstanceId) -> Fate {
        self.runs.get(&instance).map_or(Fate::Whole, |run| run.fate)
    }

    /// Whether a fact, carried by the record at `lsn`, stays when the past that it is a part of goes.
    pub(crate) fn stays(&self, lsn: Lsn, fact: &FactRecord) -> bool {
        let is_forgotten = self.forgotten.get(&fact.owner).is_some_and(|upto| lsn <= *upto);
        let is_superseded = key(fact).is_some_and(|key| self.keys.get(&key).is_some_and(|last| *last > lsn));
        !is_forgotten && !is_superseded
    }
}

/// What stands for the owner, the type and the key of a fact: a hash, since no owner can choose the names of another.
fn key(fact: &FactRecord) -> Option<u128> {
    let key = fact.key.as_ref()?;
    let mut hash = blake3::Hasher::new();
    hash.update(&fact.fact.tag.to_le_bytes());
    hash.update(&(fact.owner.0.len() as u64).to_le_bytes());
    hash.update(fact.owner.0.as_bytes());
    hash.update(key.0.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize().as_bytes()[..16]);
    Some(u128::from_le_bytes(bytes))
}
