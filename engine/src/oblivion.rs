//! Which owners were forgotten, up to which record, and which runs with them. It forgets nobody itself.
use crate::{
    InstanceId,
    durable::Owner,
    log::{Flow, Group, Log, LogFault, Lsn},
    record::FactRecord,
    scan,
};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

/// Shared by the engine and whatever it feeds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oblivion(Arc<RwLock<Gone>>);

#[derive(Debug, Default)]
struct Gone {
    owners: FxHashMap<Owner, Lsn>,
    // Ids are random: the hash need not defend itself.
    runs: FxHashSet<InstanceId>,
}

impl Oblivion {
    pub(crate) fn of(
        owners: impl IntoIterator<Item = (Owner, Lsn)>,
        runs: FxHashSet<InstanceId>,
    ) -> Oblivion {
        Oblivion(Arc::new(RwLock::new(Gone { owners: owners.into_iter().collect(), runs })))
    }

    fn gone(&self) -> RwLockReadGuard<'_, Gone> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the owner recorded up to here is forgotten, and what was said in these runs.
    pub(crate) fn insert(&self, owner: Owner, upto: Lsn, runs: &[InstanceId]) {
        let mut gone = self.0.write().unwrap_or_else(PoisonError::into_inner);
        gone.owners.insert(owner, upto);
        gone.runs.extend(runs);
    }

    /// Up to where an owner was forgotten, if it ever was.
    pub(crate) fn upto(&self, owner: &Owner) -> Option<Lsn> {
        self.gone().owners.get(owner).copied()
    }

    /// The last record up to which anybody was forgotten.
    pub(crate) fn last(&self) -> Option<Lsn> {
        self.gone().owners.values().copied().max()
    }

    /// Whether a run went with somebody to whom it belonged.
    pub(crate) fn holds(&self, run: InstanceId) -> bool {
        self.gone().runs.contains(&run)
    }

    /// Whether a fact, carried by the record at `lsn`, is forgotten.
    pub(crate) fn covers(&self, lsn: Lsn, fact: &FactRecord) -> bool {
        self.upto(&fact.owner).is_some_and(|upto| lsn <= upto)
    }

    /// All owners.
    pub(crate) fn owners(&self) -> Vec<(Owner, Lsn)> {
        self.gone().owners.iter().map(|(owner, upto)| (owner.clone(), *upto)).collect()
    }

    /// All runs.
    pub(crate) fn runs(&self) -> Vec<InstanceId> {
        self.gone().runs.iter().copied().collect()
    }
}

/// Who was forgotten, for whoever reads a journal: somebody keeps it up to date, or the reader looks for it itself.
#[derive(Debug, Default)]
pub(crate) struct Known {
    oblivion: Oblivion,
    /// Up to which record the reader has looked. Nothing where somebody else keeps it.
    looked: Option<Mutex<Lsn>>,
}

impl Known {
    /// Kept by an engine, or by whoever opens a journal for one.
    pub(crate) fn kept(oblivion: Oblivion) -> Known {
        Known { oblivion, looked: None }
    }

    /// Kept by nobody.
    pub(crate) fn looked_for() -> Known {
        Known { oblivion: Oblivion::default(), looked: Some(Mutex::default()) }
    }

    /// Who was forgotten by now. What has become durable since somebody asked is read for it, once.
    pub(crate) fn by_now(&self, log: &dyn Log) -> Result<&Oblivion, LogFault> {
        let Some(looked) = &self.looked else { return Ok(&self.oblivion) };
        let mut looked = looked.lock().unwrap_or_else(PoisonError::into_inner);
        let upto = log.durable_lsn();
        if *looked < upto {
            log.scan(Lsn(looked.0 + 1), &mut |group: &Group| {
                for forgot in group.records.iter().filter_map(|bytes| scan::forgotten(bytes)) {
                    self.oblivion.insert(forgot.owner, Lsn(forgot.upto), &forgot.instances);
                }
                Flow::Continue
            })?;
            *looked = upto;
        }
        Ok(&self.oblivion)
    }
}
