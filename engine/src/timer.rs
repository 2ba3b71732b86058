//! The timer of the state that a run is in, while the run is awake: by the wall clock, and for a span also by what has
//! passed since the run began to wait. It is made anew when a state is entered and when a process finds it.
use crate::{Time, clock::Clock, graph::Due, wheel::Moment};
use std::time::Duration;

/// The timer of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timer(Moment);

impl Timer {
    /// A timer of a state that was entered at `since`.
    pub(crate) fn begun(due: Due, since: Time, clock: &dyn Clock) -> Timer {
        let at = due.of_state(since);
        let ripe = match due {
            // A clock that was set back behind `since` must not stretch the span.
            Due::In(span) => Some(clock.passed() + at.since(clock.now()).min(span)),
            Due::At(_) => None,
        };
        Timer(Moment { due: at, ripe })
    }

    /// The timer of a state that this process has found before, when it waited until so much would have passed.
    pub(crate) fn again(due: Due, since: Time, ripe: Duration) -> Timer {
        let ripe = match due {
            Due::In(_) => Some(ripe),
            Due::At(_) => None,
        };
        Timer(Moment { due: due.of_state(since), ripe })
    }

    /// Until how much has passed it waits, if it waits for a span.
    pub(crate) fn ripe(&self) -> Option<Duration> {
        self.0.ripe
    }

    /// Whether its time has come.
    pub(crate) fn is_due(&self, clock: &dyn Clock) -> bool {
        clock.now() >= self.0.due || self.0.ripe.is_some_and(|ripe| clock.passed() >= ripe)
    }

    /// When to wake the run: for this timer, or a deadline before it.
    pub(crate) fn moment(timer: Option<Timer>, deadline: Option<Time>) -> Option<Moment> {
        match (timer, deadline) {
            (Some(Timer(moment)), deadline) => {
                Some(Moment { due: deadline.map_or(moment.due, |until| until.min(moment.due)), ..moment })
            }
            (None, deadline) => deadline.map(|due| Moment { due, ripe: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ManualClock;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_span_is_not_stretched_by_a_clock_that_is_set_back() {
        let clock = ManualClock::new();
        let timer = Timer::begun(Due::In(HOUR), clock.now(), &clock);
        clock.set_back(HOUR * 9);
        clock.advance(HOUR / 2);
        assert!(!timer.is_due(&clock));
        clock.advance(HOUR / 2);
        assert!(timer.is_due(&clock));
    }

    #[test]
    fn a_process_that_finds_a_state_from_the_future_waits_the_span_and_no_longer() {
        let clock = ManualClock::new();
        let since = clock.now();
        clock.set_back(HOUR * 9);
        let timer = Timer::begun(Due::In(HOUR), since, &clock);
        clock.advance(HOUR);
        assert!(timer.is_due(&clock));
    }

    #[test]
    fn a_time_of_the_wall_clock_comes_when_the_wall_clock_shows_it() {
        let clock = ManualClock::new();
        let timer = Timer::begun(Due::At(clock.now().after(HOUR)), Time(0), &clock);
        clock.set_back(HOUR);
        clock.advance(HOUR);
        assert!(!timer.is_due(&clock));
        clock.set_forward(HOUR * 24);
        assert!(timer.is_due(&clock));
    }

    #[test]
    fn a_run_is_woken_for_whichever_comes_first() {
        let clock = ManualClock::new();
        let (now, until) = (clock.now(), clock.now().after(HOUR / 2));
        let timer = Timer::begun(Due::In(HOUR), now, &clock);
        assert_eq!(Timer::moment(Some(timer), Some(until)), Some(Moment { due: until, ripe: Some(HOUR) }));
        assert_eq!(Timer::moment(None, Some(until)), Some(Moment { due: until, ripe: None }));
        assert_eq!(Timer::moment(None, None), None);
    }
}
