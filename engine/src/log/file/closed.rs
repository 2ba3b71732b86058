//! The mark of a clean close: "all up to record N was on disk". It closes the gap that frames leave: behind the last
//! one there is nothing that could prove that it was there.
//!
//! It is true for ever, so nobody has to remove it; a later close writes a later one. One that cannot be read says
//! nothing.
use super::{
    super::{LogFault, Lsn},
    disk::Disk,
    frame::{u32_at, u64_at},
    segment::TEMPORARY,
};
use std::{fs, path::Path};

pub(super) const FILE: &str = "closed";
const MAGIC: [u8; 8] = *b"jrnl end";
const BYTES: usize = 20;

pub(super) fn write(disk: &dyn Disk, dir: &Path, last: Lsn) -> Result<(), LogFault> {
    let path = dir.join(FILE);
    let temporary = path.with_added_extension(TEMPORARY);
    let file = disk.create(&temporary).map_err(LogFault::io("create", &temporary))?;
    disk.write(&file, &temporary, &encode(last), 0).map_err(LogFault::io("write", &temporary))?;
    disk.sync(&file, &temporary).map_err(LogFault::io("sync", &temporary))?;
    disk.rename(&temporary, &path).map_err(LogFault::io("rename", &temporary))?;
    disk.sync_dir(dir).map_err(LogFault::io("sync", dir))
}

/// Returns what was on disk when the journal was last closed, if that is known.
pub(super) fn read(dir: &Path) -> Lsn {
    fs::read(dir.join(FILE)).ok().and_then(|bytes| decode(&bytes)).unwrap_or(Lsn::START)
}

fn encode(last: Lsn) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&last.0.to_le_bytes());
    let crc = crc32c::crc32c(&bytes[..16]);
    bytes[16..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Lsn> {
    let right =
        bytes.len() == BYTES && bytes[..8] == MAGIC && crc32c::crc32c(&bytes[..16]) == u32_at(bytes, 16);
    right.then(|| Lsn(u64_at(bytes, 8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_that_was_touched_says_nothing() {
        let bytes = encode(Lsn(77));
        assert_eq!(decode(&bytes), Some(Lsn(77)));
        for bit in 0..BYTES * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&flipped), None);
        }
        assert_eq!(decode(b"jrnl end"), None);
    }
}
