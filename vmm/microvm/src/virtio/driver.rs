//! A guest's side of virtio, for tests and fuzzers: it negotiates as a driver does, offers chains, and looks at what came
//! back. It can also do everything that a driver must not.
use super::transport::{Mmio, NOTIFY};
use crate::{
    layout::PAGE,
    memory::{self, Memory},
};
use std::sync::Arc;
use vm_memory::{Bytes, GuestAddress};
use vmm_sys_util::eventfd::EventFd;

/// A piece of a chain: address, length, and whether the device writes there.
pub(crate) type Piece = (u64, u32, bool);

/// Chains that each queue holds.
pub(crate) const SIZE: u16 = 16;
const RINGS: u64 = 0x1_0000;
const RING: u64 = 4 * PAGE;
/// Here buffers of tests begin.
pub(crate) const BUFFERS: u64 = 0x10_0000;
/// The memory of a test's guest.
pub(crate) const MEMORY: u64 = 4 << 20;

/// A driver.
pub(crate) struct Driver {
    pub(crate) memory: Memory,
    device: Arc<dyn Mmio>,
    offered: Vec<u16>,
    seen: Vec<u16>,
    descriptors: Vec<u16>,
}

/// An interrupt line that nobody listens to.
pub(crate) fn line() -> Arc<EventFd> {
    Arc::new(EventFd::new(libc::EFD_NONBLOCK).expect("there are descriptors"))
}

/// Memory for a test's guest.
pub(crate) fn memory() -> Memory {
    memory::fresh(MEMORY).expect("there is memory")
}

impl Driver {
    /// Negotiates, and sets so many queues up.
    pub(crate) fn start(device: Arc<dyn Mmio>, memory: Memory, queues: u16) -> Driver {
        let write = |register: u64, value: u32| device.write(register, &value.to_le_bytes());
        write(0x70, 0);
        write(0x70, 1 | 2);
        write(0x24, 1);
        write(0x20, 1);
        write(0x70, 1 | 2 | 8);
        for queue in 0..queues {
            let base = u32::try_from(RINGS + u64::from(queue) * RING).expect("rings lie low");
            write(0x30, queue.into());
            write(0x38, SIZE.into());
            for (register, offset) in [(0x80, 0), (0x90, PAGE as u32), (0xa0, 2 * PAGE as u32)] {
                write(register, base + offset);
                write(register + 4, 0);
            }
            write(0x44, 1);
        }
        write(0x70, 1 | 2 | 4 | 8);
        let none = vec![0; queues.into()];
        Driver { memory, device, offered: none.clone(), seen: none.clone(), descriptors: none }
    }

    /// The status register.
    pub(crate) fn status(&self) -> u32 {
        let mut word = [0; 4];
        self.device.read(0x70, &mut word);
        u32::from_le_bytes(word)
    }

    fn ring(queue: usize) -> u64 {
        RINGS + queue as u64 * RING
    }

    fn put<T: vm_memory::ByteValued>(&self, at: u64, value: T) {
        self.memory.write_obj(value, GuestAddress(at)).expect("rings lie in memory");
    }

    fn get<T: vm_memory::ByteValued>(&self, at: u64) -> T {
        self.memory.read_obj(GuestAddress(at)).expect("rings lie in memory")
    }

    /// Writes one descriptor, whatever it says.
    pub(crate) fn describe(
        &self,
        queue: usize,
        index: u16,
        address: u64,
        length: u32,
        flags: u16,
        next: u16,
    ) {
        let at = Driver::ring(queue) + u64::from(index) * 16;
        self.put(at, address);
        self.put(at + 8, length);
        self.put(at + 12, flags);
        self.put(at + 14, next);
    }

    /// Offers the chain that begins at a descriptor.
    pub(crate) fn offer_head(&mut self, queue: usize, head: u16) {
        let ring = Driver::ring(queue) + PAGE;
        let slot = self.offered[queue] % SIZE;
        self.put(ring + 4 + u64::from(slot) * 2, head);
        self.offered[queue] = self.offered[queue].wrapping_add(1);
        self.put(ring + 2, self.offered[queue]);
    }

    /// Offers a chain. A test that holds more than sixteen pieces at once writes over its own.
    pub(crate) fn offer(&mut self, queue: usize, chain: &[Piece]) -> u16 {
        let first = self.descriptors[queue];
        for (index, (address, length, writes)) in (0u16..).zip(chain) {
            let more = usize::from(index) + 1 < chain.len();
            let flags = u16::from(more) | u16::from(*writes) << 1;
            let next = (first + index + 1) % SIZE;
            self.describe(queue, (first + index) % SIZE, *address, *length, flags, next);
        }
        self.descriptors[queue] = (first + chain.len() as u16) % SIZE;
        self.offer_head(queue, first);
        first
    }

    /// Tells the device.
    pub(crate) fn kick(&self, queue: usize) {
        self.device.write(NOTIFY, &(queue as u32).to_le_bytes());
    }

    /// Chains that came back since the last look: their first descriptor, and the bytes that the device wrote.
    pub(crate) fn returned(&mut self, queue: usize) -> Vec<(u32, u32)> {
        let ring = Driver::ring(queue) + 2 * PAGE;
        let end: u16 = self.get(ring + 2);
        let mut returned = Vec::new();
        while self.seen[queue] != end {
            let at = ring + 4 + u64::from(self.seen[queue] % SIZE) * 8;
            returned.push((self.get(at), self.get(at + 4)));
            self.seen[queue] = self.seen[queue].wrapping_add(1);
        }
        returned
    }

    /// Bytes of a buffer.
    pub(crate) fn bytes(&self, at: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.memory.read_slice(&mut bytes, GuestAddress(at)).expect("buffers lie in memory");
        bytes
    }

    /// Fills a buffer.
    pub(crate) fn fill(&self, at: u64, bytes: &[u8]) {
        self.memory.write_slice(bytes, GuestAddress(at)).expect("buffers lie in memory");
    }
}
