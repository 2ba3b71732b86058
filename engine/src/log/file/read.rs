//! Reads what is durable: one record by its address, or groups one behind the other. Every byte is checked on its way.
use super::{
    super::{Flow, Group, LogFault, Lsn, Shelf},
    frame::{self, Flaw, HEADER_BYTES},
    frames::{Found, Frames},
    map::Map,
    part::flawed,
    segment::Segment,
    stretch::Stretch,
};
use std::{fs::File, os::unix::fs::FileExt, path::Path, sync::Arc};

/// Reads the record at `lsn`, which is durable or was never there: `None`.
pub(super) fn record(map: &Map, lsn: Lsn) -> Result<Option<Vec<u8>>, LogFault> {
    let Some((_, files)) = map.open_holding(lsn, None)? else { return Ok(None) };
    for (segment, file) in files {
        if let Some(body) = record_in(&segment, &file, lsn)? {
            return Ok(Some(body));
        }
    }
    Err(LogFault::Gone(lsn))
}

fn record_in(segment: &Segment, file: &Arc<File>, lsn: Lsn) -> Result<Option<Vec<u8>>, LogFault> {
    let mut frames = Frames::of(Arc::clone(file), segment).peeking();
    frames.go(segment.seek(lsn));
    while frames.left() > 0 {
        let at = frames.at;
        let header = frames.skip()?.map_err(|flaw| flawed(segment, at, lsn, &flaw))?;
        if header.first > lsn {
            return Ok(None);
        }
        if header.last() >= lsn {
            let body = body(file, &segment.path, &header, at, lsn)?;
            return body.map(Some).map_err(|flaw| flawed(segment, at, lsn, &flaw));
        }
    }
    Ok(None)
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

/// Walks over the durable groups, from stretch to stretch, and can be asked again when there are more.
pub(super) struct Cursor {
    map: Arc<Map>,
    here: Option<Here>,
    /// The next record that is wanted.
    next: Lsn,
    /// Of what was compacted, only what is on this shelf.
    shelf: Option<Shelf>,
    group: Group,
}

/// A stretch that is being read. Its files stay open, so what becomes of their names does not matter.
struct Here {
    stretch: Arc<Stretch>,
    files: Vec<(Arc<Segment>, Frames)>,
}

impl Cursor {
    pub(super) fn new(map: Arc<Map>, from: Lsn) -> Cursor {
        let group = Group { first: Lsn::START, records: Vec::new() };
        Cursor { map, here: None, next: from.max(Lsn(1)), shelf: None, group }
    }

    /// Passes over what is not on this shelf, where that is known.
    pub(super) fn on(self, shelf: Shelf) -> Cursor {
        Cursor { shelf: Some(shelf), ..self }
    }

    /// The last record that was passed on.
    pub(super) fn passed(&self) -> Lsn {
        Lsn(self.next.0 - 1)
    }

    /// Passes on what is durable now, as far as `upto`.
    pub(super) fn pass(&mut self, upto: Lsn, each: &mut dyn FnMut(&Group) -> Flow) -> Result<Flow, LogFault> {
        while self.next <= upto {
            if self.step(upto)? && each(&self.group) == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    /// Reads a group; false when there was none, or one from before what is wanted, or behind `upto`.
    fn step(&mut self, upto: Lsn) -> Result<bool, LogFault> {
        let here = match &mut self.here {
            Some(here) => here,
            None => self.here.insert(begin(&self.map, self.next, self.shelf)?),
        };
        let Some(at) = here.nearest()? else {
            if here.stretch.is_compacted() {
                self.next = self.next.max(Lsn(here.stretch.last().0 + 1));
            } else if here.stretch.last() >= self.next
                && let Some((segment, frames)) = here.files.first()
            {
                // Whoever said that it holds the record (a snapshot does) was wrong: looking again would find the same.
                return Err(flawed(segment, frames.at, self.next, &Flaw::NoFrame));
            }
            self.here = None;
            return Ok(false);
        };
        let (segment, frames) = &mut here.files[at];
        match frames.next(&mut self.group)? {
            Found::Frame(header, _) if header.first > upto => {
                // It was compacted beside a reader, with what came after the reader opened the journal.
                (self.here, self.next) = (None, header.first);
                Ok(false)
            }
            Found::Frame(header, _) => {
                let wanted = header.last() >= self.next;
                self.next = self.next.max(Lsn(header.last().0 + 1));
                Ok(wanted)
            }
            Found::End => Ok(false),
            Found::Flaw(flaw) => Err(flawed(segment, frames.at, frames.next, &flaw)),
        }
    }
}

impl Here {
    /// The file with the next frame, if there is one.
    fn nearest(&mut self) -> Result<Option<usize>, LogFault> {
        let mut nearest = None;
        for (n, (segment, frames)) in self.files.iter_mut().enumerate() {
            frames.extend(segment.end());
            if let Some(first) = frames.first()?
                && nearest.is_none_or(|(_, before)| first < before)
            {
                nearest = Some((n, first));
            }
        }
        Ok(nearest.map(|(n, _)| n))
    }
}

fn begin(map: &Map, lsn: Lsn, shelf: Option<Shelf>) -> Result<Here, LogFault> {
    let opened = map.open_holding(lsn, shelf)?;
    let (stretch, files) = opened.expect("the map is extended before a record counts as durable");
    let frames = |(segment, file): (Arc<Segment>, Arc<File>)| {
        let mut frames = Frames::of(file, &segment);
        frames.go(segment.seek(lsn));
        (segment, frames)
    };
    Ok(Here { stretch, files: files.into_iter().map(frames).collect() })
}
