//! A clock that a test owns. It stands still until the test moves it; a hasty one moves itself as soon as somebody
//! sleeps, for tests in which waiting is not the point.
use crate::{Clock, Time};
use futures::future::BoxFuture;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// Some night in 2023: a time that no test mistakes for a duration.
const MIDNIGHT: Time = Time(1_700_000_000_000);

/// A clock that a test owns. Its clones show the same time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    face: Arc<watch::Sender<Face>>,
    hasty: bool,
}

/// What the clock shows.
#[derive(Clone, Copy, Debug)]
struct Face {
    now: Time,
    passed: Duration,
}

impl Face {
    fn pass(&mut self, span: Duration) {
        self.now = self.now.after(span);
        self.passed += span;
    }
}

impl Default for ManualClock {
    fn default() -> ManualClock {
        ManualClock::new()
    }
}

impl ManualClock {
    /// A clock that stands still.
    pub fn new() -> ManualClock {
        let face = Face { now: MIDNIGHT, passed: Duration::ZERO };
        ManualClock { face: Arc::new(watch::Sender::new(face)), hasty: false }
    }

    /// A clock that jumps to where somebody sleeps until, once everything else has gone on.
    pub fn hasty() -> ManualClock {
        ManualClock { hasty: true, ..ManualClock::new() }
    }

    /// Lets time pass and wakes who is due.
    pub fn advance(&self, span: Duration) {
        self.face.send_modify(|face| face.pass(span));
    }

    /// Sets the wall clock forward, as an operator does, or a machine that wakes from suspension: no time passes.
    pub fn set_forward(&self, span: Duration) {
        self.face.send_modify(|face| face.now = face.now.after(span));
    }

    /// Sets the wall clock back: no time passes.
    pub fn set_back(&self, span: Duration) {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        self.face.send_modify(|face| face.now = Time(face.now.0.saturating_sub(millis)));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        self.face.borrow().now
    }

    fn passed(&self) -> Duration {
        self.face.borrow().passed
    }

    fn sleep_until(&self, due: Time) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        let Face { now, passed } = *self.face.borrow();
        let ripe = passed + due.since(now);
        Box::pin(async move {
            if clock.hasty {
                super::settled().await;
                clock.face.send_modify(|face| face.pass(due.since(face.now)));
            }
            let mut face = clock.face.subscribe();
            // The clock outlives the wait: this future holds it.
            let _ = face.wait_for(|face| face.now >= due || face.passed >= ripe).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn who_is_due_wakes_and_nobody_else() {
        let clock = ManualClock::new();
        let start = clock.now();
        let mut soon = clock.sleep_until(start.after(Duration::from_secs(1)));
        let mut late = clock.sleep_until(start.after(Duration::from_secs(9)));
        assert!(soon.as_mut().now_or_never().is_none());
        clock.advance(Duration::from_secs(2));
        assert!(soon.now_or_never().is_some() && late.as_mut().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_hasty_clock_goes_where_one_sleeps_until() {
        let clock = ManualClock::hasty();
        let due = clock.now().after(Duration::from_secs(3600));
        clock.sleep_until(due).await;
        assert_eq!(clock.now(), due);
    }
}
