//! Forgets an owner: what belonged to it is told to nobody any more, and the next compaction takes its bytes off the disk.
use crate::{
    Engine, InstanceId, OpenFault, Owner, Refused,
    log::{Flow, Group, LogFault, Lsn},
    record::{Forgot, Record},
    slot::Slot,
};
use rustc_hash::{FxHashMap, FxHashSet};
use std::{fmt, sync::Arc};

/// A fork that begins while it is looked for what belongs to an owner may belong to it too, so it is looked once more. People
/// fork, so a second look is rare already.
const LOOKS_MAX: usize = 16;

/// What was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgotten {
    /// How many facts.
    pub facts: u64,
    /// The past of how many runs.
    pub runs: usize,
}

/// An owner cannot be forgotten. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ForgetFault {
    /// Nothing belongs to it, or nothing any more.
    #[error("nothing in the journal belongs to `{}`", .0.0)]
    Unknown(Owner),
    /// Runs that belong to it go on, or are set aside, and may say more.
    #[error("`{}` cannot be forgotten while {} of its runs have not ended: cancel {} first", .owner.0, .runs.len(), Listed(.runs))]
    Living {
        /// Whose.
        owner: Owner,
        /// Which.
        runs: Vec<InstanceId>,
    },
    /// Runs were forked each time that it was looked for what belongs to it.
    #[error("`{}` cannot be forgotten while runs are being forked: try again", .0.0)]
    Forking(Owner),
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] OpenFault),
}

impl From<LogFault> for ForgetFault {
    fn from(fault: LogFault) -> ForgetFault {
        ForgetFault::Journal(fault.into())
    }
}

struct Listed<'a>(&'a [InstanceId]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&all.join(", "))
    }
}

/// What belongs to an owner.
#[derive(Default)]
struct Estate {
    facts: u64,
    /// Runs that recorded a fact of it.
    runs: FxHashSet<InstanceId>,
    /// Whom each run asked for, and its forks, which began with a state of it.
    heirs: FxHashMap<InstanceId, Vec<InstanceId>>,
}

impl Engine {
    /// Forgets an owner: all of its facts that are recorded by now, and what is known of the runs that recorded them, of those
    /// that these asked for and of their forks, but that they were there. Followers are told that it was forgotten, and of its
    /// facts never again; a run of it can be neither looked at nor forked nor replayed nor exported. Its bytes leave the disk
    /// with the next compaction, which begins soon; [`Engine::compact`] waits for one. What the owner records later is a new
    /// beginning.
    ///
    /// # Errors
    /// When nothing belongs to it, or runs of it have not ended: those are named. Then nothing was changed.
    pub async fn forget(&self, owner: &Owner) -> Result<Forgotten, ForgetFault> {
        let core = self.core();
        for _ in 0..LOOKS_MAX {
            let upto = core.position()?;
            core.durable(upto).await?;
            let estate = self.estate(owner, upto)?;
            if let Some((forgotten, lsn)) = self.forget_upto(owner, upto, &estate)? {
                core.durable(lsn).await?;
                core.wish.wish();
                return Ok(forgotten);
            }
        }
        Err(ForgetFault::Forking(owner.clone()))
    }

    /// Forgets an estate; not when a run was forked since it was looked for, which may belong to it.
    fn forget_upto(
        &self,
        owner: &Owner,
        upto: Lsn,
        estate: &Estate,
    ) -> Result<Option<(Forgotten, Lsn)>, ForgetFault> {
        let core = self.core();
        let last_fork = core.forking();
        if *last_fork > upto {
            return Ok(None);
        }
        if estate.facts == 0 {
            return Err(ForgetFault::Unknown(owner.clone()));
        }
        let runs = estate.all_runs();
        let slots: Vec<_> = runs.iter().filter_map(|id| core.slot(*id)).collect();
        let goes_on = |slot: &&Arc<Slot>| !slot.lock().is_over();
        let living: Vec<_> = slots.iter().filter(goes_on).map(|slot| slot.instance).collect();
        if !living.is_empty() {
            return Err(ForgetFault::Living { owner: owner.clone(), runs: living });
        }
        let forgotten = Forgotten { facts: estate.facts, runs: runs.len() };
        // What is forgotten lies in sealed segments then, which can be compacted.
        core.log.seal();
        let lsn = {
            let _way = core.on_the_way.begin();
            let forgot = Forgot { owner: owner.clone(), upto: upto.0, instances: runs, at: core.now() };
            let lsn = core.append(&[Record::Forgot(forgot.clone())])?;
            core.forgotten.insert(forgot.owner, upto, &forgot.instances);
            // No snapshot keeps what was said in runs that were set aside as they were imported.
            slots.iter().for_each(|slot| slot.lock().blank());
            lsn
        };
        drop(last_fork);
        slots.iter().for_each(|slot| core.table.rest(slot));
        Ok(Some((forgotten, lsn)))
    }

    /// Whether an owner was forgotten whose bytes may be on the disk still: no compaction has come so far.
    pub fn is_forgetting(&self, owner: &Owner) -> bool {
        self.core().forgotten.upto(owner).is_some_and(|upto| upto > self.core().log.sealed().compacted)
    }

    /// Finds what belongs to an owner and was not forgotten before.
    fn estate(&self, owner: &Owner, upto: Lsn) -> Result<Estate, ForgetFault> {
        let (mut estate, mut refused) = (Estate::default(), None::<Refused>);
        let since = self.core().forgotten.upto(owner).unwrap_or_default();
        self.core().log.scan(Lsn(1), &mut |group: &Group| {
            if group.first > upto {
                return Flow::Stop;
            }
            for (lsn, bytes) in (group.first.0..).zip(&group.records) {
                match Record::decode(bytes) {
                    Ok(record) => estate.note(&record, owner, Lsn(lsn) > since),
                    Err(why) => {
                        refused = Some(why);
                        return Flow::Stop;
                    }
                }
            }
            Flow::Continue
        })?;
        refused.map_or(Ok(estate), |why| Err(OpenFault::from(why).into()))
    }
}

impl Estate {
    fn note(&mut self, record: &Record, owner: &Owner, is_new: bool) {
        if let Record::Started(started) = record
            && let Some(parent) = started.parent
        {
            self.heirs.entry(parent.instance).or_default().push(started.instance);
        }
        if let Record::Forked(forked) = record {
            self.heirs.entry(forked.from).or_default().push(forked.instance);
        }
        for fact in record.facts().iter().filter(|fact| is_new && fact.owner == *owner) {
            self.facts += 1;
            // The run that recorded it: in what was imported its id is the same.
            self.runs.insert(fact.id.instance);
        }
    }

    /// With all that they asked for and their forks, in no order that means anything, but always in the same.
    fn all_runs(&self) -> Vec<InstanceId> {
        let mut found: Vec<_> = self.runs.iter().copied().collect();
        let mut known = self.runs.clone();
        let mut next = 0;
        while let Some(instance) = found.get(next) {
            let heirs = self.heirs.get(instance).into_iter().flatten();
            let new: Vec<_> = heirs.copied().filter(|heir| known.insert(*heir)).collect();
            found.extend(new);
            next += 1;
        }
        found.sort_unstable();
        found
    }
}
