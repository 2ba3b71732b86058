//! Memory that the guest gives back: on request, and of its own accord when pages are free. Only ever gives back whole
//! pages inside the guest's memory.
use super::{Chain, Device, Served, each_chain};
use crate::{
    bytes::{Unreadable, Writer as Saved},
    layout::PAGE,
    memory::{self, Memory},
};
use std::io::Read;
use virtio_queue::{Queue, Reader};
use vm_memory::GuestAddress;

const REPORTING: u64 = 1 << 5;
const INFLATE: usize = 0;
const DEFLATE: usize = 1;
/// The driver puts at most 256 page numbers into a buffer.
const PAGES_MAX: usize = 256;

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Balloon {
    /// Pages that the guest shall give.
    target: u32,
    /// Pages that it says it gave.
    actual: u32,
}

impl Balloon {
    /// Sets what the guest shall give. The transport tells the driver.
    pub(crate) fn ask(&mut self, mib: u32) {
        self.target = mib.saturating_mul(256);
    }
}

impl Device for Balloon {
    const KIND: u32 = 5;
    const QUEUES: &'static [u16] = &[128, 128, 128];

    fn features(&self) -> u64 {
        REPORTING
    }

    fn config(&self) -> Vec<u8> {
        [self.target.to_le_bytes(), self.actual.to_le_bytes()].concat()
    }

    fn configure(&mut self, offset: usize, bytes: &[u8]) {
        if let (4, Ok(bytes)) = (offset, bytes.try_into()) {
            self.actual = u32::from_le_bytes(bytes);
        }
    }

    fn serve(&mut self, queue: usize, queues: &mut [Queue], memory: &Memory) -> Served {
        each_chain(&mut queues[queue], memory, |chain| match queue {
            INFLATE => inflated(chain, memory),
            // What it takes back is mapped again when it is touched.
            DEFLATE => Some(0),
            _reported => reported(chain, memory),
        })
    }

    fn reset(&mut self) {
        self.actual = 0;
    }

    fn save(&self) -> Vec<u8> {
        let mut saved = Saved::default();
        saved.put(&self.target).put(&self.actual);
        saved.done()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Unreadable> {
        let mut reader = crate::bytes::Reader::new(state, "the balloon");
        (self.target, self.actual) = (reader.get()?, reader.get()?);
        reader.end()
    }
}

fn inflated(chain: Chain<'_>, memory: &Memory) -> Option<u32> {
    let mut reader = Reader::new(memory, chain).ok()?;
    let mut numbers = [0; PAGES_MAX * 4];
    let bytes = reader.available_bytes().min(numbers.len()) / 4 * 4;
    reader.read_exact(&mut numbers[..bytes]).ok()?;
    let (numbers, _) = numbers[..bytes].as_chunks::<4>();
    let all = numbers.iter().all(|number| {
        let page = u64::from(u32::from_le_bytes(*number)) * PAGE;
        memory::give_back(memory, GuestAddress(page), PAGE)
    });
    all.then_some(0)
}

fn reported(chain: Chain<'_>, memory: &Memory) -> Option<u32> {
    let mut sound = true;
    for piece in chain.writable() {
        sound &= memory::give_back(memory, piece.addr(), piece.len().into());
    }
    sound.then_some(0)
}
