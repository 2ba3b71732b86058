//! Keeps a measurement on one core. In a guest the disk interrupts one core only, and a thread on another pays for it:
//! who is measured where would decide the ratio. Threads that are started under it stay there too.
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Where a measurement runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cores {
    /// All of it on one: what our own code costs.
    One,
    /// Where the system puts its threads: with the calls from core to core, which in a guest are dear.
    All,
}

impl Cores {
    /// Keeps this thread, and those that it starts, where they belong for as long as the result lives.
    pub(crate) fn hold(self) -> Option<Pinned> {
        match self {
            Cores::One => Some(Pinned::here()),
            Cores::All => None,
        }
    }

    /// For the name of a row.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Cores::One => "one core",
            Cores::All => "all cores",
        }
    }
}

/// This thread, on one core until it is dropped. Where the system does not allow that, it changes nothing.
pub(crate) struct Pinned {
    before: Option<CpuSet>,
}

impl Pinned {
    /// Stays on the first core that this thread may use.
    fn here() -> Pinned {
        let before = sched_getaffinity(None).ok();
        let first = before.and_then(|may| (0..CpuSet::MAX_CPU).find(|core| may.is_set(*core)));
        let pinned = first.is_some_and(|core| {
            let mut one = CpuSet::new();
            one.set(core);
            sched_setaffinity(None, &one).is_ok()
        });
        Pinned { before: before.filter(|_| pinned) }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            sched_setaffinity(None, before).expect("what was allowed before is allowed again");
        }
    }
}
