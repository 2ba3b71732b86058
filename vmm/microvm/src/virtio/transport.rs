//! The registers of a virtio device on memory-mapped I/O, version 2 of the layout. Refuses what comes out of order; keeps no
//! queue whose rings lie outside of memory.
use super::{Device, Served, VERSION_1};
use crate::{
    bytes::{Reader, Unreadable, Writer},
    lock::lock,
    memory::Memory,
};
use std::sync::{Arc, Mutex};
use virtio_queue::{Queue, QueueState, QueueT};
use vmm_sys_util::eventfd::EventFd;

/// "virt".
const MAGIC: u32 = 0x7472_6976;
const VERSION: u32 = 2;
/// "OX".
const VENDOR: u32 = 0x4f58;

/// Offsets of the registers.
mod at {
    pub(super) const MAGIC: u64 = 0x00;
    pub(super) const VERSION: u64 = 0x04;
    pub(super) const KIND: u64 = 0x08;
    pub(super) const VENDOR: u64 = 0x0c;
    pub(super) const OFFERED: u64 = 0x10;
    pub(super) const OFFERED_WORD: u64 = 0x14;
    pub(super) const TAKEN: u64 = 0x20;
    pub(super) const TAKEN_WORD: u64 = 0x24;
    pub(super) const QUEUE: u64 = 0x30;
    pub(super) const QUEUE_MAX: u64 = 0x34;
    pub(super) const QUEUE_SIZE: u64 = 0x38;
    pub(super) const QUEUE_READY: u64 = 0x44;
    pub(super) const INTERRUPTS: u64 = 0x60;
    pub(super) const INTERRUPTS_SEEN: u64 = 0x64;
    pub(super) const STATUS: u64 = 0x70;
    pub(super) const DESCRIPTORS: u64 = 0x80;
    pub(super) const DESCRIPTORS_HIGH: u64 = 0x84;
    pub(super) const AVAILABLE: u64 = 0x90;
    pub(super) const AVAILABLE_HIGH: u64 = 0x94;
    pub(super) const USED: u64 = 0xa0;
    pub(super) const USED_HIGH: u64 = 0xa4;
    pub(super) const GENERATION: u64 = 0xfc;
    pub(super) const CONFIG: u64 = 0x100;
}

/// Where a driver writes the number of a queue that it filled. KVM turns it into an event.
pub(crate) const NOTIFY: u64 = 0x50;

/// Bits of the status register.
mod status {
    pub(super) const FEATURES_OK: u32 = 8;
    pub(super) const DRIVER_OK: u32 = 4;
    pub(super) const NEEDS_RESET: u32 = 0x40;
}

const INTERRUPT_USED: u32 = 1;
const INTERRUPT_CONFIG: u32 = 2;

/// Its registers, its queues and the device behind them.
pub(crate) struct Transport<D> {
    pub(crate) device: D,
    memory: Memory,
    interrupt: Arc<EventFd>,
    queues: Vec<Queue>,
    registers: Registers,
    faults: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Registers {
    offered_word: u32,
    taken_word: u32,
    taken: u64,
    queue: u32,
    status: u32,
    interrupts: u32,
    generation: u32,
}

/// A device as the bus, the loop and a snapshot see it.
pub(crate) trait Mmio: Send + Sync {
    fn read(&self, offset: u64, to: &mut [u8]);
    fn write(&self, offset: u64, from: &[u8]);
    /// Serves one queue.
    fn kicked(&self, queue: usize);
    fn save(&self) -> Vec<u8>;
    fn restore(&self, state: &[u8]) -> Result<(), Unreadable>;
    /// Looks at every queue, and tells the driver to do so too: a restored guest may wait for an interrupt that the
    /// snapshot swallowed.
    fn revive(&self);
    /// Requests of the guest that made no sense.
    fn faults(&self) -> u64;
}

impl<D: Device> Transport<D> {
    pub(crate) fn new(device: D, memory: Memory, interrupt: Arc<EventFd>) -> Transport<D> {
        let queue =
            |length: &u16| Queue::new(*length).expect("lengths are powers of two, as the standard says");
        let queues = D::QUEUES.iter().map(queue).collect();
        Transport { device, memory, interrupt, queues, registers: Registers::default(), faults: 0 }
    }

    fn offered(&self) -> u64 {
        self.device.features() | VERSION_1
    }

    fn selected(&mut self) -> Option<&mut Queue> {
        self.queues.get_mut(self.registers.queue as usize)
    }

    fn read_register(&mut self, offset: u64) -> u32 {
        let registers = self.registers;
        match offset {
            at::MAGIC => MAGIC,
            at::VERSION => VERSION,
            at::KIND => D::KIND,
            at::VENDOR => VENDOR,
            at::OFFERED => word(self.offered(), registers.offered_word),
            at::QUEUE_MAX => self.selected().map_or(0, |queue| queue.max_size().into()),
            at::QUEUE_READY => self.selected().map_or(0, |queue| queue.ready().into()),
            at::INTERRUPTS => registers.interrupts,
            at::STATUS => registers.status,
            at::GENERATION => registers.generation,
            // Registers that can only be written, and holes.
            _ => 0,
        }
    }

    fn write_register(&mut self, offset: u64, value: u32) {
        match offset {
            at::OFFERED_WORD => self.registers.offered_word = value,
            at::TAKEN_WORD => self.registers.taken_word = value,
            at::TAKEN => self.take_features(value),
            at::QUEUE => self.registers.queue = value,
            at::INTERRUPTS_SEEN => self.registers.interrupts &= !value,
            at::STATUS => self.set_status(value),
            NOTIFY => self.kick(value as usize),
            _ => self.set_queue(offset, value),
        }
    }

    fn take_features(&mut self, value: u32) {
        if self.registers.status & status::FEATURES_OK == 0 && self.registers.taken_word < 2 {
            let shift = 32 * self.registers.taken_word;
            self.registers.taken = self.registers.taken & !(0xffff_ffff << shift) | u64::from(value) << shift;
        }
    }

    /// A queue is described before the driver runs, and not while it is ready.
    fn set_queue(&mut self, offset: u64, value: u32) {
        let running = self.registers.status & status::DRIVER_OK != 0;
        if offset == at::QUEUE_READY {
            return self.set_ready(value == 1);
        }
        let Some(queue) = self.selected() else { return };
        if running || queue.ready() {
            return;
        }
        match offset {
            at::QUEUE_SIZE => queue.set_size(u16::try_from(value).unwrap_or(0)),
            at::DESCRIPTORS => queue.set_desc_table_address(Some(value), None),
            at::DESCRIPTORS_HIGH => queue.set_desc_table_address(None, Some(value)),
            at::AVAILABLE => queue.set_avail_ring_address(Some(value), None),
            at::AVAILABLE_HIGH => queue.set_avail_ring_address(None, Some(value)),
            at::USED => queue.set_used_ring_address(Some(value), None),
            at::USED_HIGH => queue.set_used_ring_address(None, Some(value)),
            // Registers that can only be read, and holes.
            _ => {}
        }
    }

    /// A queue is ready when its rings lie in memory, whenever the driver says so. One that lies elsewhere ends the device's
    /// work until it is reset: the driver may have filled it already.
    fn set_ready(&mut self, ready: bool) {
        let Some(queue) = self.queues.get_mut(self.registers.queue as usize) else { return };
        queue.set_ready(ready);
        if ready && !queue.is_valid(&self.memory) {
            queue.set_ready(false);
            self.registers.status = self.registers.status & !status::DRIVER_OK | status::NEEDS_RESET;
            self.faults += 1;
        }
    }

    fn set_status(&mut self, value: u32) {
        if value == 0 {
            self.registers = Registers::default();
            self.queues.iter_mut().for_each(Queue::reset);
            self.device.reset();
            return;
        }
        // Bits are only ever added; a reset is the one way back.
        let mut next = self.registers.status | value & 0xff;
        let agreed = self.registers.taken & !self.offered() == 0 && self.registers.taken & VERSION_1 != 0;
        if next & status::FEATURES_OK != 0 && !agreed {
            next &= !status::FEATURES_OK;
        }
        let starts = next & status::DRIVER_OK != 0 && self.registers.status & status::DRIVER_OK == 0;
        if starts && next & status::FEATURES_OK == 0 {
            next |= status::NEEDS_RESET;
            self.faults += 1;
        }
        // Bits are only ever added, so that this one stays as well.
        if next & status::NEEDS_RESET != 0 {
            next &= !status::DRIVER_OK;
        }
        self.registers.status = next;
    }

    fn alive(&self) -> bool {
        self.registers.status & status::DRIVER_OK != 0
    }

    /// Serves one queue, if the driver runs.
    pub(crate) fn kick(&mut self, queue: usize) {
        if queue < self.queues.len() {
            self.with_queues(|device, queues, memory| device.serve(queue, queues, memory));
        }
    }

    /// Lets the device work on its queues for a reason of its own.
    pub(crate) fn with_queues(&mut self, work: impl FnOnce(&mut D, &mut [Queue], &Memory) -> Served) {
        if self.alive() {
            let served = work(&mut self.device, &mut self.queues, &self.memory);
            self.faults += served.faults;
            if served.used {
                self.raise(INTERRUPT_USED);
            }
        }
    }

    /// Tells the driver that the configuration space changed.
    pub(crate) fn config_changed(&mut self) {
        self.registers.generation = self.registers.generation.wrapping_add(1);
        if self.alive() {
            self.raise(INTERRUPT_CONFIG);
        }
    }

    fn raise(&mut self, cause: u32) {
        self.registers.interrupts |= cause;
        // Writing 1 blocks at 2^64 only, and KVM takes what is written.
        let _ = self.interrupt.write(1);
    }
}

fn word(features: u64, index: u32) -> u32 {
    match index {
        0 => features as u32,
        1 => (features >> 32) as u32,
        _ => 0,
    }
}

impl<D: Device> Mmio for Mutex<Transport<D>> {
    fn read(&self, offset: u64, to: &mut [u8]) {
        to.fill(0);
        let mut transport = lock(self);
        if let Some(inside) = offset.checked_sub(at::CONFIG) {
            let config = transport.device.config();
            let rest = config.get(inside as usize..).unwrap_or_default();
            to.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        } else if to.len() == 4 && offset.is_multiple_of(4) {
            to.copy_from_slice(&transport.read_register(offset).to_le_bytes());
        }
    }

    fn write(&self, offset: u64, from: &[u8]) {
        let mut transport = lock(self);
        if let Some(inside) = offset.checked_sub(at::CONFIG) {
            transport.device.configure(inside as usize, from);
        } else if let (Ok(bytes), true) = (from.try_into(), offset.is_multiple_of(4)) {
            transport.write_register(offset, u32::from_le_bytes(bytes));
        }
    }

    fn kicked(&self, queue: usize) {
        lock(self).kick(queue);
    }

    fn save(&self) -> Vec<u8> {
        let transport = lock(self);
        let mut writer = Writer::default();
        let Registers { offered_word, taken_word, taken, queue, status, interrupts, generation } =
            transport.registers;
        writer.put(&offered_word).put(&taken_word).put(&taken).put(&queue);
        writer.put(&status).put(&interrupts).put(&generation);
        for queue in &transport.queues {
            let state = queue.state();
            writer.put(&state.size).put(&state.next_avail).put(&state.next_used).put(&u8::from(state.ready));
            writer.put(&state.desc_table).put(&state.avail_ring).put(&state.used_ring);
        }
        writer.bytes(&transport.device.save());
        writer.done()
    }

    fn restore(&self, state: &[u8]) -> Result<(), Unreadable> {
        let mut transport = lock(self);
        let mut reader = Reader::new(state, "a virtio device");
        let registers = Registers {
            offered_word: reader.get()?,
            taken_word: reader.get()?,
            taken: reader.get()?,
            queue: reader.get()?,
            status: reader.get()?,
            interrupts: reader.get()?,
            generation: reader.get()?,
        };
        let mut queues = Vec::new();
        for length in D::QUEUES {
            let (size, next_avail, next_used, ready) =
                (reader.get()?, reader.get()?, reader.get()?, reader.flag()?);
            let (desc_table, avail_ring, used_ring) = (reader.get()?, reader.get()?, reader.get()?);
            let event_idx_enabled = false;
            let max_size = *length;
            let state = QueueState {
                max_size,
                next_avail,
                next_used,
                event_idx_enabled,
                size,
                ready,
                desc_table,
                avail_ring,
                used_ring,
            };
            let queue = Queue::try_from(state).map_err(|_| reader.unreadable())?;
            if ready && !queue.is_valid(&transport.memory) {
                return Err(reader.unreadable());
            }
            queues.push(queue);
        }
        let device = reader.bytes()?;
        transport.device.restore(device)?;
        transport.registers = registers;
        transport.queues = queues;
        reader.end()
    }

    fn revive(&self) {
        let mut transport = lock(self);
        for queue in 0..D::QUEUES.len() {
            transport.kick(queue);
        }
        if transport.alive() {
            transport.raise(INTERRUPT_USED);
        }
    }

    fn faults(&self) -> u64 {
        lock(self).faults
    }
}
