//! The one place where time is read. Everything else gets it from a record.
use crate::Time;
use futures::future::BoxFuture;
use std::{
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// A sleep is cut into pieces of this length: so soon is it noticed that the wall clock was set forward, or that the
/// machine had been suspended. Shorter would wake an idle machine for nothing.
pub const SLEEP_MAX: Duration = Duration::from_secs(5);

/// From where [`SystemClock`] counts what has passed.
static BEGIN: OnceLock<Instant> = OnceLock::new();

/// A clock.
pub trait Clock: Send + Sync + 'static {
    /// What time it is. It may be set, forward and back.
    fn now(&self) -> Time;
    /// How much time has passed since some moment of the clock's own. Nobody sets it; it may stand still while the
    /// machine is suspended.
    fn passed(&self) -> Duration;
    /// Returns at `due` or somewhat before; who waits looks at the clock again. It waits no longer than it was to `due`
    /// when it was called, even if the clock is set back.
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
    fn passed(&self) -> Duration {
        BEGIN.get_or_init(Instant::now).elapsed()
    }
    fn sleep_until(&self, due: Time) -> BoxFuture<'static, ()> {
        let span = due.since(self.now()).min(SLEEP_MAX);
        Box::pin(tokio::time::sleep(span))
    }
}
