//! One timer wheel for all runs: a run that waits costs an entry here, not a task that sleeps. It follows the wall clock,
//! and beside it what has passed: who waits for a span waits no longer because the wall clock was set back.
use crate::{InstanceId, Time, clock::Clock, slot::Slot};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};
use tokio::sync::Notify;

#[derive(Default)]
pub(crate) struct Wheel {
    entries: Mutex<Entries>,
    changed: Notify,
}

/// When to ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// A time of the wall clock.
    pub(crate) due: Time,
    /// How much will have passed by then, for who waits for a span: whichever comes first.
    pub(crate) ripe: Option<Duration>,
}

#[derive(Default)]
struct Entries {
    due: BTreeMap<(Time, InstanceId), Weak<Slot>>,
    ripe: BTreeMap<(Duration, InstanceId), Weak<Slot>>,
}

impl Wheel {
    /// Rings the run's bell at the moment, or soon after, unless the alarm is dropped before. The run looks at the clock
    /// itself.
    pub(crate) fn set(&self, moment: Moment, slot: &Arc<Slot>) -> Alarm<'_> {
        let first = {
            let mut entries = self.lock();
            entries.due.insert((moment.due, slot.instance), Arc::downgrade(slot));
            let mut first = entries.due.first_key_value().is_some_and(|((at, _), _)| *at == moment.due);
            if let Some(ripe) = moment.ripe {
                entries.ripe.insert((ripe, slot.instance), Arc::downgrade(slot));
                first |= entries.ripe.first_key_value().is_some_and(|((at, _), _)| *at == ripe);
            }
            first
        };
        if first {
            self.changed.notify_one();
        }
        Alarm { wheel: self, moment, instance: slot.instance }
    }

    fn unset(&self, moment: Moment, instance: InstanceId) {
        let mut entries = self.lock();
        entries.due.remove(&(moment.due, instance));
        if let Some(ripe) = moment.ripe {
            entries.ripe.remove(&(ripe, instance));
        }
    }

    /// Turns for as long as the engine lives.
    pub(crate) async fn turn(self: Arc<Self>, clock: Arc<dyn Clock>) {
        loop {
            match self.ring(clock.now(), clock.passed()) {
                None => self.changed.notified().await,
                Some(next) => tokio::select! {
                    () = self.changed.notified() => {}
                    () = clock.sleep_until(next) => {}
                },
            }
        }
    }

    /// Rings everybody whose moment has come and returns when the next one comes, if nobody sets the clock.
    fn ring(&self, now: Time, passed: Duration) -> Option<Time> {
        let mut entries = self.lock();
        let due = ring_up_to(&mut entries.due, &now);
        let ripe = ring_up_to(&mut entries.ripe, &passed).map(|ripe| now.after(ripe.saturating_sub(passed)));
        due.into_iter().chain(ripe).min()
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rings everybody up to `now` and returns who is first after that.
fn ring_up_to<T: Copy + Ord>(entries: &mut BTreeMap<(T, InstanceId), Weak<Slot>>, now: &T) -> Option<T> {
    while let Some(first) = entries.first_entry() {
        let (at, _) = *first.key();
        if at > *now {
            return Some(at);
        }
        if let Some(slot) = first.remove().upgrade() {
            slot.bell.notify_one();
        }
    }
    None
}

/// A run's entry on the wheel. It leaves with the wait that set it, however that ends.
pub(crate) struct Alarm<'a> {
    wheel: &'a Wheel,
    moment: Moment,
    instance: InstanceId,
}
impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.wheel.unset(self.moment, self.instance);
    }
}
