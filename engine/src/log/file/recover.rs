//! Reads a journal from its first byte to its last and says what is there: whole, with a torn tail, or damaged. It
//! changes nothing; for the owner, `mend` does.
//!
//! A bad spot is damage when something proves that the record there was once on disk: a later frame that was written
//! after it was synced, a later segment, or the mark of a clean close. With no such proof it is the end of a write that
//! nobody was ever told of.
use super::{
    super::{Fold, Group, LogFault, Lsn, Unused},
    Mode, closed,
    frame::Flaw,
    frames::{Found, Frames},
    segment::{self, Extent, Header, Segment},
    snapshot::{self, Snapshot},
};
use rustix::io::Errno;
use std::{
    fmt::Display,
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A reader beside an owner that cuts a torn tail and writes on may read half of the one and half of the other, so what
/// looks like damage is looked at again.
const LOOKS_MAX: usize = 3;

/// What a journal consists of.
pub(super) struct Recovered {
    pub(super) segments: Vec<Arc<Segment>>,
    pub(super) last: Lsn,
    pub(super) groups: u64,
    /// The chain up to the end.
    pub(super) chain: u32,
    /// From here to the end of the last segment, nothing proves that it is on disk and not only in memory.
    pub(super) unproven: u64,
    /// What was written behind the last valid frame: nothing in a whole journal.
    pub(super) torn_bytes: u64,
    /// All that lies there: zeroes are room that was made for more.
    pub(super) surplus_bytes: u64,
    /// The last file, when it has no whole header.
    pub(super) stub: Option<PathBuf>,
    /// The record up to which all was on disk when the journal was last closed.
    pub(super) closed: Lsn,
    /// The position of the snapshot that was used.
    pub(super) snapshot: Option<Lsn>,
    /// Snapshots that were not.
    pub(super) unused: Vec<Unused>,
    /// The bytes of the groups behind the snapshot.
    pub(super) tail_bytes: u64,
}

/// Reads the journal in `dir` into `fold`: the newest snapshot that fits and the groups behind it, or every group.
pub(super) fn recover<E: From<LogFault> + Display>(
    dir: &Path,
    mode: Mode,
    fold: &mut dyn Fold<E>,
) -> Result<Recovered, E> {
    // Before the files: a journal beside us grows, so it is never shorter than the mark that was read before.
    let closed = closed::read(dir);
    let mut unused = Vec::new();
    for file in snapshot::list(dir) {
        match Recovered::behind(dir, &file, closed, mode, fold) {
            Ok(found) => return Ok(Recovered { unused, ..found }),
            Err(why) => unused.push(Unused { file, why }),
        }
    }
    fold.begin(None).map_err(|why| LogFault::Foreign { path: dir.to_owned(), what: why })?;
    let mut found = Recovered { unused, ..Recovered::nothing(closed) };
    found.read(dir, mode, fold)?;
    Ok(found)
}

/// Makes durable what a reader is going to show: it may see what the owner has written and not yet synced.
fn settle(file: &File) -> std::io::Result<()> {
    match file.sync_data() {
        // On a file system that nobody can write to there is nothing to wait for.
        Err(error)
            if [Errno::ROFS, Errno::INVAL]
                .map(|errno| Some(errno.raw_os_error()))
                .contains(&error.raw_os_error()) =>
        {
            Ok(())
        }
        done => done,
    }
}

impl Recovered {
    fn nothing(closed: Lsn) -> Recovered {
        let (segments, last, stub) = (Vec::new(), Lsn::START, None);
        let (chain, unproven) = (0, 0);
        let (torn_bytes, surplus_bytes) = (0, 0);
        Recovered {
            segments,
            last,
            groups: 0,
            chain,
            unproven,
            torn_bytes,
            surplus_bytes,
            stub,
            closed,
            snapshot: None,
            unused: Vec::new(),
            tail_bytes: 0,
        }
    }

    /// Reads what lies behind a snapshot, and takes what lies before it as the snapshot says. Whatever does not fit is a
    /// reason to leave the snapshot alone: then the journal itself says what is wrong, if something is.
    fn behind<E: From<LogFault> + Display>(
        dir: &Path,
        file: &Path,
        closed: Lsn,
        mode: Mode,
        fold: &mut dyn Fold<E>,
    ) -> Result<Recovered, String> {
        let snapshot = Snapshot::read(file)?;
        let mut found = Recovered::nothing(closed);
        let (open, sealed) = snapshot.segments()?;
        snapshot::find(dir, open, None)?;
        found.chain = open.chain;
        for snapshot::Remembered { header, extent } in sealed {
            let path = snapshot::find(dir, header, Some(extent.end))?;
            (found.last, found.groups) = (extent.last, found.groups + extent.groups);
            found.segments.push(Arc::new(Segment::new(path, header, extent)));
        }
        fold.begin(Some(snapshot.body()))?;
        found.snapshot = Some(snapshot.at);
        found.read(dir, mode, fold).map_err(|why| format!("what is behind it does not fit: {why}"))?;
        if found.last < snapshot.reflects {
            return Err(format!(
                "it is newer than the journal: it reflects record {}, the journal ends with {}",
                snapshot.reflects.0, found.last.0
            ));
        }
        Ok(found)
    }

    /// Reads the segments behind those that are known already.
    fn read<E: From<LogFault>>(&mut self, dir: &Path, mode: Mode, fold: &mut dyn Fold<E>) -> Result<(), E> {
        let all = segment::list(dir)?;
        let files: Vec<_> = all.into_iter().filter(|(first, _)| *first > self.last).collect();
        for (n, (first, path)) in files.iter().enumerate() {
            let after = files.get(n + 1).map(|(_, path)| path.as_path());
            self.follows(dir, *first, path)?;
            let Some((file, header, length)) = self.begin(*first, path, after)? else {
                self.stub = Some(path.clone());
                break;
            };
            if mode == Mode::Reader && after.is_none() {
                settle(&file).map_err(LogFault::io("sync", path))?;
            }
            let frames = Frames::new(Arc::new(file), path, &header, length);
            self.walk(frames, header, after, fold)?;
        }
        Ok(self.holds_what_was_closed(dir)?)
    }

    /// Checks that the segment at `path` is the next one.
    fn follows(&self, dir: &Path, first: Lsn, path: &Path) -> Result<(), LogFault> {
        let next = Lsn(self.last.0 + 1);
        if first < next {
            let what = format!("record {} is in the segment before it", first.0);
            return Err(LogFault::Foreign { path: path.to_owned(), what });
        }
        if first == next {
            return Ok(());
        }
        let missing = dir.join(segment::name(next));
        Err(match self.segments.last() {
            None => damaged(&missing, 0, format!("it is missing, but {} is there", path.display())),
            Some(before) => {
                let ends =
                    format!("it ends with record {}, the next segment begins with {}", self.last.0, first.0);
                let what = format!("{ends}: its end is missing, or {} is", missing.display());
                damaged(&before.path, before.end(), what)
            }
        })
    }

    /// Opens a segment; `None` when it was not even begun, and is the last.
    fn begin(
        &self,
        first: Lsn,
        path: &Path,
        after: Option<&Path>,
    ) -> Result<Option<(File, Header, u64)>, LogFault> {
        let read = LogFault::io("open", path);
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) = opened.map_err(read)?;
        if length < segment::HEADER_BYTES as u64 {
            return match after {
                None if self.closed < first => Ok(None),
                None | Some(_) => {
                    Err(damaged(path, length, "the file ends inside the segment's header".to_owned()))
                }
            };
        }
        let mut bytes = [0; segment::HEADER_BYTES];
        file.read_exact_at(&mut bytes, 0).map_err(LogFault::io("read", path))?;
        let header = Header::decode(&bytes, path)?;
        if header.first != first {
            let what = format!("its name says record {}, its header {}", first.0, header.first.0);
            return Err(LogFault::Foreign { path: path.to_owned(), what });
        }
        if header.chain != self.chain {
            let what =
                "it does not continue the segment before it: one of them is of another journal, or older";
            return Err(damaged(path, 0, what.to_owned()));
        }
        Ok(Some((file, header, length)))
    }

    /// Reads all frames of a segment, and judges what stops it.
    fn walk<E: From<LogFault>>(
        &mut self,
        mut frames: Frames,
        header: Header,
        after: Option<&Path>,
        fold: &mut dyn Fold<E>,
    ) -> Result<(), E> {
        let mut extent = Extent::empty(&header);
        let mut group = Group { first: Lsn::START, records: Vec::new() };
        let mut looks = 0;
        self.chain = crc32c::crc32c_append(self.chain, &header.encode());
        self.unproven = extent.end;
        loop {
            match frames.next(&mut group)? {
                Found::Frame(frame, at) => {
                    extent.note(&frame, at);
                    self.chain = crc32c::crc32c_append(self.chain, &frame.crc.to_le_bytes());
                    if frame.synced.0 + 1 == frame.first.0 {
                        // A write begins here; all before it was synced.
                        self.unproven = at;
                    }
                    self.groups += 1;
                    if self.snapshot.is_none_or(|at| group.last() > at) {
                        self.tail_bytes += frame.size() as u64;
                        fold.take(&group)?;
                    }
                }
                Found::End => break,
                Found::Flaw(flaw) => {
                    let Some(damage) = self.judge(&mut frames, &flaw, after)? else { break };
                    looks += 1;
                    if looks == LOOKS_MAX {
                        return Err(damage.into());
                    }
                    frames.reread();
                }
            }
        }
        (self.torn_bytes, self.surplus_bytes) = (frames.written()?, frames.left());
        self.last = extent.last;
        if self.closed >= self.last {
            self.unproven = extent.end;
        }
        self.segments.push(Arc::new(Segment::new(frames.path, header, extent)));
        Ok(())
    }

    /// Returns the damage when a bad spot is one, `None` when it is a torn tail.
    fn judge(
        &self,
        frames: &mut Frames,
        flaw: &Flaw,
        after: Option<&Path>,
    ) -> Result<Option<LogFault>, LogFault> {
        let lost = frames.next;
        // Behind nothing but zeroes there is no frame to look for.
        let later = if frames.written()? > 0 { frames.proof()? } else { None };
        let proof = if let Some(proof) = later {
            let (later, at) = (proof.header.first.0, proof.at);
            format!(
                "the frame of record {later} at byte {at} was written after record {} was on disk",
                lost.0
            )
        } else if let Some(after) = after {
            format!("{} was begun after record {} was on disk", after.display(), lost.0)
        } else if self.closed >= lost {
            format!(
                "record {} was on disk when the journal was closed, says the file `{}`",
                lost.0,
                closed::FILE
            )
        } else {
            return Ok(None);
        };
        Ok(Some(damaged(&frames.path, frames.at, format!("{flaw}, but {proof}"))))
    }

    fn holds_what_was_closed(&self, dir: &Path) -> Result<(), LogFault> {
        if self.closed <= self.last {
            return Ok(());
        }
        let said = format!("record {} was on disk when the journal was closed", self.closed.0);
        let mark = closed::FILE;
        let what = format!(
            "it ends here, but {said}, says the file `{mark}` (without that file, what is cut off is given up and the rest goes on)"
        );
        Err(match self.segments.last() {
            Some(segment) => damaged(&segment.path, segment.end(), what),
            None => damaged(&dir.join(segment::name(Lsn(1))), 0, what),
        })
    }
}

fn damaged(file: &Path, byte: u64, what: String) -> LogFault {
    LogFault::Damaged { file: file.to_owned(), byte, what }
}
