//! Guest memory as files. All of it: byte for byte at its place, so that the file can be mapped; pages of zeroes are holes.
//! What changed: a count, the numbers of the pages, and from the next page on the pages themselves.
use super::SnapshotError;
use crate::{layout::PAGE, memory::Memory};
use std::{fs::File, io, os::unix::fs::FileExt};
use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend, GuestMemoryRegion};

const PAGE_BYTES: usize = PAGE as usize;
/// What is looked at at once.
const STEP: usize = 64 * PAGE_BYTES;

/// Writes all of memory. Returns how many pages hold something.
pub(crate) fn write_all(memory: &Memory, to: &File) -> io::Result<u64> {
    to.set_len(crate::memory::size(memory))?;
    let mut buffer = vec![0; STEP];
    let (mut at, mut full) = (0, 0);
    for region in memory.iter() {
        let mut inside = 0;
        while inside < region.len() {
            let step = (region.len() - inside).min(STEP as u64) as usize;
            let address = GuestAddress(region.start_addr().0 + inside);
            memory.read_slice(&mut buffer[..step], address).map_err(io::Error::other)?;
            full += write_runs(&buffer[..step], at + inside, to)?;
            inside += step as u64;
        }
        at += region.len();
    }
    Ok(full)
}

/// Writes the pages that hold something, neighbours together, and counts them.
fn write_runs(bytes: &[u8], at: u64, to: &File) -> io::Result<u64> {
    let (mut start, mut full_pages) = (None, 0);
    let pages = bytes.chunks(PAGE_BYTES).map(|page| page.iter().any(|byte| *byte != 0)).chain([false]);
    for (index, full) in pages.enumerate() {
        match (start, full) {
            (None, true) => start = Some(index),
            (Some(first), false) => {
                let run = first * PAGE_BYTES..(index * PAGE_BYTES).min(bytes.len());
                to.write_all_at(&bytes[run], at + (first * PAGE_BYTES) as u64)?;
                full_pages += (index - first) as u64;
                start = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }
    Ok(full_pages)
}

/// Where a page lies in the guest, by its number among all pages.
fn address(memory: &Memory, page: u64) -> Option<GuestAddress> {
    let mut inside = page.checked_mul(PAGE)?;
    for region in memory.iter() {
        if inside < region.len() {
            return Some(GuestAddress(region.start_addr().0 + inside));
        }
        inside -= region.len();
    }
    None
}

/// Writes the pages whose bits are set, and counts them.
pub(crate) fn write_changed(memory: &Memory, bits: &[u64], to: &File) -> io::Result<u64> {
    let set = |index: u64| bits[(index / 64) as usize] >> (index % 64) & 1 == 1;
    let pages: Vec<u64> = (0..bits.len() as u64 * 64).filter(|index| set(*index)).collect();
    let mut head = (pages.len() as u64).to_le_bytes().to_vec();
    head.extend(pages.iter().flat_map(|page| page.to_le_bytes()));
    to.write_all_at(&head, 0)?;
    let mut at = (head.len() as u64).next_multiple_of(PAGE);
    let mut buffer = [0; PAGE_BYTES];
    for page in &pages {
        let address =
            address(memory, *page).ok_or_else(|| io::Error::other("a page outside of memory was written"))?;
        memory.read_slice(&mut buffer, address).map_err(io::Error::other)?;
        to.write_all_at(&buffer, at)?;
        at += PAGE;
    }
    to.set_len(at)?;
    Ok(pages.len() as u64)
}

/// A file of changed pages that is as long as it must be.
#[derive(Debug)]
pub(crate) struct Changed {
    file: File,
    count: u64,
}

fn damaged(what: &str) -> SnapshotError {
    SnapshotError::Damaged(what.to_owned())
}

fn unreadable(_source: io::Error) -> SnapshotError {
    damaged("its changed pages cannot be read")
}

impl Changed {
    /// Where the first page lies in the file.
    fn start(&self) -> u64 {
        (8 + self.count * 8).next_multiple_of(PAGE)
    }

    /// Looks at the length of a file for a memory of so many bytes.
    pub(crate) fn of(file: File, memory_bytes: u64) -> Result<Changed, SnapshotError> {
        let length = file.metadata().map_err(unreadable)?.len();
        let mut word = [0; 8];
        file.read_exact_at(&mut word, 0).map_err(unreadable)?;
        let most = memory_bytes / PAGE;
        let count = u64::from_le_bytes(word);
        let changed = Changed { file, count: count.min(most) };
        if count > most || length != changed.start() + count * PAGE {
            return Err(damaged("its changed pages are cut, or more than there are"));
        }
        Ok(changed)
    }

    /// Puts the pages over memory.
    pub(crate) fn put(&self, memory: &Memory) -> Result<(), SnapshotError> {
        let (mut word, mut buffer) = ([0; 8], [0; PAGE_BYTES]);
        for index in 0..self.count {
            self.file.read_exact_at(&mut word, 8 + index * 8).map_err(unreadable)?;
            let address = address(memory, u64::from_le_bytes(word))
                .ok_or_else(|| damaged("a changed page lies nowhere"))?;
            self.file.read_exact_at(&mut buffer, self.start() + index * PAGE).map_err(unreadable)?;
            memory.write_slice(&buffer, address).map_err(|_| damaged("a changed page lies nowhere"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    fn memory() -> Memory {
        let memory = crate::memory::fresh(4 << 20).unwrap();
        memory.write_slice(b"first", GuestAddress(0)).unwrap();
        memory.write_slice(b"last", GuestAddress((4 << 20) - 4)).unwrap();
        memory
    }

    #[test]
    fn memory_is_a_file_with_holes() {
        let file = tempfile::tempfile().unwrap();
        write_all(&memory(), &file).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 4 << 20);
        assert!(file.metadata().unwrap().blocks() * 512 < 1 << 20);
        let again = crate::memory::of_file(4 << 20, &file).unwrap();
        let mut bytes = [0; 4];
        again.read_slice(&mut bytes, GuestAddress((4 << 20) - 4)).unwrap();
        assert_eq!(&bytes, b"last");
    }

    #[test]
    fn changed_pages_go_where_they_came_from() {
        let changed = memory();
        changed.write_slice(b"changed", GuestAddress(70 * PAGE)).unwrap();
        let mut bits = vec![0u64; 16];
        bits[1] |= 1 << 6;
        let file = tempfile::tempfile().unwrap();
        assert_eq!(write_changed(&changed, &bits, &file).unwrap(), 1);
        let other = crate::memory::fresh(4 << 20).unwrap();
        Changed::of(file, 4 << 20).unwrap().put(&other).unwrap();
        let mut bytes = [0; 7];
        other.read_slice(&mut bytes, GuestAddress(70 * PAGE)).unwrap();
        assert_eq!(&bytes, b"changed");
    }

    #[test]
    fn changed_pages_that_are_cut_or_lie_nowhere_are_refused() {
        let file = tempfile::tempfile().unwrap();
        write_changed(&memory(), &[0b101], &file).unwrap();
        let whole = file.metadata().unwrap().len();
        let other = crate::memory::fresh(4 << 20).unwrap();
        let read = || Changed::of(file.try_clone().unwrap(), 4 << 20)?.put(&other);
        assert!(read().is_ok());
        for length in [0, 7, 8, PAGE, whole - 1, whole + 1] {
            file.set_len(length).unwrap();
            assert!(read().is_err(), "{length}");
            file.set_len(0).unwrap();
            write_changed(&memory(), &[0b101], &file).unwrap();
        }
        file.write_all_at(&u64::MAX.to_le_bytes(), 16).unwrap();
        assert!(read().is_err());
        file.write_all_at(&u64::MAX.to_le_bytes(), 0).unwrap();
        assert!(read().is_err());
    }
}
