//! Virtio devices behind memory-mapped registers. A device serves queues; the transport keeps the registers and refuses
//! what the standard forbids. Everything that comes out of a queue is the guest's word and is checked as such.
pub(crate) mod balloon;
pub(crate) mod block;
#[cfg(any(test, feature = "testing"))]
#[cfg_attr(not(test), allow(dead_code, reason = "tests look at more than fuzzers do"))]
pub(crate) mod driver;
#[cfg(test)]
mod hostile;
pub(crate) mod rng;
pub(crate) mod transport;
pub(crate) mod vsock;

use crate::{bytes::Unreadable, memory::Memory};
use virtio_queue::{DescriptorChain, Queue, QueueT};

/// A chain of descriptors that the guest offered.
pub(crate) type Chain<'m> = DescriptorChain<&'m Memory>;

/// `VIRTIO_F_VERSION_1`: every device here is a modern one.
pub(crate) const VERSION_1: u64 = 1 << 32;

/// What a device is to its transport.
pub(crate) trait Device: Send {
    /// The number that the standard gave this kind.
    const KIND: u32;
    /// The lengths of its queues.
    const QUEUES: &'static [u16];

    /// What it offers besides [`VERSION_1`].
    fn features(&self) -> u64 {
        0
    }

    /// Its configuration space.
    fn config(&self) -> Vec<u8>;

    /// The driver wrote into the configuration space.
    fn configure(&mut self, _offset: usize, _bytes: &[u8]) {}

    /// Serves a queue that the driver has something in.
    fn serve(&mut self, queue: usize, queues: &mut [Queue], memory: &Memory) -> Served;

    /// The driver starts anew.
    fn reset(&mut self) {}

    /// What a snapshot keeps of it.
    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Becomes what was saved.
    fn restore(&mut self, _state: &[u8]) -> Result<(), Unreadable> {
        Ok(())
    }
}

/// What came of serving a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Served {
    /// Buffers went back, so the driver wants an interrupt.
    pub(crate) used: bool,
    /// Requests that made no sense.
    pub(crate) faults: u64,
}

impl Served {
    pub(crate) fn and(self, other: Served) -> Served {
        Served { used: self.used | other.used, faults: self.faults + other.faults }
    }
}

/// Takes every chain off a queue and gives each back with as many bytes as `answer` wrote, or with none where the chain
/// made no sense. One pass takes what the queue holds at most, so that a guest that keeps adding does not keep us.
pub(crate) fn each_chain(
    queue: &mut Queue,
    memory: &Memory,
    mut answer: impl FnMut(Chain<'_>) -> Option<u32>,
) -> Served {
    let mut served = Served::default();
    for _ in 0..queue.size() {
        let Some(chain) = queue.pop_descriptor_chain(memory) else { break };
        let head = chain.head_index();
        let written = answer(chain);
        served.faults += u64::from(written.is_none());
        served.used |= queue.add_used(memory, head, written.unwrap_or(0)).is_ok();
    }
    served
}
