//! The one place where time is read. Everything else gets it from a record.
use crate::Time;
use futures::future::BoxFuture;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A sleep is cut into pieces of this length, so that a clock that was set forward is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// A clock.
pub trait Clock: Send + Sync + 'static {
    /// What time it is.
    fn now(&self) -> Time;
    /// Returns at `due` or somewhat before; who waits looks at the clock again.
    fn sleep_until(&self, due: Time) -> BoxFuture<'static, ()>;
}

/// The machine's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
    fn sleep_until(&self, due: Time) -> BoxFuture<'static, ()> {
        let span = due.since(self.now()).min(SLEEP_MAX);
        Box::pin(tokio::time::sleep(span))
    }
}
