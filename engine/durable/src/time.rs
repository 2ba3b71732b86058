//! Wall-clock time as the journal keeps it. Reading the clock is the engine's affair, not this type's.
use crate::Shape;
use bincode::{Decode, Encode};
use std::time::Duration;

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode, Shape)]
pub struct Time(pub u64);

impl Time {
    /// The end of time: later than any timer.
    pub const MAX: Time = Time(u64::MAX);

    /// Returns the time `span` later, or the end of time.
    pub fn after(self, span: Duration) -> Time {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Time(self.0.saturating_add(millis))
    }

    /// Returns how long it is from `earlier` to `self`; zero if the clock went back.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}
