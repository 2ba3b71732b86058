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
    /// Rings the run's bell at `due`, or soon after, unless the alarm is dropped before. The run looks at the clock
    /// itself.
    pub(crate) fn set(&self, due: Time, slot: &Arc<Slot>) -> Alarm<'_> {
        let first = {
            let mut entries = self.lock();
            entries.insert((due, slot.instance), Arc::downgrade(slot));
            entries.first_key_value().is_some_and(|((at, _), _)| *at == due)
        };
        if first {
            self.changed.notify_one();
        }
        Alarm { wheel: self, due, instance: slot.instance }
    }

    fn unset(&self, due: Time, instance: InstanceId) {
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
        while let Some(first) = entries.first_entry() {
            let (due, _) = *first.key();
            if due > now {
                return Some(due);
            }
            if let Some(slot) = first.remove().upgrade() {
                slot.bell.notify_one();
            }
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Time, InstanceId), Weak<Slot>>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run's entry on the wheel. It leaves with the wait that set it, however that ends.
pub(crate) struct Alarm<'a> {
    wheel: &'a Wheel,
    due: Time,
    instance: InstanceId,
}
impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.wheel.unset(self.due, self.instance);
    }
}
