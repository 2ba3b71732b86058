//! For tests of graphs and of what stands on them.
use crate::{InstanceId, Origin, Reading, Ticket};

/// Makes a ticket that no journal stands behind, to test what takes one.
pub fn ticket(instance: InstanceId) -> Ticket {
    Ticket { instance, seq: 0, slot: 0, attempt: 1, key: instance.0 }
}

/// Makes the right to decode, to test what sealed types do with their origin.
pub fn reading(origin: Origin) -> Reading {
    Reading { origin }
}
