//! Unpacks what kernels and modules are packed with, by the first bytes. Every result has a bound; a format that is not
//! here is named, not guessed at.
use flate2::read::GzDecoder;
use ruzstd::decoding::{StreamingDecoder, errors::FrameDecoderError};
use std::io::{self, Read};

/// No kernel or module is larger unpacked; a larger one is a bomb.
pub(crate) const UNPACKED_BYTES_MAX: usize = 256 << 20;
/// As much of what came before may be referred back to, and so is kept: what kernels' builds ask of zstd and xz at most. Packed
/// bytes say themselves how much they want, up to terabytes, and it would be had before one of them is read.
const WINDOW_BYTES_MAX: u64 = 128 << 20;
/// What unpacking takes besides, as its library counts it.
const XZ_EXTRA_KIB: u32 = 1 << 10;
/// A block of the legacy format holds as much.
const LZ4_BLOCK_BYTES: usize = 8 << 20;

/// How something is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Gzip,
    Xz,
    Zstd,
    Lz4Legacy,
}

impl Packing {
    /// Recognises a format, or names what is not supported.
    pub(crate) fn of(bytes: &[u8]) -> Result<Packing, &'static str> {
        match bytes {
            [0x1f, 0x8b, ..] => Ok(Packing::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Ok(Packing::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok(Packing::Zstd),
            [0x02, 0x21, 0x4c, 0x18, ..] => Ok(Packing::Lz4Legacy),
            [b'B', b'Z', b'h', ..] => Err("bzip2"),
            [0x5d, 0, 0, ..] => Err("lzma"),
            [0x89, b'L', b'Z', b'O', ..] => Err("lzo"),
            [..] => Err("a format without a name"),
        }
    }

    /// Unpacks as it is read, whatever length comes of it.
    pub(crate) fn reader<'a>(self, packed: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Packing::Gzip => Box::new(GzDecoder::new(packed)),
            Packing::Xz => {
                let limit_kib = (WINDOW_BYTES_MAX >> 10) as u32 + XZ_EXTRA_KIB;
                Box::new(Narrow(lzma_rust2::XzReader::new_mem_limit(packed, false, limit_kib)))
            }
            Packing::Zstd => {
                Box::new(StreamingDecoder::new_with_max_window_size(packed, WINDOW_BYTES_MAX).map_err(
                    |error| match error {
                        FrameDecoderError::WindowSizeTooBig { .. } => too_wide(),
                        other => io::Error::other(other),
                    },
                )?)
            }
            Packing::Lz4Legacy => return Err(io::Error::other("only kernels are packed like that")),
        })
    }

    /// Unpacks.
    pub(crate) fn unpack(self, packed: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Packing::Gzip | Packing::Xz | Packing::Zstd => bounded(self.reader(packed)?),
            Packing::Lz4Legacy => lz4_legacy(&packed[4..]),
        }
    }
}

/// Says what a library means when it would need more memory than it may have.
struct Narrow<R>(R);

impl<R: Read> Read for Narrow<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::OutOfMemory => too_wide(),
            _other => error,
        })
    }
}

fn too_wide() -> io::Error {
    io::Error::other(format!(
        "it refers back over more than {} MiB: pack it with a smaller dictionary, as `xz -9` or `zstd -19` do",
        WINDOW_BYTES_MAX >> 20
    ))
}

fn too_large() -> io::Error {
    io::Error::other(format!("it unpacks to more than {} MiB", UNPACKED_BYTES_MAX >> 20))
}

fn bounded(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    reader.take(UNPACKED_BYTES_MAX as u64 + 1).read_to_end(&mut unpacked)?;
    if unpacked.len() > UNPACKED_BYTES_MAX { Err(too_large()) } else { Ok(unpacked) }
}

/// Blocks, each behind its packed length, without an end mark.
fn lz4_legacy(mut packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    let mut block = vec![0; LZ4_BLOCK_BYTES];
    while let Some((len, rest)) = packed.split_first_chunk::<4>() {
        let len = u32::from_le_bytes(*len) as usize;
        let (bytes, rest) = rest.split_at_checked(len).ok_or(io::ErrorKind::UnexpectedEof)?;
        let written = lz4_flex::block::decompress_into(bytes, &mut block).map_err(io::Error::other)?;
        if unpacked.len() + written > UNPACKED_BYTES_MAX {
            return Err(too_large());
        }
        unpacked.extend_from_slice(&block[..written]);
        packed = rest;
    }
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A packed byte that wants `2 << log2` bytes kept. What says so lies behind the header of the stream, with a checksum.
    fn xz(log2: u8) -> Vec<u8> {
        let options = lzma_rust2::XzOptions::with_preset(0);
        let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
        writer.write_all(b"x").unwrap();
        let mut packed = writer.finish().unwrap();
        const BLOCK: usize = 12;
        let end = BLOCK + (usize::from(packed[BLOCK]) + 1) * 4;
        assert_eq!(packed[BLOCK + 2..BLOCK + 4], [0x21, 1], "the filter is LZMA2");
        packed[BLOCK + 4] = (log2 - 11) * 2;
        let mut sum = flate2::Crc::new();
        sum.update(&packed[BLOCK..end - 4]);
        packed[end - 4..end].copy_from_slice(&sum.sum().to_le_bytes());
        packed
    }

    /// A packed byte that wants `1 << log2` bytes kept.
    fn zstd(log2: u8) -> Vec<u8> {
        const RAW_LAST_BLOCK_OF_ONE: [u8; 3] = [0b1001, 0, 0];
        [&[0x28, 0xb5, 0x2f, 0xfd, 0, (log2 - 10) << 3][..], &RAW_LAST_BLOCK_OF_ONE, b"x"].concat()
    }

    #[test]
    fn what_refers_back_too_far_is_refused_before_memory_is_had() {
        for (packing, packed) in [(Packing::Xz, xz(26)), (Packing::Zstd, zstd(27))] {
            assert_eq!(packing.unpack(&packed).unwrap(), b"x", "{packing:?}");
        }
        for (packing, packed) in [
            (Packing::Xz, xz(27)),
            (Packing::Xz, xz(30)),
            (Packing::Zstd, zstd(28)),
            (Packing::Zstd, zstd(41)),
        ] {
            let why = packing.unpack(&packed).unwrap_err().to_string();
            assert_eq!(
                why,
                "it refers back over more than 128 MiB: pack it with a smaller dictionary, as `xz -9` or `zstd -19` do",
                "{packing:?}"
            );
        }
    }
}
