//! Who is between ordering records and showing what they say. A snapshot is taken behind records that everybody knows of;
//! nobody waits for the snapshot.
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Counts who is on the way, before and after the last look.
#[derive(Default)]
pub(crate) struct OnTheWay {
    counts: Mutex<Counts>,
    empty: Condvar,
}

#[derive(Default)]
struct Counts {
    side: usize,
    sides: [usize; 2],
}

impl OnTheWay {
    /// Says that somebody is on the way, for as long as what is returned lives. It never waits.
    pub(crate) fn begin(&self) -> Way<'_> {
        let mut counts = self.lock();
        let side = counts.side;
        counts.sides[side] += 1;
        Way { of: self, side }
    }

    /// Waits until everybody has arrived who is on the way now; for one caller at a time.
    pub(crate) fn arrived(&self) {
        let mut counts = self.lock();
        let side = counts.side;
        counts.side = 1 - side;
        let all = self.empty.wait_while(counts, |counts| counts.sides[side] > 0);
        drop(all.unwrap_or_else(PoisonError::into_inner));
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody on the way.
pub(crate) struct Way<'a> {
    of: &'a OnTheWay,
    side: usize,
}
impl Drop for Way<'_> {
    fn drop(&mut self) {
        let left = {
            let mut counts = self.of.lock();
            counts.sides[self.side] -= 1;
            counts.sides[self.side]
        };
        if left == 0 {
            self.of.empty.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_begins_later_is_not_waited_for() {
        let way = OnTheWay::default();
        way.arrived();
        let first = way.begin();
        let before = way.lock().side;
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| way.arrived());
            while way.lock().side == before {
                std::thread::yield_now();
            }
            let _later = way.begin();
            assert!(!waits.is_finished(), "the first has not arrived");
            drop(first);
            waits.join().unwrap();
        });
    }
}
