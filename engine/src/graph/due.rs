//! When the timer of a state is due. It reads no clock: that is the run's affair.
use crate::Time;
use std::time::Duration;

/// When the timer of a state is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// So long after the move that entered the state. A wall clock that is set back does not make it later.
    In(Duration),
    /// At this time of the wall clock, whenever that comes; at once if it has passed.
    At(Time),
}

impl Due {
    /// The time of the wall clock at which it is due, for a state that was entered at `since`.
    pub fn of_state(self, since: Time) -> Time {
        match self {
            Due::In(span) => since.after(span),
            Due::At(time) => time,
        }
    }
}

/// What a row `S after self.due -> ..;` may name: a [`Duration`] from the move that entered the state, a [`Time`] of the
/// wall clock, or an `Option` of either, where `None` is never.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say when a timer is due",
    label = "neither a `Duration` nor a `Time`",
    note = "`after self.due` names a field or a method of type `Duration` (from when the state was entered), \
            `engine::Time` (of the wall clock), or an `Option` of either"
)]
pub trait Timer {
    /// Says when; `None` is never.
    fn due(self) -> Option<Due>;
}

impl Timer for Duration {
    fn due(self) -> Option<Due> {
        Some(Due::In(self))
    }
}
impl Timer for Time {
    fn due(self) -> Option<Due> {
        Some(Due::At(self))
    }
}
impl<T: Timer> Timer for Option<T> {
    fn due(self) -> Option<Due> {
        self.and_then(T::due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_from_the_state_and_a_time_does_not() {
        let (minute, noon) = (Duration::from_secs(60), Time(43_200_000));
        assert_eq!(minute.due().map(|due| due.of_state(noon)), Some(Time(43_260_000)));
        assert_eq!(noon.due().map(|due| due.of_state(Time(7))), Some(noon));
        assert_eq!(Some(noon).due(), Some(Due::At(noon)));
        assert_eq!(None::<Time>.due(), None);
    }
}
