//! Where an access of the guest goes: a port or an address, to a device or to nowhere. An address that is nobody's reads
//! as all ones and swallows writes, as on any machine.
use crate::{layout, lock::lock, serial::Port, virtio::transport::Mmio};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

/// How a guest ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It powered off.
    PoweredOff,
    /// It asked for a reset, which is a reboot or the last act of a panic.
    Reset,
    /// Its processor gave up: a triple fault, or what KVM cannot run.
    Crashed(String),
    /// The monitor cannot go on with it, which is not its fault.
    Broken(String),
    /// Somebody stopped it.
    Stopped,
}

/// The devices of a guest.
pub(crate) struct Bus {
    pub(crate) serial: Mutex<Port>,
    pub(crate) devices: Vec<Arc<dyn Mmio>>,
    pub(crate) port_exits: AtomicU64,
    pub(crate) mmio_exits: AtomicU64,
}

/// `SLP_EN` of the sleep control register.
const SLEEP_ENABLE: u8 = 1 << 5;

impl Bus {
    pub(crate) fn new(serial: Port, devices: Vec<Arc<dyn Mmio>>) -> Bus {
        Bus {
            serial: Mutex::new(serial),
            devices,
            port_exits: AtomicU64::new(0),
            mmio_exits: AtomicU64::new(0),
        }
    }

    /// The guest writes a port. Returns how it ended, if that was what it wrote.
    pub(crate) fn port_out(&self, port: u16, bytes: &[u8]) -> Option<End> {
        self.port_exits.fetch_add(1, Ordering::Relaxed);
        match (port, bytes) {
            (layout::SERIAL..=layout::SERIAL_LAST, bytes) => {
                let mut serial = lock(&self.serial);
                for byte in bytes {
                    // The ring takes everything, and an interrupt that is not delivered is the guest's loss.
                    let _ = serial.write((port - layout::SERIAL) as u8, *byte);
                }
                None
            }
            (layout::SLEEP_CONTROL, [value]) if *value == SLEEP_ENABLE | layout::SLEEP_OFF << 2 => {
                Some(End::PoweredOff)
            }
            (layout::RESET, [1]) => Some(End::Reset),
            // The keyboard controller's reset, the kernel's next resort.
            (0x64, [0xfe]) => Some(End::Reset),
            (_nobodys, _) => None,
        }
    }

    /// The guest reads a port.
    pub(crate) fn port_in(&self, port: u16, bytes: &mut [u8]) {
        self.port_exits.fetch_add(1, Ordering::Relaxed);
        match port {
            layout::SERIAL..=layout::SERIAL_LAST => {
                let mut serial = lock(&self.serial);
                bytes.iter_mut().for_each(|byte| *byte = serial.read((port - layout::SERIAL) as u8));
            }
            layout::SLEEP_CONTROL | layout::SLEEP_STATUS => bytes.fill(0),
            _nobodys => bytes.fill(0xff),
        }
    }

    /// The guest writes an address that is no memory.
    pub(crate) fn mmio_write(&self, address: u64, bytes: &[u8]) {
        self.mmio_exits.fetch_add(1, Ordering::Relaxed);
        if let Some((device, offset)) = self.device(address) {
            device.write(offset, bytes);
        }
    }

    /// The guest reads an address that is no memory.
    pub(crate) fn mmio_read(&self, address: u64, bytes: &mut [u8]) {
        self.mmio_exits.fetch_add(1, Ordering::Relaxed);
        match self.device(address) {
            Some((device, offset)) => device.read(offset, bytes),
            None => bytes.fill(0xff),
        }
    }

    fn device(&self, address: u64) -> Option<(&Arc<dyn Mmio>, u64)> {
        let inside = address.checked_sub(layout::VIRTIO)?;
        let device = self.devices.get(usize::try_from(inside / layout::PAGE).ok()?)?;
        Some((device, inside % layout::PAGE))
    }
}
