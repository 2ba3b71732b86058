//! A kernel image and an initramfs, brought into guest memory. An ELF image and an initramfs are mapped, not copied, so that
//! guests share their pages; a bzImage is copied and unpacks itself. What is not one of them is refused by name. Every
//! number of an image is checked: images come from strangers too.
use crate::{layout, memory, memory::Memory};
use linux_loader::loader::{BzImage, KernelLoader, bootparam::setup_header};
use std::{fs::File, io, os::unix::fs::FileExt};
use vm_memory::{Bytes, GuestAddress, GuestMemoryBackend};
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// Where to jump, and what is to be told.
pub(crate) struct Loaded {
    pub(crate) entry: u64,
    /// The end of the highest byte of the image, rounded up to a page.
    pub(crate) end: u64,
    /// The header of a bzImage, which the boot parameters repeat.
    pub(crate) header: Option<setup_header>,
}

/// Why an image cannot be booted.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// It is something else.
    #[error("it is neither an ELF kernel for x86-64 nor a bzImage: {0}")]
    NoKernel(String),
    /// It ends before its headers say so.
    #[error("it is truncated: its headers speak of {wanted} bytes, it has {has}")]
    Truncated {
        /// What the headers say.
        wanted: u64,
        /// What there is.
        has: u64,
    },
    /// It asks for addresses that the guest has not.
    #[error("it does not fit into {memory_mib} MiB: it wants {start:#x} to {end:#x}")]
    NoRoom {
        /// What the guest has.
        memory_mib: u64,
        /// Where the image begins.
        start: u64,
        /// Where it ends.
        end: u64,
    },
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[from] io::Error),
    /// It cannot be mapped.
    #[error(transparent)]
    Memory(#[from] memory::MemoryError),
}

/// A file header, as ELF defines it for 64 bits.
#[derive(Debug, Clone, Copy, FromBytes, KnownLayout, Immutable)]
#[repr(C)]
struct Header {
    ident: [u8; 16],
    kind: u16,
    machine: u16,
    version: u32,
    entry: u64,
    segments_at: u64,
    sections_at: u64,
    flags: u32,
    header_size: u16,
    segment_size: u16,
    segments: u16,
    section_size: u16,
    sections: u16,
    names: u16,
}

/// A segment header.
#[derive(Debug, Clone, Copy, FromBytes, KnownLayout, Immutable)]
#[repr(C)]
struct Segment {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    physical: u64,
    in_file: u64,
    in_memory: u64,
    align: u64,
}

const EXECUTABLE: u16 = 2;
const X86_64: u16 = 62;
const LOAD: u32 = 1;
/// A kernel has about five.
const SEGMENTS_MAX: usize = 64;
const HEADER: usize = size_of::<Header>();
const SEGMENT: usize = size_of::<Segment>();

/// Brings an image into memory.
pub(crate) fn load(memory: &Memory, file: &File) -> Result<Loaded, KernelError> {
    let mut start = [0; 0x206];
    let has = file.metadata()?.len();
    let read = file.read_at(&mut start, 0)?;
    if start.starts_with(b"\x7fELF") {
        return elf(memory, file, has);
    }
    match read == start.len() && start[0x202..0x206] == *b"HdrS" {
        true => bzimage(memory, file),
        false => Err(KernelError::NoKernel("its first bytes are of another kind".to_owned())),
    }
}

fn elf(memory: &Memory, file: &File, has: u64) -> Result<Loaded, KernelError> {
    let mut bytes = [0; HEADER];
    read_at(file, &mut bytes, 0, has)?;
    let header = Header::read_from_bytes(&bytes).expect("the buffer has the size of a header");
    let sixty_four_little = header.ident[4..7] == [2, 1, 1];
    let right = sixty_four_little && header.machine == X86_64 && header.kind == EXECUTABLE;
    if !right || usize::from(header.segment_size) != SEGMENT {
        let machine = header.machine;
        return Err(KernelError::NoKernel(format!(
            "it is an ELF file of machine {machine}, kind {}",
            header.kind
        )));
    }
    let count = usize::from(header.segments);
    if count == 0 || count > SEGMENTS_MAX {
        return Err(KernelError::NoKernel(format!("it has {count} segments")));
    }
    let mut end = 0;
    let mut entered = false;
    for index in 0..count {
        let mut bytes = [0; SEGMENT];
        let at = header.segments_at.saturating_add((index * SEGMENT) as u64);
        read_at(file, &mut bytes, at, has)?;
        let segment = Segment::read_from_bytes(&bytes).expect("the buffer has the size of a segment header");
        if segment.kind != LOAD || segment.in_memory == 0 {
            continue;
        }
        let stop = placed(memory, file, has, &segment)?;
        entered |= (segment.physical..stop).contains(&header.entry);
        end = end.max(stop);
    }
    match entered {
        true => Ok(Loaded { entry: header.entry, end: end.next_multiple_of(layout::PAGE), header: None }),
        false => {
            Err(KernelError::NoKernel(format!("its entry {:#x} is in none of its segments", header.entry)))
        }
    }
}

/// Maps the whole pages of a segment, copies the rest; what lies behind is zero already. Returns its end.
fn placed(memory: &Memory, file: &File, has: u64, segment: &Segment) -> Result<u64, KernelError> {
    let wanted = segment.offset.saturating_add(segment.in_file);
    if wanted > has || segment.in_file > segment.in_memory {
        return Err(KernelError::Truncated { wanted, has });
    }
    let (start, end) = (segment.physical, segment.physical.saturating_add(segment.in_memory));
    let fits = start >= layout::HIGH_START.0 && end <= layout::HOLE && end > start;
    if !fits || !memory.check_range(GuestAddress(start), segment.in_memory as usize) {
        return Err(KernelError::NoRoom { memory_mib: memory::size(memory) >> 20, start, end });
    }
    let even = (segment.physical | segment.offset).is_multiple_of(layout::PAGE);
    let mapped = if even { segment.in_file / layout::PAGE * layout::PAGE } else { 0 };
    if mapped > 0 {
        memory::lay(memory, GuestAddress(start), file, segment.offset, mapped)?;
    }
    copied(memory, GuestAddress(start + mapped), file, segment.offset + mapped, segment.in_file - mapped)?;
    Ok(end)
}

/// Copies a piece of a file, in steps that need no large buffer.
fn copied(memory: &Memory, at: GuestAddress, file: &File, offset: u64, bytes: u64) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    let mut done = 0;
    while done < bytes {
        let step = (bytes - done).min(buffer.len() as u64) as usize;
        file.read_exact_at(&mut buffer[..step], offset + done)?;
        memory.write_slice(&buffer[..step], GuestAddress(at.0 + done)).map_err(io::Error::other)?;
        done += step as u64;
    }
    Ok(())
}

fn read_at(file: &File, buffer: &mut [u8], at: u64, has: u64) -> Result<(), KernelError> {
    let wanted = at.saturating_add(buffer.len() as u64);
    match wanted <= has {
        true => Ok(file.read_exact_at(buffer, at)?),
        false => Err(KernelError::Truncated { wanted, has }),
    }
}

/// The offset of the 64-bit entry from the loaded code.
const ENTRY_64: u64 = 0x200;
/// `xloadflags`: there is a 64-bit entry.
const XLF_KERNEL_64: u16 = 1;

fn bzimage(memory: &Memory, file: &File) -> Result<Loaded, KernelError> {
    let mut again = file.try_clone()?;
    let refused = |error: linux_loader::loader::Error| KernelError::NoKernel(error.to_string());
    let loaded = BzImage::load(memory, Some(layout::HIGH_START), &mut again, Some(layout::HIGH_START))
        .map_err(refused)?;
    let header =
        loaded.setup_header.ok_or_else(|| KernelError::NoKernel("it has no setup header".to_owned()))?;
    if header.version < 0x20c || header.xloadflags & XLF_KERNEL_64 == 0 {
        return Err(KernelError::NoKernel("it has no 64-bit entry".to_owned()));
    }
    // The image unpacks itself behind its own end.
    let (start, size) = (header.pref_address, u64::from(header.init_size));
    let end = start.max(layout::HIGH_START.0).saturating_add(size).max(loaded.kernel_end);
    if !memory.check_range(layout::HIGH_START, end.saturating_sub(layout::HIGH_START.0) as usize) {
        return Err(KernelError::NoRoom { memory_mib: memory::size(memory) >> 20, start, end });
    }
    let entry = layout::HIGH_START.0 + ENTRY_64;
    Ok(Loaded { entry, end: end.next_multiple_of(layout::PAGE), header: Some(header) })
}

/// Maps an initramfs below the end of memory, or of its first piece. Returns where, and its exact length.
pub(crate) fn load_initrd(memory: &Memory, file: &File, kernel_end: u64) -> Result<(u64, u64), KernelError> {
    let bytes = file.metadata()?.len();
    let top = memory::size(memory).min(layout::HOLE);
    let start = top.saturating_sub(bytes) / layout::PAGE * layout::PAGE;
    if start < kernel_end {
        return Err(KernelError::NoRoom {
            memory_mib: memory::size(memory) >> 20,
            start,
            end: start.saturating_add(bytes),
        });
    }
    if bytes > 0 {
        // The last page is part of the file, then zero: the kernel of the host sees to it.
        memory::lay(memory, GuestAddress(start), file, 0, bytes.next_multiple_of(layout::PAGE))?;
    }
    Ok((start, bytes))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use std::io::Write;

    /// An ELF kernel with one segment: `code` at 16 MiB, which is the entry.
    pub(crate) fn image(code: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
        bytes.extend([2, 0, 62, 0, 1, 0, 0, 0]);
        bytes.extend(0x100_0000u64.to_le_bytes());
        bytes.extend(64u64.to_le_bytes());
        bytes.extend(0u64.to_le_bytes());
        bytes.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend([1, 0, 0, 0, 5, 0, 0, 0]);
        let length = code.len() as u64;
        for number in [0x1000, 0x100_0000, 0x100_0000, length, length + 64, 0x1000u64] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.resize(0x1000, 0);
        bytes.extend(code);
        bytes
    }

    fn check(bytes: &[u8], expected: Expect) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let memory = memory::fresh(64 << 20).unwrap();
        let said = match load(&memory, &file) {
            Ok(loaded) => format!("entry {:#x}, end {:#x}", loaded.entry, loaded.end),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&said);
    }

    fn patched(at: usize, with: &[u8]) -> Vec<u8> {
        let mut bytes = image(&[0xf4; 5000]);
        bytes[at..at + with.len()].copy_from_slice(with);
        bytes
    }

    #[test]
    fn a_kernel_is_mapped_where_it_wants_to_be() {
        check(&image(&[0xf4; 5000]), expect!["entry 0x1000000, end 0x1002000"]);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&image(&[7; 5000])).unwrap();
        let memory = memory::fresh(64 << 20).unwrap();
        load(&memory, &file).unwrap();
        let at = |offset: u64| memory.read_obj::<u8>(GuestAddress(0x100_0000 + offset)).unwrap();
        assert_eq!([at(0), at(4095), at(4999), at(5000)], [7, 7, 7, 0]);
    }

    #[test]
    fn what_is_no_kernel_is_refused_by_name() {
        check(
            b"",
            expect![
                "it is neither an ELF kernel for x86-64 nor a bzImage: its first bytes are of another kind"
            ],
        );
        check(
            b"#!/bin/sh\n",
            expect![
                "it is neither an ELF kernel for x86-64 nor a bzImage: its first bytes are of another kind"
            ],
        );
        check(
            &image(&[0xf4; 5000])[..5000],
            expect!["it is truncated: its headers speak of 9096 bytes, it has 5000"],
        );
        check(
            &image(&[0xf4; 10])[..40],
            expect!["it is truncated: its headers speak of 64 bytes, it has 40"],
        );
        check(
            &patched(18, &[183]),
            expect![
                "it is neither an ELF kernel for x86-64 nor a bzImage: it is an ELF file of machine 183, kind 2"
            ],
        );
        check(
            &patched(4, &[1]),
            expect![
                "it is neither an ELF kernel for x86-64 nor a bzImage: it is an ELF file of machine 62, kind 2"
            ],
        );
        check(
            &patched(24, &[0; 8]),
            expect![
                "it is neither an ELF kernel for x86-64 nor a bzImage: its entry 0x0 is in none of its segments"
            ],
        );
        check(
            &patched(56, &[255, 255]),
            expect!["it is neither an ELF kernel for x86-64 nor a bzImage: it has 65535 segments"],
        );
    }

    #[test]
    fn an_image_gets_no_address_that_is_not_free() {
        let physical = 64 + 24;
        check(&patched(physical, &[0; 8]), expect!["it does not fit into 64 MiB: it wants 0x0 to 0x13c8"]);
        check(
            &patched(physical, &[255; 8]),
            expect!["it does not fit into 64 MiB: it wants 0xffffffffffffffff to 0xffffffffffffffff"],
        );
        check(
            &patched(64 + 40, &[255; 7]),
            expect!["it does not fit into 64 MiB: it wants 0x1000000 to 0x100000000ffffff"],
        );
        check(
            &patched(64 + 32, &[255; 8]),
            expect!["it is truncated: its headers speak of 18446744073709551615 bytes, it has 9096"],
        );
    }

    #[test]
    fn an_initramfs_ends_where_memory_does() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[3; 5000]).unwrap();
        let memory = memory::fresh(64 << 20).unwrap();
        let (at, bytes) = load_initrd(&memory, &file, 0x110_0000).unwrap();
        assert_eq!((at, bytes), ((64 << 20) - 8192, 5000));
        assert_eq!(memory.read_obj::<u8>(GuestAddress(at + 4999)).unwrap(), 3);
        assert_eq!(memory.read_obj::<u8>(GuestAddress(at + 5000)).unwrap(), 0);
        assert!(load_initrd(&memory, &file, 64 << 20).is_err());
    }
}
