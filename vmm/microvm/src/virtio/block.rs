//! A disk: an image that is never written, and over it what this guest wrote, which lives in memory of this process. A
//! request is bounded, and answered with an error rather than half.
use super::{Chain, Device, Served, each_chain};
use crate::{
    bytes::{Reader as SavedReader, Unreadable, Writer as Saved},
    memory::Memory,
};
use rustix::fs::{MemfdFlags, memfd_create};
use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::fs::FileExt,
};
use virtio_queue::{Queue, Reader, Writer};

const SECTOR: u64 = 512;
/// What is copied on write: one page.
const BLOCK: u64 = 4096;
/// Linux sends at most 1 MiB at once with the segments below.
const REQUEST_MAX: usize = 4 << 20;
const SEGMENTS_MAX: u32 = 64;

const SEG_MAX: u64 = 1 << 2;
const READ_ONLY: u64 = 1 << 5;
const FLUSH: u64 = 1 << 9;

const KIND_READ: u32 = 0;
const KIND_WRITE: u32 = 1;
const KIND_FLUSH: u32 = 4;
const KIND_NAME: u32 = 8;
const NAME: usize = 20;

const OK: u8 = 0;
const FAILED: u8 = 1;
const UNSUPPORTED: u8 = 2;

/// Blocks that a layer holds, of those below it.
#[derive(Debug)]
struct Layer {
    file: File,
    holds: Vec<u64>,
}

/// The device.
#[derive(Debug)]
pub(crate) struct Block {
    image: File,
    bytes: u64,
    /// What an earlier life of this guest wrote, if it was restored.
    below: Option<Layer>,
    /// What this one writes; none where it may not.
    top: Option<Layer>,
}

impl Block {
    /// Opens a disk over an image whose length is a number of sectors.
    pub(crate) fn new(image: File, writable: bool) -> io::Result<Block> {
        let bytes = image.metadata()?.len() / SECTOR * SECTOR;
        let top = writable.then(|| Layer::in_memory(bytes)).transpose()?;
        Ok(Block { image, bytes, below: None, top })
    }

    /// Puts what an earlier life wrote under what this one will write.
    pub(crate) fn on(&mut self, file: File) {
        self.below = Some(Layer { file, holds: vec![0; words(self.bytes)] });
    }

    /// Whether a snapshot has to keep something of it.
    pub(crate) fn written(&self) -> bool {
        self.top.is_some()
    }

    /// Writes all that the guest's lives wrote into one sparse file, which is as long as [`layer_bytes`] says.
    pub(crate) fn write_down(&self, to: &File) -> io::Result<()> {
        to.set_len(self.bytes.next_multiple_of(BLOCK))?;
        let mut block = [0; BLOCK as usize];
        for index in 0..self.bytes.div_ceil(BLOCK) {
            let layer = [&self.top, &self.below].into_iter().flatten().find(|layer| layer.has(index));
            if let Some(layer) = layer {
                layer.file.read_exact_at(&mut block, index * BLOCK)?;
                to.write_all_at(&block, index * BLOCK)?;
            }
        }
        Ok(())
    }

    fn read_block(&self, index: u64, block: &mut [u8; BLOCK as usize]) -> io::Result<()> {
        let layer = [&self.top, &self.below].into_iter().flatten().find(|layer| layer.has(index));
        if let Some(layer) = layer {
            return layer.file.read_exact_at(block, index * BLOCK);
        }
        // The last block of an image may be short; what is behind it is never handed out.
        let there = (self.bytes - index * BLOCK).min(BLOCK) as usize;
        block[there..].fill(0);
        self.image.read_exact_at(&mut block[..there], index * BLOCK)
    }

    fn read(&self, mut at: u64, mut bytes: usize, to: &mut impl Write) -> io::Result<()> {
        let mut block = [0; BLOCK as usize];
        while bytes > 0 {
            self.read_block(at / BLOCK, &mut block)?;
            let inside = (at % BLOCK) as usize;
            let step = bytes.min(BLOCK as usize - inside);
            to.write_all(&block[inside..inside + step])?;
            (at, bytes) = (at + step as u64, bytes - step);
        }
        Ok(())
    }

    fn write(&mut self, mut at: u64, mut bytes: usize, from: &mut impl Read) -> io::Result<()> {
        let mut block = [0; BLOCK as usize];
        while bytes > 0 {
            let inside = (at % BLOCK) as usize;
            let step = bytes.min(BLOCK as usize - inside);
            if step < BLOCK as usize {
                self.read_block(at / BLOCK, &mut block)?;
            }
            from.read_exact(&mut block[inside..inside + step])?;
            let top = self.top.as_mut().ok_or(io::ErrorKind::ReadOnlyFilesystem)?;
            top.file.write_all_at(&block, at / BLOCK * BLOCK)?;
            top.add(at / BLOCK);
            (at, bytes) = (at + step as u64, bytes - step);
        }
        Ok(())
    }

    /// Where a request begins, if it ends inside.
    fn range(&self, sector: u64, bytes: usize) -> Option<u64> {
        let at = sector.checked_mul(SECTOR)?;
        let inside = at.checked_add(bytes as u64)? <= self.bytes;
        (inside && (bytes as u64).is_multiple_of(SECTOR) && bytes <= REQUEST_MAX).then_some(at)
    }

    /// Answers a request: a header, data, and room for one byte of status at the very end. Returns the bytes written.
    fn answer(&mut self, chain: Chain<'_>, memory: &Memory) -> Option<u32> {
        let mut from = Reader::new(memory, chain.clone()).ok()?;
        let mut to = Writer::new(memory, chain).ok()?;
        let room = to.available_bytes().checked_sub(1)?;
        let mut status = to.split_at(room).ok()?;
        let (kind, _reserved, sector): (u32, u32, u64) =
            (from.read_obj().ok()?, from.read_obj().ok()?, from.read_obj().ok()?);
        let data = from.available_bytes();
        let outcome = match kind {
            KIND_READ => self.range(sector, room).map(|at| self.read(at, room, &mut to)),
            KIND_WRITE => self.range(sector, data).map(|at| self.write(at, data, &mut from)),
            // What is written is in memory of this process: there is nothing that could be flushed further.
            KIND_FLUSH => Some(Ok(())),
            KIND_NAME => Some(to.write_all(&b"oxydra\0\0\0\0\0\0\0\0\0\0\0\0\0\0"[..room.min(NAME)])),
            _unknown => {
                status.write_obj(UNSUPPORTED).ok()?;
                return Some(1);
            }
        };
        let done = matches!(outcome, Some(Ok(())));
        status.write_obj(if done { OK } else { FAILED }).ok()?;
        let written = to.bytes_written() + 1;
        u32::try_from(written).ok()
    }
}

impl Device for Block {
    const KIND: u32 = 2;
    const QUEUES: &'static [u16] = &[128];

    fn features(&self) -> u64 {
        SEG_MAX | FLUSH | if self.top.is_none() { READ_ONLY } else { 0 }
    }

    fn config(&self) -> Vec<u8> {
        // Capacity, size_max, seg_max.
        let mut config = (self.bytes / SECTOR).to_le_bytes().to_vec();
        config.extend(0u32.to_le_bytes());
        config.extend(SEGMENTS_MAX.to_le_bytes());
        config
    }

    fn serve(&mut self, queue: usize, queues: &mut [Queue], memory: &Memory) -> Served {
        each_chain(&mut queues[queue], memory, |chain| self.answer(chain, memory))
    }

    fn save(&self) -> Vec<u8> {
        let mut saved = Saved::default();
        saved.put(&self.bytes).put(&u8::from(self.top.is_some()));
        let mut holds = Vec::new();
        if self.top.is_some() {
            let layers = [&self.top, &self.below];
            for word in 0..words(self.bytes) {
                let word = layers.iter().copied().flatten().fold(0u64, |all, layer| all | layer.holds[word]);
                holds.extend(word.to_le_bytes());
            }
        }
        saved.bytes(&holds);
        saved.done()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Unreadable> {
        let mut reader = SavedReader::new(state, "a disk");
        let (bytes, writable): (u64, bool) = (reader.get()?, reader.flag()?);
        let holds = reader.bytes()?;
        let same = bytes == self.bytes && writable == self.top.is_some();
        let expected = if writable { words(bytes) * 8 } else { 0 };
        if !same || holds.len() != expected || writable != self.below.is_some() {
            return Err(reader.unreadable());
        }
        if let Some(below) = &mut self.below {
            let (words, _) = holds.as_chunks::<8>();
            below.holds = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        }
        reader.end()
    }
}

/// How long the file is that holds what was written to a disk of this image.
pub(crate) fn layer_bytes(image: &File) -> io::Result<u64> {
    Ok((image.metadata()?.len() / SECTOR * SECTOR).next_multiple_of(BLOCK))
}

fn words(bytes: u64) -> usize {
    bytes.div_ceil(BLOCK).div_ceil(64) as usize
}

impl Layer {
    fn in_memory(bytes: u64) -> io::Result<Layer> {
        let file = File::from(memfd_create(c"disk", MemfdFlags::CLOEXEC)?);
        file.set_len(bytes.next_multiple_of(BLOCK))?;
        Ok(Layer { file, holds: vec![0; words(bytes)] })
    }

    fn has(&self, block: u64) -> bool {
        self.holds[(block / 64) as usize] >> (block % 64) & 1 == 1
    }

    fn add(&mut self, block: u64) {
        self.holds[(block / 64) as usize] |= 1 << (block % 64);
    }
}
