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
    now: Arc<watch::Sender<Time>>,
    hasty: bool,
}

impl Default for ManualClock {
    fn default() -> ManualClock {
        ManualClock::new()
    }
}

impl ManualClock {
    /// A clock that stands still.
    pub fn new() -> ManualClock {
        ManualClock { now: Arc::new(watch::Sender::new(MIDNIGHT)), hasty: false }
    }

    /// A clock that jumps to where somebody sleeps until, once everything else has gone on.
    pub fn hasty() -> ManualClock {
        ManualClock { hasty: true, ..ManualClock::new() }
    }

    /// Moves the clock and wakes who is due.
    pub fn advance(&self, span: Duration) {
        self.now.send_modify(|now| *now = now.after(span));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Time {
        *self.now.borrow()
    }

    fn sleep_until(&self, due: Time) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        Box::pin(async move {
            if clock.hasty {
                super::settled().await;
                clock.now.send_modify(|now| *now = (*now).max(due));
            }
            let mut now = clock.now.subscribe();
            // The clock outlives the wait: this future holds it.
            let _ = now.wait_for(|now| *now >= due).await;
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
