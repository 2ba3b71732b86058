//! A snapshot: an index of sealed segments and whatever the log's user folded, so that opening reads the tail only. It is
//! never the truth: one that is damaged, unfinished, or does not fit the segments beside it, is left unused and said.
//!
//! ```text
//! 00000000000000004711.snapshot, named by its position
//! header (64)  magic 8 | version u32 | 0 u32 | position u64 | reflects u64 | body bytes u64 | index bytes u64 |
//!              crc of the body u32 | crc of the index u32 | crc of the bytes before u32 | 0 u32
//! body         what the user wrote
//! index        of the segment that holds the position: first record, salt, chain
//!              per sealed segment before it: the same, and last record, end, groups, marks
//! ```
//! The header is written last. The position is the end of a group; all up to `reflects` was on disk before the snapshot
//! got its name.
use super::{
    super::{Keeping, LogFault, Lsn},
    disk::Disk,
    frame::{u32_at, u64_at},
    segment::{self, Extent, Header, Segment, TEMPORARY, take_u64},
};
use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

pub(super) const EXTENSION: &str = "snapshot";
const MAGIC: [u8; 8] = *b"jrnlsnap";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 64;

/// What is written at once.
const CHUNK_BYTES: usize = 256 << 10;

/// A snapshot whose checksums are right.
pub(super) struct Snapshot {
    /// The groups behind this are the tail.
    pub(super) at: Lsn,
    /// A journal that does not reach this far is an older one.
    pub(super) reflects: Lsn,
    bytes: Vec<u8>,
    body_bytes: usize,
}

/// A sealed segment as a snapshot remembers it.
pub(super) struct Remembered {
    pub(super) header: Header,
    pub(super) extent: Extent,
}

/// Returns the snapshots of a directory, newest first.
pub(super) fn list(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<_> = entries.filter(|path| is_snapshot(path)).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found
}

/// Says whether a file is named like a snapshot.
pub(super) fn is_snapshot(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    path.extension().is_some_and(|extension| extension == EXTENSION)
        && stem.is_some_and(|stem| stem.len() == 20 && stem.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The last record that a snapshot reflects, by its header; none of a file that cannot be one.
pub(super) fn reflects(path: &Path) -> Option<Lsn> {
    let mut header = [0; HEADER_BYTES];
    File::open(path).ok()?.read_exact_at(&mut header, 0).ok()?;
    let is_one = header[..8] == MAGIC && crc32c::crc32c(&header[..56]) == u32_at(&header, 56);
    is_one.then(|| Lsn(u64_at(&header, 24).max(u64_at(&header, 16))))
}

impl Snapshot {
    /// Reads and checks a snapshot, or says why it is none.
    pub(super) fn read(path: &Path) -> Result<Snapshot, String> {
        let bytes = fs::read(path).map_err(|error| format!("it cannot be read: {error}"))?;
        let Some(header) = bytes.get(..HEADER_BYTES) else {
            return Err("it ends inside its header".to_owned());
        };
        if header.iter().all(|byte| *byte == 0) {
            return Err("it was not finished".to_owned());
        }
        if header[..8] != MAGIC {
            return Err("it does not begin like one".to_owned());
        }
        if u32_at(header, 8) != VERSION {
            return Err(format!("its format is {}, this version reads {VERSION}", u32_at(header, 8)));
        }
        if crc32c::crc32c(&header[..56]) != u32_at(header, 56) {
            return Err("the checksum of its header is wrong".to_owned());
        }
        let (at, reflects) = (Lsn(u64_at(header, 16)), Lsn(u64_at(header, 24)));
        let (body, index) = (u64_at(header, 32), u64_at(header, 40));
        let whole = (HEADER_BYTES as u64).checked_add(body).and_then(|sum| sum.checked_add(index));
        if whole != Some(bytes.len() as u64) {
            return Err("it is shorter or longer than its header says".to_owned());
        }
        let body_bytes = usize::try_from(body).expect("it was read into memory");
        let crc = [u32_at(header, 48), u32_at(header, 52)];
        let snapshot = Snapshot { at, reflects, bytes, body_bytes };
        if [snapshot.body(), snapshot.index()].map(crc32c::crc32c) != crc {
            return Err("its checksum is wrong".to_owned());
        }
        Ok(snapshot)
    }

    /// What the user wrote.
    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[HEADER_BYTES..][..self.body_bytes]
    }

    fn index(&self) -> &[u8] {
        &self.bytes[HEADER_BYTES + self.body_bytes..]
    }

    /// The segment that held the position, and the sealed ones before it.
    pub(super) fn segments(&self) -> Result<(Header, Vec<Remembered>), String> {
        let mut rest = self.index();
        let open = take_header(&mut rest).ok_or("its index is cut")?;
        let mut segments = Vec::new();
        while !rest.is_empty() {
            let header = take_header(&mut rest).ok_or("its index is cut")?;
            let extent = Extent::decode(&mut rest).ok_or("its index is cut")?;
            segments.push(Remembered { header, extent });
        }
        Ok((open, segments))
    }
}

fn put_header(Header { first, chain, salt }: Header, into: &mut Vec<u8>) {
    let numbers = [first.0, salt, u64::from(chain)];
    numbers.into_iter().for_each(|number| into.extend_from_slice(&number.to_le_bytes()));
}

fn take_header(from: &mut &[u8]) -> Option<Header> {
    let (first, salt) = (Lsn(take_u64(from)?), take_u64(from)?);
    Some(Header { first, chain: u32::try_from(take_u64(from)?).ok()?, salt })
}

/// Writes a snapshot at `at` over segments, of which the last holds `at`, with what `write` writes. `durable` waits until a
/// record is on disk; the snapshot gets its name only then. Older ones go.
pub(super) fn keep(
    disk: &dyn Disk,
    dir: &Path,
    at: Lsn,
    segments: &[Arc<Segment>],
    write: &mut Keeping<'_>,
    durable: impl FnOnce(Lsn) -> Result<(), LogFault>,
) -> Result<u64, LogFault> {
    let path = dir.join(format!("{:020}.{EXTENSION}", at.0));
    let temporary = path.with_added_extension(TEMPORARY);
    let file = disk.create(&temporary).map_err(LogFault::io("create", &temporary))?;
    let written = fill(disk, &file, &temporary, at, segments, write);
    let (reflects, bytes) = written.map_err(LogFault::io("write", &temporary))?;
    disk.sync(&file, &temporary).map_err(LogFault::io("sync", &temporary))?;
    durable(reflects)?;
    disk.rename(&temporary, &path).map_err(LogFault::io("rename", &temporary))?;
    disk.sync_dir(dir).map_err(LogFault::io("sync", dir))?;
    for older in list(dir).into_iter().filter(|older| *older != path) {
        disk.remove(&older).map_err(LogFault::io("remove", &older))?;
    }
    Ok(bytes)
}

fn fill(
    disk: &dyn Disk,
    file: &File,
    path: &Path,
    at: Lsn,
    segments: &[Arc<Segment>],
    write: &mut Keeping<'_>,
) -> io::Result<(Lsn, u64)> {
    let mut sink = Sink { disk, file, path, at: HEADER_BYTES as u64, chunk: Vec::new(), crc: 0 };
    let reflects = write(&mut sink)?.max(at);
    let (body_crc, body_end) = sink.turn()?;
    let (open, sealed) = segments.split_last().expect("a durable record lies in a segment");
    let mut bytes = Vec::new();
    put_header(open.header, &mut bytes);
    for segment in sealed {
        put_header(segment.header, &mut bytes);
        segment.reached().encode(&mut bytes);
    }
    sink.write_all(&bytes)?;
    let (index_crc, index_end) = sink.turn()?;
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    let numbers = [at.0, reflects.0, body_end - HEADER_BYTES as u64, index_end - body_end];
    for (n, number) in numbers.into_iter().enumerate() {
        header[16 + n * 8..][..8].copy_from_slice(&number.to_le_bytes());
    }
    header[48..52].copy_from_slice(&body_crc.to_le_bytes());
    header[52..56].copy_from_slice(&index_crc.to_le_bytes());
    let crc = crc32c::crc32c(&header[..56]);
    header[56..60].copy_from_slice(&crc.to_le_bytes());
    disk.write(file, path, &header, 0)?;
    Ok((reflects, index_end))
}

/// Writes behind the header, in chunks, and sums up.
struct Sink<'a> {
    disk: &'a dyn Disk,
    file: &'a File,
    path: &'a Path,
    at: u64,
    chunk: Vec<u8>,
    crc: u32,
}

impl Sink<'_> {
    /// Ends a part: returns its checksum and where it ends.
    fn turn(&mut self) -> io::Result<(u32, u64)> {
        self.flush()?;
        Ok((std::mem::take(&mut self.crc), self.at))
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.crc = crc32c::crc32c_append(self.crc, &self.chunk);
        self.disk.write(self.file, self.path, &self.chunk, self.at)?;
        self.at += self.chunk.len() as u64;
        self.chunk.clear();
        Ok(())
    }
}

/// Returns a segment that lies in `dir` as it is remembered, without reading its frames. A sealed one has an `end`.
pub(super) fn find(dir: &Path, header: Header, end: Option<u64>) -> Result<PathBuf, String> {
    let path = dir.join(segment::name(header.first));
    let looked = File::open(&path).and_then(|file| {
        let mut bytes = [0; segment::HEADER_BYTES];
        let length = file.metadata()?.len();
        file.read_exact_at(&mut bytes, 0)?;
        Ok((length, bytes))
    });
    let name = path.display();
    let (length, bytes) = looked.map_err(|error| format!("{name} cannot be read: {error}"))?;
    if Header::decode(&bytes, &path).ok() != Some(header) {
        return Err(format!("{name} is not the segment that it was taken of: it may be of another journal"));
    }
    match end.filter(|end| *end != length) {
        Some(end) => Err(format!("{name} has {length} bytes, not {end}")),
        None => Ok(path),
    }
}
