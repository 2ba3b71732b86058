//! Leaves a server alone that fails again and again, and tries it once more after a while. It knows no clock of its own.
use std::time::Duration;
use tokio::time::Instant;

/// When a server is left alone, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// After so many failures in a row; 0 is never.
    pub failures: u32,
    /// For so long.
    pub lasts: Duration,
}

/// One server's failures.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    /// Until then it is left alone.
    until: Option<Instant>,
}

impl Breaker {
    /// Says how long the server is still left alone; `None` when it may be asked. Of those who ask when the time is over,
    /// one is let through: the others wait for what comes of it, at most as long again.
    pub(crate) fn wait(&mut self, now: Instant, pause: Pause) -> Option<Duration> {
        let until = self.until?;
        if now < until {
            return Some(until - now);
        }
        self.until = self.is_tired(pause).then(|| now + pause.lasts);
        None
    }

    /// Notes the beginning of an answer: nobody has to wait for its end to be let through.
    pub(crate) fn begun(&mut self) {
        self.until = None;
    }

    /// Notes an answer.
    pub(crate) fn answered(&mut self) {
        *self = Breaker::default();
    }

    /// Notes a failure. A server that asks to be left alone is left alone for so long.
    pub(crate) fn failed(&mut self, now: Instant, pause: Pause, asked: Option<Duration>) {
        self.failures = self.failures.saturating_add(1);
        let lasts = asked.into_iter().chain(self.is_tired(pause).then_some(pause.lasts)).max();
        self.until = lasts.map(|lasts| now + lasts);
    }

    fn is_tired(&self, pause: Pause) -> bool {
        pause.failures > 0 && self.failures >= pause.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Pause = Pause { failures: 2, lasts: Duration::from_secs(30) };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test]
    async fn it_opens_after_failures_in_a_row_and_lets_one_through_when_the_time_is_over() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        let wait = |breaker: &mut Breaker, after| breaker.wait(now + seconds(after), PAUSE);
        breaker.failed(now, PAUSE, None);
        breaker.answered();
        breaker.failed(now, PAUSE, None);
        assert_eq!(wait(&mut breaker, 0), None, "one in a row");
        breaker.failed(now, PAUSE, None);
        assert_eq!(wait(&mut breaker, 10), Some(seconds(20)));
        assert_eq!(wait(&mut breaker, 30), None, "one is let through");
        assert_eq!(wait(&mut breaker, 31), Some(seconds(29)), "and no other");
        breaker.failed(now + seconds(40), PAUSE, None);
        assert_eq!(wait(&mut breaker, 60), Some(seconds(10)), "it failed again");
        assert_eq!(wait(&mut breaker, 70), None);
        breaker.begun();
        assert_eq!(wait(&mut breaker, 71), None, "it speaks");
        breaker.failed(now + seconds(72), PAUSE, None);
        assert_eq!(wait(&mut breaker, 73), Some(seconds(29)), "half an answer is a failure in the row");
        breaker.answered();
        assert_eq!(wait(&mut breaker, 74), None, "it is well");
    }

    #[tokio::test]
    async fn a_server_is_left_alone_for_as_long_as_it_asks() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        breaker.failed(now, PAUSE, Some(seconds(7)));
        assert_eq!(breaker.wait(now, PAUSE), Some(seconds(7)));
        assert_eq!(breaker.wait(now + seconds(7), PAUSE), None);
        assert_eq!(
            breaker.wait(now + seconds(7), PAUSE),
            None,
            "it did not fail in a row: all are let through"
        );
        let mut never = Breaker::default();
        let patient = Pause { failures: 0, ..PAUSE };
        (0..99).for_each(|_| never.failed(now, patient, None));
        assert_eq!(never.wait(now, patient), None);
    }
}
