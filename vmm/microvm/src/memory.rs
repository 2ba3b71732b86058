//! Guest memory: made of nothing or of a file, mapped privately, so that nothing a guest writes reaches a file. One of the
//! files with `unsafe`: it maps files over pieces of a region and gives pages back.
#![allow(
    unsafe_code,
    reason = "mapping over a region and giving pages back are promises to the kernel, proved below"
)]

use crate::layout::{self, PAGE};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap};
use std::{fs::File, io, os::fd::AsFd};
use vm_memory::{
    Address, FileOffset, GuestAddress, GuestMemoryBackend, GuestMemoryMmap, GuestMemoryRegion,
    GuestRegionMmap, MmapRegion, bitmap::AtomicBitmap,
};

/// The memory of a guest. What this process writes into it is noted, as KVM notes what the guest writes.
pub(crate) type Memory = GuestMemoryMmap<AtomicBitmap>;

/// Why there is no memory.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// The kernel gives none.
    #[error("cannot map {mib} MiB of guest memory")]
    Map {
        /// How much was asked for.
        mib: u64,
        /// What the kernel said.
        #[source]
        source: vm_memory::mmap::MmapRegionError,
    },
    /// Pieces overlap: ours.
    #[error("guest memory has a wrong shape: {0}")]
    Shape(String),
    /// A file cannot be laid over memory.
    #[error("cannot lay a file over guest memory at {at:#x}")]
    Lay {
        /// Where.
        at: u64,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

/// Zeroes that cost nothing until they are touched.
pub(crate) fn fresh(bytes: u64) -> Result<Memory, MemoryError> {
    shaped(bytes, |_| None)
}

/// A file that is the memory, piece after piece. Pages are shared with all who map it until somebody writes.
pub(crate) fn of_file(bytes: u64, file: &File) -> Result<Memory, MemoryError> {
    let again = file.try_clone().map_err(|source| MemoryError::Lay { at: 0, source })?;
    let shared = std::sync::Arc::new(again);
    shaped(bytes, |at| Some(FileOffset::from_arc(shared.clone(), at)))
}

fn shaped(bytes: u64, file: impl Fn(u64) -> Option<FileOffset>) -> Result<Memory, MemoryError> {
    let mut regions = Vec::new();
    let mut at = 0;
    for (start, length) in layout::memory_pieces(bytes) {
        let backing = file(at);
        let anonymous = if backing.is_none() { libc::MAP_ANONYMOUS } else { 0 };
        let flags = libc::MAP_PRIVATE | libc::MAP_NORESERVE | anonymous;
        let mapping = MmapRegion::build(backing, length, libc::PROT_READ | libc::PROT_WRITE, flags)
            .map_err(|source| MemoryError::Map { mib: bytes >> 20, source })?;
        let region = GuestRegionMmap::new(mapping, start);
        regions.push(region.ok_or_else(|| MemoryError::Shape(format!("a piece at {:#x} wraps", start.0)))?);
        at += length as u64;
    }
    Memory::from_regions(regions).map_err(|error| MemoryError::Shape(error.to_string()))
}

/// The number of bytes, without the hole.
pub(crate) fn size(memory: &Memory) -> u64 {
    memory.iter().map(|region| region.len()).sum()
}

/// Lays whole pages of a file over memory, privately: they are read when they are touched, and shared with all who map
/// the file. What is there is gone.
pub(crate) fn lay(
    memory: &Memory,
    at: GuestAddress,
    file: &File,
    offset: u64,
    bytes: u64,
) -> Result<(), MemoryError> {
    let failed = |source| MemoryError::Lay { at: at.0, source };
    let whole = (at.0 | offset | bytes).is_multiple_of(PAGE) && bytes > 0;
    let region = memory.find_region(at).filter(|region| {
        let inside = at.unchecked_offset_from(region.start_addr());
        inside.checked_add(bytes).is_some_and(|end| end <= region.len())
    });
    let Some(region) = region.filter(|_| whole) else {
        return Err(failed(io::Error::from(io::ErrorKind::InvalidInput)));
    };
    let host = region.as_ptr().wrapping_add(at.unchecked_offset_from(region.start_addr()) as usize);
    // SAFETY: `host … host + bytes` lies in `region`, as checked above, which this process mapped and nothing but volatile
    // accesses through `Memory` and the guest touch; no reference to its bytes exists. Mapping over it with the same
    // protection keeps every such access valid, and the region's own unmapping covers the new mapping.
    let mapped = unsafe {
        mmap(
            host.cast(),
            bytes as usize,
            ProtFlags::READ | ProtFlags::WRITE,
            MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE,
            file.as_fd(),
            offset,
        )
    };
    mapped.map(|_| ()).map_err(|errno| failed(errno.into()))
}

/// Gives pages back to the host. The guest reads zeroes there, or what the file behind them holds.
pub(crate) fn give_back(memory: &Memory, at: GuestAddress, bytes: u64) -> bool {
    let region = memory.find_region(at).filter(|region| {
        let inside = at.unchecked_offset_from(region.start_addr());
        bytes > 0 && inside.checked_add(bytes).is_some_and(|end| end <= region.len())
    });
    let Some(region) = region.filter(|_| (at.0 | bytes).is_multiple_of(PAGE)) else { return false };
    let host = region.as_ptr().wrapping_add(at.unchecked_offset_from(region.start_addr()) as usize);
    // SAFETY: the range is inside a private mapping of ours, checked above. Its bytes change under nobody's reference:
    // guest memory is only ever read volatile, because the guest may change it at any time anyway.
    unsafe { madvise(host.cast(), bytes as usize, Advice::LinuxDontNeed).is_ok() }
}

/// The place of a region in this process, for KVM.
pub(crate) fn host_address(region: &GuestRegionMmap<AtomicBitmap>) -> u64 {
    region.as_ptr() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use vm_memory::Bytes;

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn a_file_under_memory_is_read_and_never_written() {
        let file = file_of(&[7; 8192]);
        let memory = fresh(1 << 20).unwrap();
        lay(&memory, GuestAddress(4096), &file, 4096, 4096).unwrap();
        assert_eq!(memory.read_obj::<u8>(GuestAddress(4095)).unwrap(), 0);
        assert_eq!(memory.read_obj::<u8>(GuestAddress(4096)).unwrap(), 7);
        memory.write_obj(9u8, GuestAddress(4096)).unwrap();
        let other = of_file(8192, &file).unwrap();
        assert_eq!(other.read_obj::<u8>(GuestAddress(4096)).unwrap(), 7);
    }

    #[test]
    fn nothing_is_laid_outside_or_askew() {
        let file = file_of(&[7; 8192]);
        let memory = fresh(1 << 20).unwrap();
        for (at, offset, bytes) in [
            (1 << 20, 0, 4096),
            ((1 << 20) - 4096, 0, 8192),
            (1, 0, 4096),
            (0, 1, 4096),
            (0, 0, 5),
            (0, 0, 0),
        ] {
            assert!(
                lay(&memory, GuestAddress(at), &file, offset, bytes).is_err(),
                "{at:#x} {offset} {bytes}"
            );
        }
    }

    #[test]
    fn pages_given_back_read_as_zero() {
        let memory = fresh(1 << 20).unwrap();
        memory.write_obj(5u8, GuestAddress(8192)).unwrap();
        assert!(give_back(&memory, GuestAddress(8192), 4096));
        assert_eq!(memory.read_obj::<u8>(GuestAddress(8192)).unwrap(), 0);
        assert!(!give_back(&memory, GuestAddress(1 << 20), 4096));
        assert!(!give_back(&memory, GuestAddress(u64::MAX - 4095), 4096));
        assert!(!give_back(&memory, GuestAddress(8192), 1));
    }
}
