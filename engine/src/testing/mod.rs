//! For tests of graphs and of what stands on them.
use crate::{InstanceId, Ticket};

/// Makes a ticket that no journal stands behind, to test what takes one.
pub fn ticket(instance: InstanceId) -> Ticket {
    Ticket { instance, seq: 0, slot: 0, attempt: 1, key: instance.0 }
}
