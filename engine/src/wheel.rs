//! One timer wheel for all runs: a run that waits costs an entry here, not a task that sleeps. It follows the wall clock,
//! and beside it what has passed: who waits for a span waits no longer because the wall clock was set back. It says who
//! is due and wakes nobody itself.
use crate::{InstanceId, Time, clock::Clock};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::Notify;

#[derive(Default)]
pub(crate) struct Wheel {
    entries: Mutex<Entries>,
    changed: Notify,
}

/// When to call a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// A time of the wall clock.
    pub(crate) due: Time,
    /// How much will have passed by then, for who waits for a span: whichever comes first.
    pub(crate) ripe: Option<Duration>,
}

#[derive(Default)]
struct Entries {
    due: BTreeSet<(Time, InstanceId)>,
    ripe: BTreeSet<(Duration, InstanceId)>,
}

impl Wheel {
    /// Has a run called at the moment, or soon after. It looks at the clock itself.
    pub(crate) fn set(&self, moment: Moment, instance: InstanceId) {
        let first = {
            let mut entries = self.lock();
            entries.due.insert((moment.due, instance));
            let mut first = entries.due.first().is_some_and(|(at, _)| *at == moment.due);
            if let Some(ripe) = moment.ripe {
                entries.ripe.insert((ripe, instance));
                first |= entries.ripe.first().is_some_and(|(at, _)| *at == ripe);
            }
            first
        };
        if first {
            self.changed.notify_one();
        }
    }

    /// Takes it back, as far as it is still there.
    pub(crate) fn unset(&self, moment: Moment, instance: InstanceId) {
        let mut entries = self.lock();
        entries.due.remove(&(moment.due, instance));
        if let Some(ripe) = moment.ripe {
            entries.ripe.remove(&(ripe, instance));
        }
    }

    /// Has a run called unless the alarm is dropped before.
    pub(crate) fn alarm(&self, moment: Moment, instance: InstanceId) -> Alarm<'_> {
        self.set(moment, instance);
        Alarm { wheel: self, moment, instance }
    }

    /// Turns for as long as the engine lives, and calls whoever is due.
    pub(crate) async fn turn(self: Arc<Self>, clock: Arc<dyn Clock>, call: impl Fn(InstanceId)) {
        loop {
            let (due, next) = self.take(clock.now(), clock.passed());
            due.into_iter().for_each(&call);
            match next {
                None => self.changed.notified().await,
                Some(next) => tokio::select! {
                    () = self.changed.notified() => {}
                    () = clock.sleep_until(next) => {}
                },
            }
        }
    }

    /// Takes everybody whose moment has come, and says when the next one comes, if nobody sets the clock.
    fn take(&self, now: Time, passed: Duration) -> (Vec<InstanceId>, Option<Time>) {
        let mut entries = self.lock();
        let mut called = Vec::new();
        let due = take_up_to(&mut entries.due, now, &mut called);
        let ripe = take_up_to(&mut entries.ripe, passed, &mut called);
        let ripe = ripe.map(|ripe| now.after(ripe.saturating_sub(passed)));
        (called, due.into_iter().chain(ripe).min())
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes everybody up to `now` and returns who is first after that.
fn take_up_to<T: Copy + Ord>(
    entries: &mut BTreeSet<(T, InstanceId)>,
    now: T,
    called: &mut Vec<InstanceId>,
) -> Option<T> {
    while let Some((at, instance)) = entries.first().copied() {
        if at > now {
            return Some(at);
        }
        entries.pop_first();
        called.push(instance);
    }
    None
}

/// A run's entry on the wheel while its handler runs. It leaves with it, however that ends.
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
