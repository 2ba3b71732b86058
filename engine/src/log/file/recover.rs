//! Reads a journal from its first byte to its last and says what is there: whole, with a torn tail, or damaged. It
//! changes nothing; for the owner, `mend` does.
//!
//! A bad spot is damage when something proves that the record there was once on disk: a later frame that was written
//! after it was synced, a later segment, or the mark of a clean close. With no such proof it is the end of a write that
//! nobody was ever told of.
use super::{
    super::{Flow, Fold, Group, LogFault, Lsn, Unused},
    Mode, closed,
    frame::Flaw,
    frames::{Found, Frames},
    manifest::{self, Manifest},
    map::Map,
    part,
    read::Cursor,
    segment::{self, Extent, Header, Segment},
    snapshot::{self, Snapshot},
    stretch::Stretch,
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

/// A reader beside an owner that compacts may find files gone that it has just seen named, and begins again. A stretch takes
/// its owner a quarter of a second, so this many are not swapped while one reader looks.
const BEGINNINGS_MAX: usize = 16;

/// What a journal consists of.
pub(super) struct Recovered {
    /// What names the compacted stretches, if there are any.
    pub(super) manifest: Option<Manifest>,
    pub(super) compacted: Vec<Arc<Stretch>>,
    /// The segments behind them.
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
    for _ in 1..BEGINNINGS_MAX {
        let manifest = manifest::read(dir)?;
        let generation = |manifest: &Option<Manifest>| manifest.as_ref().map(|it| it.generation);
        let read = generation(&manifest);
        let found = recover_once(dir, mode, manifest, fold);
        let compacts = mode == Mode::Reader && found.is_err();
        if !compacts || generation(&manifest::read(dir)?) == read {
            return found;
        }
    }
    recover_once(dir, mode, manifest::read(dir)?, fold)
}

fn recover_once<E: From<LogFault> + Display>(
    dir: &Path,
    mode: Mode,
    manifest: Option<Manifest>,
    fold: &mut dyn Fold<E>,
) -> Result<Recovered, E> {
    // Before the files: a journal beside us grows, so it is never shorter than the mark that was read before.
    let closed = closed::read(dir);
    let base = Recovered::over(dir, manifest, closed)?;
    let mut unused = Vec::new();
    for file in snapshot::list(dir) {
        match base.again().behind(dir, &file, mode, fold) {
            Ok(found) => return Ok(Recovered { unused, ..found }),
            Err(why) => unused.push(Unused { file, why }),
        }
    }
    fold.begin(None).map_err(|why| LogFault::Foreign { path: dir.to_owned(), what: why })?;
    let mut found = Recovered { unused, ..base };
    found.pass(dir, Lsn(1), fold)?;
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
    /// What was compacted, none of it read.
    fn over(dir: &Path, manifest: Option<Manifest>, closed: Lsn) -> Result<Recovered, LogFault> {
        let compacted = manifest.as_ref().map_or_else(|| Ok(Vec::new()), |manifest| manifest.open(dir))?;
        let groups = compacted.iter().flat_map(|it| it.files()).map(|file| file.reached().groups).sum();
        Ok(Recovered {
            last: manifest.as_ref().map_or(Lsn::START, Manifest::last),
            chain: manifest.as_ref().map_or(0, |manifest| manifest.chain),
            manifest,
            compacted: compacted.into_iter().map(Arc::new).collect(),
            segments: Vec::new(),
            groups,
            unproven: 0,
            torn_bytes: 0,
            surplus_bytes: 0,
            stub: None,
            closed,
            snapshot: None,
            unused: Vec::new(),
            tail_bytes: 0,
        })
    }

    /// The same before anything else was read.
    fn again(&self) -> Recovered {
        Recovered {
            manifest: self.manifest.clone(),
            compacted: self.compacted.clone(),
            segments: Vec::new(),
            stub: None,
            unused: Vec::new(),
            ..*self
        }
    }

    /// All stretches, in order.
    pub(super) fn stretches(&self) -> Vec<Arc<Stretch>> {
        let raw = self.segments.iter().map(|segment| Arc::new(Stretch::raw(Arc::clone(segment))));
        self.compacted.iter().cloned().chain(raw).collect()
    }

    /// Reads what lies behind a snapshot, and takes what lies before it as the snapshot says. Whatever does not fit is a
    /// reason to leave the snapshot alone: then the journal itself says what is wrong, if something is.
    fn behind<E: From<LogFault> + Display>(
        mut self,
        dir: &Path,
        file: &Path,
        mode: Mode,
        fold: &mut dyn Fold<E>,
    ) -> Result<Recovered, String> {
        let snapshot = Snapshot::read(file)?;
        let (open, sealed) = snapshot.segments()?;
        let end = self.last;
        if open.first > end {
            snapshot::find(dir, open, None)?;
            self.chain = open.chain;
        }
        for snapshot::Remembered { header, extent } in sealed {
            // What was compacted since is where the manifest says.
            if header.first > end {
                self.follows(dir, header.first, &dir.join(segment::name(header.first))).map_err(unfit)?;
                let path = snapshot::find(dir, header, Some(extent.end))?;
                (self.last, self.groups) = (extent.last, self.groups + extent.groups);
                self.segments.push(Arc::new(Segment::new(path, header, extent)));
            }
        }
        fold.begin(Some(snapshot.body()))?;
        self.snapshot = Some(snapshot.at);
        let read = self.pass(dir, Lsn(snapshot.at.0 + 1), fold).and_then(|()| self.read(dir, mode, fold));
        read.map_err(unfit)?;
        if self.last < snapshot.reflects {
            return Err(format!(
                "it is newer than the journal: it reflects record {}, the journal ends with {}",
                snapshot.reflects.0, self.last.0
            ));
        }
        Ok(self)
    }

    /// Reads what was compacted, from a record on.
    fn pass<E: From<LogFault>>(&mut self, dir: &Path, from: Lsn, fold: &mut dyn Fold<E>) -> Result<(), E> {
        let mut refused = Ok(());
        // Half of it as it was, half as it was compacted meanwhile, would be a journal that there never was.
        let map = Arc::new(Map::fixed(dir, self.compacted.clone()));
        Cursor::new(map, from).pass(
            self.compacted.last().map_or(Lsn::START, |it| it.last()),
            &mut |group| {
                self.tail_bytes += group.records.iter().map(|record| record.len() as u64).sum::<u64>();
                refused = fold.take(group);
                if refused.is_ok() { Flow::Continue } else { Flow::Stop }
            },
        )?;
        refused
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
        self.holds_what_follows(dir)?;
        Ok(self.holds_what_was_closed(dir)?)
    }

    /// Behind what was compacted there is a segment with a record: else it would not have been compacted.
    fn holds_what_follows(&self, dir: &Path) -> Result<(), LogFault> {
        if self.manifest.is_none() && self.segments.is_empty() && has_parts(dir) {
            let what = "it is missing, but there are compacted files, which only it names, and no segment";
            return Err(damaged(&dir.join(manifest::FILE), 0, what.to_owned()));
        }
        let Some(manifest) = self.manifest.as_ref().filter(|manifest| manifest.last() == self.last) else {
            return Ok(());
        };
        let next = Lsn(manifest.last().0 + 1);
        let what =
            format!("record {} is missing, which was there before MANIFEST said what is before it", next.0);
        Err(damaged(&dir.join(segment::name(next)), 0, what))
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
        let has_parts = self.manifest.is_none() && has_parts(dir);
        Err(match self.segments.last() {
            None if has_parts => {
                let what = format!(
                    "it is missing, but there are compacted files, which only it names, and {}",
                    path.display()
                );
                damaged(&dir.join(manifest::FILE), 0, what)
            }
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

fn unfit(why: impl Display) -> String {
    format!("what is behind it does not fit: {why}")
}

fn has_parts(dir: &Path) -> bool {
    std::fs::read_dir(dir).into_iter().flatten().flatten().any(|entry| part::is_part(&entry.path()))
}

fn damaged(file: &Path, byte: u64, what: String) -> LogFault {
    LogFault::Damaged { file: file.to_owned(), byte, what }
}
