//! Takes times in turns, so that a machine that slows down slows both, and sums them up. It never says what is good.
use std::time::{Duration, Instant};

/// What was measured, in turns: ours, then the yardstick, each pair in the same moment of the machine.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    ours: Vec<f64>,
    yardstick: Vec<f64>,
}

/// How long to go on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// No pair is begun after this.
    pub(crate) span: Duration,
    /// Enough for a median to stand still.
    pub(crate) pairs_max: usize,
}

/// Fewer pairs than this are no measurement: so many are taken whatever the time.
const PAIRS_MIN: usize = 5;

/// The first pairs are not counted: caches, the allocator and the disk's own cache are cold.
const WARM_UP: usize = 2;

impl Pairs {
    /// Runs both in turns, the order changing each time, and notes the nanoseconds that each says it took.
    pub(crate) fn in_turns(
        patience: Patience,
        mut ours: impl FnMut() -> f64,
        mut yardstick: impl FnMut() -> f64,
    ) -> Pairs {
        let (began, mut pairs) = (Instant::now(), Pairs::default());
        for round in 0..patience.pairs_max + WARM_UP {
            if began.elapsed() > patience.span && pairs.len() >= PAIRS_MIN {
                break;
            }
            let (one, other) = if round % 2 == 0 {
                let one = ours();
                (one, yardstick())
            } else {
                let other = yardstick();
                (ours(), other)
            };
            if round >= WARM_UP {
                pairs.push(one, other);
            }
        }
        pairs
    }

    /// Notes a pair, in nanoseconds.
    pub(crate) fn push(&mut self, ours: f64, yardstick: f64) {
        self.ours.push(ours);
        self.yardstick.push(yardstick);
    }

    /// What ours cost beyond the yardstick, and the yardstick, each divided among so many parts.
    pub(crate) fn differing(&self, parts: f64) -> Pairs {
        let both = self.ours.iter().zip(&self.yardstick);
        Pairs {
            ours: both.map(|(ours, other)| (ours - other) / parts).collect(),
            yardstick: self.yardstick.iter().map(|other| other / parts).collect(),
        }
    }

    /// Forgets the first pairs, of a measurement that could not leave them out itself.
    pub(crate) fn without_warm_up(mut self) -> Pairs {
        let cold = WARM_UP.min(self.len().saturating_sub(PAIRS_MIN));
        self.ours.drain(..cold);
        self.yardstick.drain(..cold);
        self
    }

    pub(crate) fn len(&self) -> usize {
        self.ours.len()
    }

    /// Returns the percentile of our times.
    pub(crate) fn ours(&self, percent: usize) -> f64 {
        percentile(&self.ours, percent)
    }

    /// Returns the percentile of the yardstick's times.
    pub(crate) fn yardstick(&self, percent: usize) -> f64 {
        percentile(&self.yardstick, percent)
    }

    /// Returns the median of the pairs' ratios.
    pub(crate) fn ratio(&self) -> f64 {
        let ratios: Vec<_> =
            self.ours.iter().zip(&self.yardstick).map(|(ours, other)| ours / other).collect();
        percentile(&ratios, 50)
    }
}

/// Returns the nanoseconds that `work` takes, and what it returns.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let began = Instant::now();
    let done = work();
    (nanos(began.elapsed()), done)
}

/// Returns a span in nanoseconds.
pub(crate) fn nanos(span: Duration) -> f64 {
    span.as_nanos() as f64
}

/// The value below which so many of a hundred lie; nothing measured is not a number.
pub(crate) fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_measured_value() {
        let values = [5.0, 1.0, 4.0, 2.0, 3.0];
        assert_eq!([0, 50, 90, 100].map(|percent| percentile(&values, percent)), [1.0, 3.0, 5.0, 5.0]);
        assert!(percentile(&[], 50).is_nan());
    }

    #[test]
    fn a_slow_moment_of_both_does_not_change_the_ratio() {
        let mut pairs = Pairs::default();
        for (ours, yardstick) in [(2.0, 1.0), (2.2, 1.1), (200.0, 100.0)] {
            pairs.push(ours, yardstick);
        }
        assert_eq!((pairs.ratio(), pairs.ours(50), pairs.yardstick(50)), (2.0, 2.2, 1.1));
    }

    #[test]
    fn turns_change_and_the_cold_ones_do_not_count() {
        let order = std::cell::RefCell::new(String::new());
        let noted = |who| {
            order.borrow_mut().push(who);
            1.0
        };
        let patience = Patience { span: Duration::ZERO, pairs_max: 100 };
        let pairs = Pairs::in_turns(patience, || noted('o'), || noted('y'));
        assert_eq!(pairs.len(), PAIRS_MIN);
        assert_eq!(*order.borrow(), "oyyooyyooyyooy");
    }
}
