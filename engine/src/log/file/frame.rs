//! The layout of a frame: one frame is one group, and either all of it is valid or none. Pure; it touches no file.
//!
//! ```text
//! header (36)  magic u32 | length of the payload u32 | records u32 | crc of the table u32
//!              first record u64 | synced u64 | crc of this header, the segment's salt and the frame's place u32
//! payload      table: per record length u32, crc u32 | the bodies, one behind the other
//! ```
//! All numbers are little-endian, all checksums crc32c. The header vouches for the table, the table for each body, so
//! each byte is summed once, and one record can be checked without its group.
//!
//! `synced` is what makes damage provable: all up to that record was on disk *before* this frame was written. Frames
//! that share one write have the same `synced`; a power cut may keep the later and lose the earlier of them, and that
//! is no damage. The salt and the place are in the checksum but not in the frame: bytes of another segment, of another
//! life of the disk's block, or a copy of the journal inside a record cannot look like a frame.
use super::super::{Bodies, Group, LogFault, Lsn, bodies::ENTRY_BYTES};

/// The largest group: as much as a segment. Bodies over 1 MiB live outside the journal, so this is some sixty of the
/// largest; and it bounds what a reader holds in memory.
pub const GROUP_BYTES_MAX: usize = 64 << 20;

pub(super) const HEADER_BYTES: usize = 36;
const MAGIC: u32 = u32::from_le_bytes(*b"GRP\x01");

/// Where a frame lies: part of its checksum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) salt: u64,
    pub(super) at: u64,
}

/// A header whose checksum was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) payload: u32,
    pub(super) records: u32,
    pub(super) table: u32,
    pub(super) first: Lsn,
    pub(super) synced: Lsn,
    pub(super) crc: u32,
}

/// Why bytes are not the frame that is expected there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    #[error("there is no frame")]
    NoFrame,
    #[error("the file ends inside a frame")]
    Cut,
    #[error("the checksum of the frame's header is wrong")]
    Header,
    #[error("the frame's table is wrong")]
    Table,
    #[error("the checksum of record {} is wrong", .0.0)]
    Record(Lsn),
    #[error("the frame begins with record {} where {} should follow", found.0, expected.0)]
    Order { found: Lsn, expected: Lsn },
}

impl Header {
    pub(super) fn last(&self) -> Lsn {
        Lsn(self.first.0 + u64::from(self.records) - 1)
    }

    /// The bytes of the frame, header included.
    pub(super) fn size(&self) -> usize {
        HEADER_BYTES + self.payload as usize
    }

    /// The bytes of the table.
    pub(super) fn table_bytes(&self) -> usize {
        self.records as usize * ENTRY_BYTES
    }
}

/// A group on its way into the queue: the header, of which [`stamp`] completes what only the writer knows, and the table
/// and the bodies where they are, so that they are copied once.
pub(super) struct Draft<'a> {
    head: [u8; HEADER_BYTES],
    group: &'a Bodies,
}

/// Drafts a group.
///
/// # Errors
/// When it is too large.
pub(super) fn draft(group: &Bodies) -> Result<Draft<'_>, LogFault> {
    let (table, bodies) = group.parts();
    let payload = table.len() + bodies.len();
    if HEADER_BYTES + payload > GROUP_BYTES_MAX {
        return Err(LogFault::TooLarge { bytes: HEADER_BYTES + payload, max: GROUP_BYTES_MAX });
    }
    let mut head = [0; HEADER_BYTES];
    put_u32(&mut head, 0, MAGIC);
    put_u32(&mut head, 4, payload as u32);
    put_u32(&mut head, 8, group.len() as u32);
    put_u32(&mut head, 12, crc32c::crc32c(table));
    Ok(Draft { head, group })
}

impl Draft<'_> {
    /// The bytes of the frame.
    pub(super) fn size(&self) -> usize {
        drafted_size(&self.head)
    }

    /// How many records the group has.
    pub(super) fn records(&self) -> usize {
        self.group.len()
    }

    /// Writes the frame behind others.
    pub(super) fn put(&self, frames: &mut Vec<u8>) {
        let (table, bodies) = self.group.parts();
        frames.reserve(self.size());
        frames.extend_from_slice(&self.head);
        frames.extend_from_slice(table);
        frames.extend_from_slice(bodies);
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut frame = Vec::new();
        self.put(&mut frame);
        frame
    }
}

/// Returns the size of the drafted frame that `frames` begins with.
pub(super) fn drafted_size(frames: &[u8]) -> usize {
    HEADER_BYTES + u32_at(frames, 4) as usize
}

/// Completes the drafted frame that `frames` begins with.
pub(super) fn stamp(frames: &mut [u8], first: Lsn, synced: Lsn, place: Place) -> Header {
    frames[16..24].copy_from_slice(&first.0.to_le_bytes());
    frames[24..32].copy_from_slice(&synced.0.to_le_bytes());
    let crc = header_crc(frames, place);
    put_u32(frames, 32, crc);
    fields(frames)
}

/// Reads a header.
pub(super) fn header(bytes: &[u8], place: Place) -> Result<Header, Flaw> {
    if bytes.len() < HEADER_BYTES {
        return Err(Flaw::Cut);
    }
    if u32_at(bytes, 0) != MAGIC {
        return Err(Flaw::NoFrame);
    }
    let header = fields(bytes);
    let sane =
        header.records > 0 && header.table_bytes() <= header.payload as usize && header.synced < header.first;
    if header.crc != header_crc(bytes, place) || !sane {
        return Err(Flaw::Header);
    }
    Ok(header)
}

/// Checks a payload and puts its records into `group`, whose memory is used again.
pub(super) fn unpack(header: &Header, payload: &[u8], group: &mut Group) -> Result<(), Flaw> {
    let (table, mut bodies) = payload.split_at(header.table_bytes());
    if crc32c::crc32c(table) != header.table {
        return Err(Flaw::Table);
    }
    group.first = header.first;
    group.records.resize_with(header.records as usize, Vec::new);
    for (n, (entry, record)) in table.chunks_exact(ENTRY_BYTES).zip(&mut group.records).enumerate() {
        let (body, rest) = bodies.split_at_checked(u32_at(entry, 0) as usize).ok_or(Flaw::Table)?;
        if crc32c::crc32c(body) != u32_at(entry, 4) {
            return Err(Flaw::Record(Lsn(header.first.0 + n as u64)));
        }
        record.clear();
        record.extend_from_slice(body);
        bodies = rest;
    }
    if bodies.is_empty() { Ok(()) } else { Err(Flaw::Table) }
}

/// Where one record lies in the payload, and its checksum.
pub(super) struct Spot {
    pub(super) at: usize,
    pub(super) length: usize,
    crc: u32,
}

/// Finds the `n`th record by the table.
pub(super) fn spot(header: &Header, table: &[u8], n: usize) -> Result<Spot, Flaw> {
    if crc32c::crc32c(table) != header.table {
        return Err(Flaw::Table);
    }
    let lengths =
        |entries: &[u8]| entries.chunks_exact(ENTRY_BYTES).map(|entry| u32_at(entry, 0) as usize).sum();
    let (before, entry) = table.split_at(n * ENTRY_BYTES);
    let before: usize = lengths(before);
    let spot = Spot { at: table.len() + before, length: u32_at(entry, 0) as usize, crc: u32_at(entry, 4) };
    if spot.at + spot.length > header.payload as usize { Err(Flaw::Table) } else { Ok(spot) }
}

impl Spot {
    pub(super) fn holds(&self, body: &[u8]) -> bool {
        crc32c::crc32c(body) == self.crc
    }
}

/// Returns the first place in `bytes` where a frame may begin.
pub(super) fn find_magic(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == MAGIC.to_le_bytes())
}

fn fields(bytes: &[u8]) -> Header {
    Header {
        payload: u32_at(bytes, 4),
        records: u32_at(bytes, 8),
        table: u32_at(bytes, 12),
        first: Lsn(u64_at(bytes, 16)),
        synced: Lsn(u64_at(bytes, 24)),
        crc: u32_at(bytes, 32),
    }
}

fn header_crc(bytes: &[u8], place: Place) -> u32 {
    let mut summed = [0; 48];
    summed[..32].copy_from_slice(&bytes[..32]);
    summed[32..40].copy_from_slice(&place.salt.to_le_bytes());
    summed[40..].copy_from_slice(&place.at.to_le_bytes());
    crc32c::crc32c(&summed)
}

fn put_u32(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes were cut out"))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were cut out"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Place = Place { salt: 7, at: 48 };

    fn frame() -> (Vec<u8>, Vec<Vec<u8>>) {
        let records = vec![b"first".to_vec(), Vec::new(), b"third".to_vec()];
        let mut frame = draft(&records.clone().into()).unwrap().bytes();
        stamp(&mut frame, Lsn(9), Lsn(8), HERE);
        (frame, records)
    }

    fn decode(frame: &[u8], place: Place) -> Result<Group, Flaw> {
        let mut group = Group { first: Lsn::START, records: vec![b"left over".to_vec(); 5] };
        let header = header(frame, place)?;
        let payload = frame.get(HEADER_BYTES..header.size()).ok_or(Flaw::Cut)?;
        unpack(&header, payload, &mut group)?;
        Ok(group)
    }

    #[test]
    fn a_frame_comes_back_whole_and_record_by_record() {
        let (frame, records) = frame();
        assert_eq!(drafted_size(&frame), frame.len());
        assert_eq!(decode(&frame, HERE).unwrap(), Group { first: Lsn(9), records: records.clone() });
        let header = header(&frame, HERE).unwrap();
        let payload = &frame[HEADER_BYTES..];
        for (n, body) in records.iter().enumerate() {
            let spot = spot(&header, &payload[..header.table_bytes()], n).unwrap();
            assert!(spot.holds(body) && payload[spot.at..][..spot.length] == **body);
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let (frame, _) = frame();
        for bit in 0..frame.len() * 8 {
            let mut flipped = frame.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            decode(&flipped, HERE).expect_err("one bit is wrong");
        }
        for length in 0..frame.len() {
            assert_eq!(decode(&frame[..length], HERE), Err(Flaw::Cut));
        }
    }

    #[test]
    fn a_frame_is_valid_in_its_place_only() {
        let (frame, _) = frame();
        assert_eq!(decode(&frame, Place { salt: 8, ..HERE }), Err(Flaw::Header));
        assert_eq!(decode(&frame, Place { at: 49, ..HERE }), Err(Flaw::Header));
        assert_eq!(decode(&[0; 64], HERE), Err(Flaw::NoFrame));
    }

    #[test]
    fn a_group_that_is_too_large_is_refused() {
        let body = GROUP_BYTES_MAX - HEADER_BYTES - ENTRY_BYTES;
        assert_eq!(draft(&vec![vec![0; body]].into()).unwrap().size(), GROUP_BYTES_MAX);
        assert!(matches!(draft(&vec![vec![0; body + 1]].into()), Err(LogFault::TooLarge { .. })));
    }
}
