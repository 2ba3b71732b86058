//! A clock that a test owns: hasty, where waiting is not the point, or standing still until the test moves it.
use engine::{Clock, Time};
use futures::future::BoxFuture;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// A clock that a test owns. Its clones show the same time.
#[derive(Clone)]
pub(crate) struct TestClock {
    now: Arc<watch::Sender<Time>>,
    hasty: bool,
}

impl TestClock {
    /// A clock that jumps to where somebody sleeps until. For runs without a deadline: it would jump there, too.
    pub(crate) fn hasty() -> TestClock {
        TestClock { now: Arc::new(watch::Sender::new(Time(1_700_000_000_000))), hasty: true }
    }

    /// A clock that stands still.
    pub(crate) fn still() -> TestClock {
        TestClock { hasty: false, ..TestClock::hasty() }
    }

    pub(crate) fn advance(&self, span: Duration) {
        self.now.send_modify(|now| *now = now.after(span));
    }
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        *self.now.borrow()
    }
    fn sleep_until(&self, due: Time) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        Box::pin(async move {
            if clock.hasty {
                clock.now.send_modify(|now| *now = (*now).max(due));
            }
            let _now = clock.now.subscribe().wait_for(|now| *now >= due).await.map(|now| *now);
        })
    }
}
