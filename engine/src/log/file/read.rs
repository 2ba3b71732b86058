//! Reads what is durable: one record by its address, or groups one behind the other. Every byte is checked on its way.
use super::{
    super::{Flow, Group, LogFault, Lsn},
    frame::{self, Flaw, HEADER_BYTES},
    frames::{Found, Frames},
    map::Map,
    segment::Segment,
};
use std::{fs::File, os::unix::fs::FileExt, path::Path, sync::Arc};

/// Reads the record at `lsn`; `None` when it is not durable.
pub(super) fn record(map: &Map, lsn: Lsn) -> Result<Option<Vec<u8>>, LogFault> {
    let Some(segment) = map.find(lsn) else { return Ok(None) };
    let file = map.open(&segment)?;
    let mut frames = Frames::peeking(Arc::clone(&file), &segment.path, &segment.header, segment.end());
    frames.go(segment.seek(lsn));
    loop {
        let at = frames.at;
        let header = frames.skip()?.map_err(|flaw| rotten(&segment.path, at, lsn, &flaw))?;
        if header.last() >= lsn {
            let body = body(&file, &segment.path, &header, at, lsn)?;
            return body.map(Some).map_err(|flaw| rotten(&segment.path, at, lsn, &flaw));
        }
    }
}

fn body(
    file: &File,
    path: &Path,
    header: &frame::Header,
    at: u64,
    lsn: Lsn,
) -> Result<Result<Vec<u8>, Flaw>, LogFault> {
    let payload = at + HEADER_BYTES as u64;
    let mut table = vec![0; header.table_bytes()];
    file.read_exact_at(&mut table, payload).map_err(LogFault::io("read", path))?;
    let spot = match frame::spot(header, &table, (lsn.0 - header.first.0) as usize) {
        Ok(spot) => spot,
        Err(flaw) => return Ok(Err(flaw)),
    };
    let mut body = vec![0; spot.length];
    file.read_exact_at(&mut body, payload + spot.at as u64).map_err(LogFault::io("read", path))?;
    Ok(if spot.holds(&body) { Ok(body) } else { Err(Flaw::Record(lsn)) })
}

fn rotten(file: &Path, byte: u64, lsn: Lsn, flaw: &Flaw) -> LogFault {
    let what = format!("{flaw}, but record {} was read or written here before", lsn.0);
    LogFault::Damaged { file: file.to_owned(), byte, what }
}

/// Walks over the durable groups, from segment to segment, and can be asked again when there are more.
pub(super) struct Cursor {
    map: Arc<Map>,
    here: Option<(Arc<Segment>, Frames)>,
    /// The next record that is wanted.
    next: Lsn,
    group: Group,
}

impl Cursor {
    pub(super) fn new(map: Arc<Map>, from: Lsn) -> Cursor {
        let group = Group { first: Lsn::START, records: Vec::new() };
        Cursor { map, here: None, next: from.max(Lsn(1)), group }
    }

    /// The last record that was passed on.
    pub(super) fn passed(&self) -> Lsn {
        Lsn(self.next.0 - 1)
    }

    /// Passes on what is durable now, as far as `upto`.
    pub(super) fn pass(&mut self, upto: Lsn, each: &mut dyn FnMut(&Group) -> Flow) -> Result<Flow, LogFault> {
        while self.next <= upto {
            if self.step()? && each(&self.group) == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    /// Reads a group; false when there was none, or one from before what is wanted.
    fn step(&mut self) -> Result<bool, LogFault> {
        let (segment, frames) = match &mut self.here {
            Some(here) => here,
            None => self.here.insert(begin(&self.map, self.next)?),
        };
        frames.extend(segment.end());
        match frames.next(&mut self.group)? {
            Found::Frame(header, _) => {
                let wanted = header.last() >= self.next;
                self.next = self.next.max(Lsn(header.last().0 + 1));
                Ok(wanted)
            }
            Found::End => {
                self.here = None;
                Ok(false)
            }
            Found::Flaw(flaw) => Err(rotten(&segment.path, frames.at, frames.next, &flaw)),
        }
    }
}

fn begin(map: &Map, lsn: Lsn) -> Result<(Arc<Segment>, Frames), LogFault> {
    let segment = map.find(lsn).expect("the map is extended before a record counts as durable");
    let file = map.open(&segment)?;
    let mut frames = Frames::new(file, &segment.path, &segment.header, segment.end());
    frames.go(segment.seek(lsn));
    Ok((segment, frames))
}
