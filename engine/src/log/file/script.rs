//! A journal made by a script of bytes, damaged as the script says, and opened: for a fuzzer. What is read must be what was
//! written, as far as something proves that it was on disk, or an error; and whoever owns it then must be able to go on.
//!
//! ```text
//! how u8       1: it was closed · 2: an owner opens it after the readers
//! frames       0..=0x7f: bits 0-1 more records, bit 2 begins a write (all before it is synced); per record: length u8, fill u8
//! damage       0x80..: bits 0-2 what, at u16: flip a bit · cut · zero a sector · overwrite by script · sum up anew
//! ```
use super::{
    super::{Each, Group, Log, LogFault, Lsn},
    FileLog, Mode, Options, closed,
    disk::Disk,
    frame::{self, Place},
    segment,
};
use std::{
    fs::{self, File},
    io,
    path::Path,
    sync::Arc,
};

/// Fewer bits than this cannot go unnoticed by the checksums, wherever they are.
const FLIPS_MAX: usize = 3;
/// Longer journals say nothing new.
const FRAMES_MAX: usize = 64;
const SECTOR_BYTES: usize = 512;
const SALT: u64 = 0x5a17;

/// Changes files and syncs nothing: nobody pulls the plug here.
pub(super) struct Unsynced;

impl Disk for Unsynced {
    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn sync(&self, _: &File, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// A segment as it was written, and as it is now.
struct Written {
    bytes: Vec<u8>,
    groups: Vec<Group>,
    /// Per frame where it lies, and its header.
    heads: Vec<(usize, Vec<u8>)>,
    synced: Lsn,
    flips: usize,
    is_damaged: bool,
    /// Whether its bytes were chosen with the checksums in mind: then anything may be read, and nothing may break.
    is_forged: bool,
}

/// Plays the script in the directory, which is emptied first.
///
/// # Panics
/// When something else is read than was written, or less than is proved, or the journal cannot be gone on with.
pub(crate) fn play(dir: &Path, script: &[u8]) {
    let Some((how, mut rest)) = script.split_first() else { return };
    let mut written = Written::nothing();
    while written.frame(&mut rest).is_some() {}
    while written.damage(&mut rest).is_some() {}
    empty(dir).expect("the directory is the fuzzer's");
    fs::write(dir.join(segment::name(Lsn(1))), &written.bytes).expect("the directory is the fuzzer's");
    let is_closed = how & 1 != 0;
    if is_closed {
        closed::write(&Unsynced, dir, written.last()).expect("the directory is the fuzzer's");
    }
    let read = read(dir);
    written.judge(&read, is_closed);
    if how & 2 != 0 {
        goes_on(dir, read);
    }
}

pub(super) fn empty(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}

/// All groups that a reader finds, looked at in each way there is.
fn read(dir: &Path) -> Result<Vec<Group>, LogFault> {
    let mut groups = Vec::new();
    let mut each = |group: &Group| {
        groups.push(group.clone());
        Ok::<_, LogFault>(())
    };
    let (log, _) = FileLog::open_on(
        Arc::new(Unsynced),
        dir,
        Mode::Reader,
        Options::default(),
        &mut Each::new(&mut each),
    )?;
    for group in &groups {
        for (lsn, record) in (group.first.0..).zip(&group.records) {
            assert_eq!(&log.read(Lsn(lsn))?, record, "record {lsn} read alone is another one");
        }
    }
    Ok(groups)
}

/// Opens the journal as its owner and writes on; a refusal must be what the reader heard.
fn goes_on(dir: &Path, before: Result<Vec<Group>, LogFault>) {
    // Without room that is made ahead: a journal of a few hundred bytes needs none.
    let options = Options { room_bytes: 0, ..Options::default() };
    let each = &mut |_: &Group| Ok::<_, LogFault>(());
    let opened = FileLog::open_on(Arc::new(Unsynced), dir, Mode::Owner, options, &mut Each::new(each));
    let (Ok((log, _)), Ok(mut groups)) = (opened.as_ref(), before.as_ref().cloned()) else {
        assert_eq!(opened.is_ok(), before.is_ok(), "the owner and the reader disagree: {before:?}");
        return;
    };
    let last = log.append(vec![b"behind".to_vec()]).expect("the log is open");
    log.close();
    assert!(log.durable_lsn() >= last, "it was written when the log was closed");
    groups.push(Group { first: last, records: vec![b"behind".to_vec()] });
    assert_eq!(read(dir).expect("it was closed"), groups, "what was there, and what was written behind it");
}

/// Gives a frame, of which the header is there, the right checksums for what it says now.
pub(super) fn sum_up(frame: &mut [u8], place: Place) {
    let records = frame::u32_at(frame, 8) as usize;
    if let Some(table) = frame.get(frame::HEADER_BYTES..).and_then(|rest| rest.get(..records.checked_mul(8)?))
    {
        let crc = crc32c::crc32c(table);
        frame[12..16].copy_from_slice(&crc.to_le_bytes());
    }
    let (first, synced) = (Lsn(frame::u64_at(frame, 16)), Lsn(frame::u64_at(frame, 24)));
    frame::stamp(frame, first, synced, place);
}

impl Written {
    fn nothing() -> Written {
        let header = segment::Header { first: Lsn(1), chain: 0, salt: SALT };
        Written {
            bytes: header.encode().to_vec(),
            groups: Vec::new(),
            heads: Vec::new(),
            synced: Lsn::START,
            flips: 0,
            is_damaged: false,
            is_forged: false,
        }
    }

    fn last(&self) -> Lsn {
        self.groups.last().map_or(Lsn::START, Group::last)
    }

    /// Writes the next frame of the script; none where the frames end.
    fn frame(&mut self, script: &mut &[u8]) -> Option<()> {
        let (kind, mut rest) = script.split_first().filter(|(kind, _)| **kind < 0x80)?;
        if self.groups.len() == FRAMES_MAX {
            return None;
        }
        let mut records = Vec::new();
        for _ in 0..=kind & 3 {
            let ([length, fill], behind) = rest.split_first_chunk()?;
            records.push(vec![*fill; usize::from(*length)]);
            rest = behind;
        }
        *script = rest;
        if kind & 4 != 0 {
            self.synced = self.last();
        }
        let (first, at) = (Lsn(self.last().0 + 1), self.bytes.len());
        let bodies = records.clone().into();
        frame::draft(&bodies).expect("it is small").put(&mut self.bytes);
        let place = Place { salt: SALT, at: at as u64 };
        frame::stamp(&mut self.bytes[at..], first, self.synced, place);
        self.heads.push((at, self.bytes[at..][..frame::HEADER_BYTES].to_vec()));
        self.groups.push(Group { first, records });
        Some(())
    }

    /// Does the next damage of the script; none where it ends.
    fn damage(&mut self, script: &mut &[u8]) -> Option<()> {
        let ([kind, low, high], rest) = script.split_first_chunk()?;
        *script = rest;
        self.is_damaged = true;
        let at = usize::from(u16::from_le_bytes([*low, *high])) % self.bytes.len().max(1);
        match kind & 7 {
            0..=2 => {
                let byte = self.bytes.get_mut(at).filter(|_| self.flips < FLIPS_MAX)?;
                *byte ^= 1 << (kind >> 3 & 7);
                self.flips += 1;
            }
            3 => self.bytes.truncate(at),
            4 => {
                let from = at - at % SECTOR_BYTES;
                let end = (from + SECTOR_BYTES).min(self.bytes.len());
                self.bytes[from..end].fill(0);
            }
            5 => {
                let length = usize::from(kind >> 3 & 15).min(rest.len()).min(self.bytes.len() - at);
                let (chosen, behind) = rest.split_at(length);
                self.bytes[at..at + length].copy_from_slice(chosen);
                *script = behind;
                self.is_forged = true;
            }
            _ => self.sum_up(usize::from(*low)),
        }
        Some(())
    }

    /// Gives the frame that was the `n`th the right checksums for what it says now.
    fn sum_up(&mut self, n: usize) {
        let Some((at, _)) = self.heads.get(n % self.heads.len().max(1)) else { return };
        let Some(frame) = self.bytes.get_mut(*at..).filter(|it| it.len() >= frame::HEADER_BYTES) else {
            return;
        };
        sum_up(frame, Place { salt: SALT, at: *at as u64 });
        self.is_forged = true;
    }

    /// What a later frame proves to have been on disk: its header is enough, whatever became of its records.
    fn proved(&self) -> Lsn {
        let is_whole = |at: usize, head: &[u8]| self.bytes.get(at..at + head.len()) == Some(head);
        let whole = self.heads.iter().filter(|(at, head)| is_whole(*at, head));
        whole.map(|(_, head)| Lsn(frame::u64_at(head, 24))).max().unwrap_or(Lsn::START)
    }

    fn judge(&self, read: &Result<Vec<Group>, LogFault>, is_closed: bool) {
        match read {
            Err(LogFault::Damaged { .. } | LogFault::Foreign { .. }) => {
                assert!(self.is_damaged, "nothing was done to it: {read:?}");
            }
            Err(other) => panic!("the disk works: {other}"),
            Ok(_) if self.is_forged => {}
            Ok(groups) => {
                assert!(self.groups.starts_with(groups), "{groups:?} were never written");
                let last = groups.last().map_or(Lsn::START, Group::last);
                let known = if is_closed { self.last() } else { self.proved() };
                assert!(last >= known, "record {} is lost, and {} was on disk", last.0 + 1, known.0);
            }
        }
    }
}
