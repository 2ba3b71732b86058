//! Keeps forks and compactions apart: a past that a fork is about to share stays, one that is about to go cannot be shared any
//! more. Who shares what is in the journal; this knows only what a compaction may not have met there yet.
use crate::InstanceId;
use rustc_hash::FxHashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Sharing(Mutex<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Forked since the last survey began.
    fresh: FxHashSet<InstanceId>,
    /// Forked before that: the record may have been on its way to the disk when the survey read it.
    older: FxHashSet<InstanceId>,
    /// Whose past a compaction is taking away.
    going: FxHashSet<InstanceId>,
}

impl Sharing {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody is about to share the past of a run; returns whether there is one to share. Asked before the fork is ordered.
    pub(crate) fn share(&self, origin: InstanceId) -> bool {
        let mut shared = self.lock();
        let stays = !shared.going.contains(&origin);
        if stays {
            shared.fresh.insert(origin);
        }
        stays
    }

    /// A survey begins.
    pub(crate) fn survey(&self) {
        let mut shared = self.lock();
        let fresh = std::mem::take(&mut shared.fresh);
        shared.older.extend(fresh);
    }

    /// A survey ends: `decide` is given the origins that it may not have met, and returns whose pasts go. From now on those
    /// cannot be shared.
    pub(crate) fn decide(
        &self,
        decide: impl FnOnce(&mut dyn Iterator<Item = InstanceId>) -> FxHashSet<InstanceId>,
    ) {
        let mut shared = self.lock();
        let older = std::mem::take(&mut shared.older);
        let going = decide(&mut older.iter().chain(&shared.fresh).copied());
        shared.going = going;
    }

    /// The compaction is over: what went is gone, and whoever asks for it finds that.
    pub(crate) fn end(&self) {
        self.lock().going.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(sharing: &Sharing, going: &[u128]) -> Vec<u128> {
        let mut met = Vec::new();
        sharing.decide(|origins| {
            met.extend(origins.map(|it| it.0));
            going.iter().map(|id| InstanceId(*id)).collect()
        });
        met.sort_unstable();
        met
    }

    #[test]
    fn a_fork_before_the_decision_is_met_and_one_behind_it_finds_what_goes() {
        let sharing = Sharing::default();
        assert!(sharing.share(InstanceId(1)));
        sharing.survey();
        assert!(sharing.share(InstanceId(2)));
        assert_eq!(met(&sharing, &[3]), [1, 2]);
        assert!(!sharing.share(InstanceId(3)) && sharing.share(InstanceId(4)));
        sharing.end();
        assert!(sharing.share(InstanceId(3)), "what is gone by now is found to be gone");
    }

    #[test]
    fn a_fork_is_met_by_the_survey_that_it_ran_beside_and_by_the_next_and_by_no_other() {
        let sharing = Sharing::default();
        sharing.survey();
        assert!(sharing.share(InstanceId(1)));
        assert_eq!(met(&sharing, &[]), [1]);
        sharing.end();
        sharing.survey();
        assert_eq!(met(&sharing, &[]), [1]);
        sharing.end();
        sharing.survey();
        assert_eq!(met(&sharing, &[]), [] as [u128; 0]);
    }
}
