//! What the engine tells whoever operates it: every move, effect and outcome, with ids and durations. Nothing here is
//! journalled, and nothing in it may fail.
use crate::{InstanceId, OpenFault, StopWhy};
use std::time::Duration;

/// Something the engine did.
#[derive(Debug, Clone)]
pub enum Observed<'a> {
    /// A run began.
    Started {
        /// The name of its graph.
        graph: &'static str,
        /// The state it begins in.
        state: &'static str,
        /// Who asked for it.
        parent: Option<InstanceId>,
    },
    /// A run came back after a restart.
    Resumed {
        /// The name of its graph.
        graph: &'static str,
        /// The state it is in.
        state: &'static str,
        /// How many moves it had made.
        seq: u64,
    },
    /// A run moved.
    Moved {
        /// How many moves it has made, this one included.
        seq: u64,
        /// From where.
        from: &'static str,
        /// To where.
        to: &'static str,
        /// How long the handler took.
        took: Duration,
    },
    /// An effect began; its beginning is on disk.
    EffectBegan {
        /// Its name.
        name: &'a str,
        /// From 1; above, an earlier attempt was lost.
        attempt: u32,
    },
    /// An effect's result is recorded.
    EffectDone {
        /// Its name.
        name: &'a str,
        /// How long it took.
        took: Duration,
    },
    /// An effect failed; the handler sees the fault.
    EffectFailed {
        /// Its name.
        name: &'a str,
        /// Why.
        fault: String,
    },
    /// A handler is tried again.
    Retrying {
        /// In which state.
        state: &'static str,
        /// Which try is next, from 2.
        attempt: u32,
        /// Why.
        fault: String,
    },
    /// A run was stopped and goes where its table says.
    Stopped {
        /// In which state.
        state: &'static str,
        /// Why.
        why: &'a StopWhy,
    },
    /// A run was set aside: an operator has to look at it.
    Parked {
        /// In which state.
        state: &'static str,
        /// Why.
        why: &'a str,
    },
    /// A run ended.
    Ended {
        /// In which state.
        state: &'static str,
        /// How many moves it made.
        seq: u64,
    },
}

/// Somebody who is told what the engine does.
pub trait Observer: Send + Sync + 'static {
    /// Takes note. It is called on the engine's own path: it must not block.
    fn observe(&self, instance: InstanceId, observed: &Observed<'_>);

    /// Takes note that the journal could not be compacted in the background: nothing was lost, and it is tried again in a
    /// minute. It must not block either.
    fn uncompacted(&self, fault: &OpenFault) {
        let _ = fault;
    }

    /// Whether it wants to know how long handlers and effects take: the clock is read for it. Without, it is told that
    /// they take no time.
    fn times(&self) -> bool {
        true
    }
}

/// Nobody.
pub struct Unobserved;
impl Observer for Unobserved {
    fn observe(&self, _: InstanceId, _: &Observed<'_>) {}
    fn times(&self) -> bool {
        false
    }
}
