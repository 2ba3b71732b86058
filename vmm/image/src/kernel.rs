//! Takes a distribution's kernel image apart: what a monitor boots is the program within. Refuses what no guest could boot
//! before a guest hangs on it.
use crate::packed::Packing;

/// Where the header of a bzImage begins to say what it is.
const MAGIC_AT: usize = 0x202;
/// The first version that says where the payload is.
const VERSION_WITH_PAYLOAD: u16 = 0x0208;
const SECTOR: usize = 512;
/// Where kernels of other machines say whose they are, and what: 64-bit ARM and RISC-V.
const OTHERS_AT: usize = 56;
const OTHERS: [&[u8; 4]; 2] = [b"ARM\x64", b"RSC\x05"];
/// ELF's number for x86-64.
const X86_64: u16 = 62;

/// Why bytes are no kernel for a guest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoKernel {
    /// Something else altogether.
    #[error("it is neither a bzImage nor an ELF program")]
    Else,
    /// It ends too early.
    #[error("it is cut off")]
    Cut,
    /// Another machine's.
    #[error("it is for another machine than x86-64")]
    Machine,
    /// Older than any that is in use.
    #[error("its boot protocol {0:#x} does not say where the kernel is; 2.08 or later does")]
    Old(u16),
    /// Packed in a way that cannot be unpacked here.
    #[error("it is packed with {0}, and gzip, xz, zstd and lz4 can be unpacked")]
    Packing(&'static str),
    /// The packed bytes are damaged.
    #[error("it cannot be unpacked: {0}")]
    Damaged(String),
}

/// Returns the program within a kernel image, or the image itself if it is one.
pub fn unpack_kernel(image: &[u8]) -> Result<Vec<u8>, NoKernel> {
    if image.starts_with(b"\x7fELF") {
        check_program(image)?;
        return Ok(image.to_vec());
    }
    if image.get(MAGIC_AT..MAGIC_AT + 4) != Some(b"HdrS") {
        let is_others =
            OTHERS.iter().any(|magic| image.get(OTHERS_AT..).is_some_and(|rest| rest.starts_with(*magic)));
        return Err(if is_others { NoKernel::Machine } else { NoKernel::Else });
    }
    let u16_at = |at: usize| Some(u16::from_le_bytes(*image.get(at..)?.first_chunk()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(*image.get(at..)?.first_chunk()?) as usize);
    let version = u16_at(0x206).ok_or(NoKernel::Cut)?;
    if version < VERSION_WITH_PAYLOAD {
        return Err(NoKernel::Old(version));
    }
    let setup_sectors = match image[0x1f1] {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let (offset, len) = (u32_at(0x248).ok_or(NoKernel::Cut)?, u32_at(0x24c).ok_or(NoKernel::Cut)?);
    let payload = image.get((setup_sectors + 1) * SECTOR + offset..).and_then(|rest| rest.get(..len));
    let program = unpack_payload(payload.ok_or(NoKernel::Cut)?)?;
    check_program(&program)?;
    Ok(program)
}

fn unpack_payload(payload: &[u8]) -> Result<Vec<u8>, NoKernel> {
    let packing = Packing::of(payload).map_err(NoKernel::Packing)?;
    // The kernel's build puts the unpacked length behind every format but gzip, which has it anyway.
    let (packed, len) = match packing {
        Packing::Gzip => (payload, None),
        Packing::Xz | Packing::Zstd | Packing::Lz4Legacy => {
            let (packed, len) = payload.split_last_chunk::<4>().ok_or(NoKernel::Cut)?;
            (packed, Some(u32::from_le_bytes(*len) as usize))
        }
    };
    let program = packing.unpack(packed).map_err(|error| NoKernel::Damaged(error.to_string()))?;
    match len {
        Some(len) if len != program.len() => {
            Err(NoKernel::Damaged(format!("it has {} bytes instead of {len}", program.len())))
        }
        Some(_) | None => Ok(program),
    }
}

/// Checks that a program is one that x86-64 runs in 64 bits.
fn check_program(program: &[u8]) -> Result<(), NoKernel> {
    const CLASS_64_AND_LITTLE_ENDIAN: [u8; 2] = [2, 1];
    let head = program.get(..64).ok_or(NoKernel::Cut)?;
    if !head.starts_with(b"\x7fELF") {
        return Err(NoKernel::Else);
    }
    let machine = u16::from_le_bytes([head[18], head[19]]);
    if head[4..6] != CLASS_64_AND_LITTLE_ENDIAN || machine != X86_64 {
        Err(NoKernel::Machine)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// The least that passes for a program, with room to pack.
    fn program(machine: u8) -> Vec<u8> {
        let mut program = b"\x7fELF\x02\x01\x01".to_vec();
        program.resize(4096, 0);
        program[18] = machine;
        program
    }

    /// A kernel image around packed bytes.
    fn image(packed: &[u8], unpacked_len: Option<usize>) -> Vec<u8> {
        let mut payload = packed.to_vec();
        payload
            .extend(unpacked_len.map(|len| u32::try_from(len).unwrap().to_le_bytes()).into_iter().flatten());
        let mut image = vec![0; 2 * SECTOR];
        image[0x1f1] = 1;
        image[MAGIC_AT..MAGIC_AT + 4].copy_from_slice(b"HdrS");
        image[0x206..0x208].copy_from_slice(&0x20f_u16.to_le_bytes());
        image[0x248..0x24c].copy_from_slice(&0_u32.to_le_bytes());
        image[0x24c..0x250].copy_from_slice(&u32::try_from(payload.len()).unwrap().to_le_bytes());
        image.extend(payload);
        image
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn lz4(bytes: &[u8]) -> Vec<u8> {
        let block = lz4_flex::block::compress(bytes);
        let len = u32::try_from(block.len()).unwrap().to_le_bytes();
        [[0x02, 0x21, 0x4c, 0x18].as_slice(), &len, &block].concat()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut writer =
            lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn a_program_comes_out_of_every_packing() {
        let program = program(62);
        let len = Some(program.len());
        for image in [
            program.clone(),
            image(&gzip(&program), None),
            image(&lz4(&program), len),
            image(&zstd(&program), len),
            image(&xz(&program), len),
        ] {
            assert_eq!(unpack_kernel(&image).as_ref(), Ok(&program));
        }
    }

    #[test]
    fn what_is_no_kernel_is_refused_by_name() {
        let whole = program(62);
        let other_machine = program(183);
        let bomb = vec![0; crate::packed::UNPACKED_BYTES_MAX + 1];
        for (image, why) in [
            (Vec::new(), NoKernel::Else),
            (b"#!/bin/sh\n".to_vec(), NoKernel::Else),
            (vec![0; 4096], NoKernel::Else),
            (whole[..32].to_vec(), NoKernel::Cut),
            (other_machine.clone(), NoKernel::Machine),
            ([&[0; 56][..], b"ARM\x64", &[0; 4000]].concat(), NoKernel::Machine),
            ([&[0; 56][..], b"RSC\x05", &[0; 4]].concat(), NoKernel::Machine),
            (image(&gzip(&other_machine), None), NoKernel::Machine),
            (image(&gzip(b"no program".repeat(10).as_slice()), None), NoKernel::Else),
            (image(b"BZh91AY", None), NoKernel::Packing("bzip2")),
            (image(&gzip(&whole), None)[..SECTOR * 2 + 10].to_vec(), NoKernel::Cut),
            (
                image(&lz4(&whole), Some(1)),
                NoKernel::Damaged(format!("it has {} bytes instead of 1", whole.len())),
            ),
            (image(&gzip(&bomb), None), NoKernel::Damaged("it unpacks to more than 256 MiB".to_owned())),
        ] {
            assert_eq!(unpack_kernel(&image), Err(why));
        }
    }

    #[test]
    fn an_old_protocol_is_refused() {
        let mut old = image(&gzip(&program(62)), None);
        old[0x206..0x208].copy_from_slice(&0x204_u16.to_le_bytes());
        assert_eq!(unpack_kernel(&old), Err(NoKernel::Old(0x204)));
    }
}
