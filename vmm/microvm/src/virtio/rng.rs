//! Entropy: fills what the guest offers with the host's random bytes. Keeps no state.
use super::{Device, Served, each_chain};
use crate::memory::Memory;
use rustix::rand::{GetRandomFlags, getrandom};
use std::io::Write;
use virtio_queue::{Queue, Writer};

/// A driver asks for 64 bytes; one that asks for gigabytes gets this much and may ask again.
const BYTES_MAX: usize = 4096;

/// The device.
pub(crate) struct Rng;

impl Device for Rng {
    const KIND: u32 = 4;
    const QUEUES: &'static [u16] = &[64];

    fn config(&self) -> Vec<u8> {
        Vec::new()
    }

    fn serve(&mut self, queue: usize, queues: &mut [Queue], memory: &Memory) -> Served {
        each_chain(&mut queues[queue], memory, |chain| {
            let mut writer = Writer::new(memory, chain).ok()?;
            let mut bytes = [0; BYTES_MAX];
            let wanted = writer.available_bytes().min(BYTES_MAX);
            let got = getrandom(&mut bytes[..wanted], GetRandomFlags::empty()).ok()?;
            writer.write_all(&bytes[..got]).ok()?;
            u32::try_from(got).ok().filter(|got| *got > 0)
        })
    }
}
