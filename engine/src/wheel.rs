//! One timer wheel for all runs: a run that waits costs an entry here, not a task that sleeps.
use crate::{InstanceId, Time, clock::Clock, slot::Slot};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tokio::sync::Notify;

#[derive(Default)]
pub(crate) struct Wheel {
    due: Mutex<BTreeMap<(Time, InstanceId), Weak<Slot>>>,
    changed: Notify,
}

impl Wheel {
    /// Rings the run's bell at `due`, or soon after. The run looks at the clock itself.
    pub(crate) fn set(&self, due: Time, slot: &Arc<Slot>) {
        let first = {
            let mut entries = self.lock();
            entries.insert((due, slot.instance), Arc::downgrade(slot));
            entries.first_key_value().is_some_and(|((at, _), _)| *at == due)
        };
        if first {
            self.changed.notify_one();
        }
    }

    pub(crate) fn unset(&self, due: Time, instance: InstanceId) {
        self.lock().remove(&(due, instance));
    }

    /// Turns for as long as the engine lives.
    pub(crate) async fn turn(self: Arc<Self>, clock: Arc<dyn Clock>) {
        loop {
            match self.ring(clock.now()) {
                None => self.changed.notified().await,
                Some(next) => tokio::select! {
                    () = self.changed.notified() => {}
                    () = clock.sleep_until(next) => {}
                },
            }
        }
    }

    /// Rings everybody who is due and returns when the next one is.
    fn ring(&self, now: Time) -> Option<Time> {
        let mut entries = self.lock();
        let late = entries.split_off(&(Time(now.0.saturating_add(1)), InstanceId(0)));
        let due = std::mem::replace(&mut *entries, late);
        due.into_values().filter_map(|slot| slot.upgrade()).for_each(|slot| slot.bell.notify_one());
        entries.first_key_value().map(|((at, _), _)| *at)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Time, InstanceId), Weak<Slot>>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
