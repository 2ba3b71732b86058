//! Which stretch holds a record. It lists what is durable and keeps a few files open; it reads no frames.
use super::{
    super::{LogFault, Lsn, Shelf},
    manifest,
    segment::Segment,
    stretch::Stretch,
};
use std::{
    collections::VecDeque,
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, RwLock},
};

/// Sealed segments that are kept open for reading. A process has 1,024 descriptors by default, and sockets need them
/// more; opening a file again takes some microseconds.
const FILES_MAX: usize = 32;

/// A file that is gone was compacted since it was looked up. That takes seconds for one stretch, so a second look finds
/// what is there now.
const LOOKS_MAX: usize = 4;

pub(super) struct Map {
    dir: PathBuf,
    /// In order; never empty once the journal has an owner.
    stretches: RwLock<Vec<Arc<Stretch>>>,
    /// By the salt of the file, the latest used at the back.
    files: Mutex<VecDeque<(u64, Arc<File>)>>,
    /// What is gone stays so: another process may have compacted it, and who reads wants the journal of one moment.
    is_fixed: bool,
}

/// Files that are open, with what is known of them.
pub(super) type Opened = Vec<(Arc<Segment>, Arc<File>)>;

impl Map {
    pub(super) fn new(dir: &Path, stretches: Vec<Arc<Stretch>>) -> Map {
        let stretches = RwLock::new(stretches);
        Map { dir: dir.to_owned(), stretches, files: Mutex::default(), is_fixed: false }
    }

    /// A map in which nothing is looked up again: a file that was compacted meanwhile is an error.
    pub(super) fn fixed(dir: &Path, stretches: Vec<Arc<Stretch>>) -> Map {
        Map { is_fixed: true, ..Map::new(dir, stretches) }
    }

    /// Adds the segment that all later records go to.
    pub(super) fn push(&self, segment: Arc<Segment>) {
        let mut stretches = self.stretches.write().expect(UNHARMED);
        stretches.push(Arc::new(Stretch::raw(segment)));
    }

    /// Returns the stretch that holds a durable record.
    pub(super) fn find(&self, lsn: Lsn) -> Option<Arc<Stretch>> {
        let stretches = self.stretches.read().expect(UNHARMED);
        let after = stretches.partition_point(|stretch| stretch.first() <= lsn);
        let stretch = &stretches[after.checked_sub(1)?];
        (stretch.last() >= lsn).then(|| Arc::clone(stretch))
    }

    /// Returns all stretches.
    pub(super) fn all(&self) -> Vec<Arc<Stretch>> {
        self.stretches.read().expect(UNHARMED).clone()
    }

    /// Returns the segments that were not compacted, up to the one that holds a durable record.
    pub(super) fn segments_upto(&self, lsn: Lsn) -> Vec<Arc<Segment>> {
        let stretches = self.stretches.read().expect(UNHARMED);
        let upto = stretches.iter().take_while(|stretch| stretch.first() <= lsn);
        upto.filter_map(|stretch| stretch.segment().cloned()).collect()
    }

    /// Puts one stretch in the place of all that it covers.
    pub(super) fn swap(&self, new: Arc<Stretch>) {
        let covers = |old: &Stretch| old.first() >= new.first() && old.last() <= new.last();
        let mut stretches = self.stretches.write().expect(UNHARMED);
        let from = stretches.partition_point(|old| old.first() < new.first());
        let count = stretches[from..].iter().take_while(|old| covers(old)).count();
        let old: Vec<_> = stretches.splice(from..from + count, [new]).collect();
        drop(stretches);
        // A file that is held open keeps its blocks.
        let salts: Vec<_> = old.iter().flat_map(|old| old.files()).map(|file| file.header.salt).collect();
        self.files.lock().expect(UNHARMED).retain(|(salt, _)| !salts.contains(salt));
    }

    /// Opens the files of the stretch that holds a durable record, those of one shelf or all. What was compacted since it
    /// was looked up, by this process or by another, is looked up again.
    pub(super) fn open_holding(
        &self,
        lsn: Lsn,
        shelf: Option<Shelf>,
    ) -> Result<Option<(Arc<Stretch>, Opened)>, LogFault> {
        let mut looks = 0;
        loop {
            let Some(stretch) = self.find(lsn) else { return Ok(None) };
            let open = |file: &Arc<Segment>| Ok((Arc::clone(file), self.open(file)?));
            match stretch.holding(shelf).map(open).collect::<Result<_, _>>() {
                Ok(files) => return Ok(Some((stretch, files))),
                Err(fault) => {
                    looks += 1;
                    if looks == LOOKS_MAX || self.is_fixed || !is_gone(&fault) {
                        return Err(fault);
                    }
                    let is_new = self.find(lsn).is_none_or(|now| !Arc::ptr_eq(&now, &stretch));
                    if !is_new && !self.look_again(lsn)? {
                        return Err(fault);
                    }
                }
            }
        }
    }

    /// Takes what `MANIFEST` says now: another process compacts. Returns whether that is about the record.
    fn look_again(&self, lsn: Lsn) -> Result<bool, LogFault> {
        let Some((manifest, compacted)) = self.compacted_now()? else { return Ok(false) };
        let end = manifest.last();
        let mut stretches = self.stretches.write().expect(UNHARMED);
        let later = stretches.iter().filter(|stretch| stretch.first() > end).cloned().collect::<Vec<_>>();
        *stretches = compacted.into_iter().map(Arc::new).chain(later).collect();
        Ok(lsn <= end)
    }

    /// What `MANIFEST` says now, with the files that it names. They may go before they are open, when there is a newer one by
    /// then: that one is read.
    fn compacted_now(&self) -> Result<Option<(manifest::Manifest, Vec<Stretch>)>, LogFault> {
        let mut looks = 0;
        let mut now = manifest::read(&self.dir)?;
        while let Some(manifest) = now {
            let fault = match manifest.open(&self.dir) {
                Ok(compacted) => return Ok(Some((manifest, compacted))),
                Err(fault) => fault,
            };
            looks += 1;
            now = manifest::read(&self.dir)?;
            let is_newer = now.as_ref().is_some_and(|now| now.generation != manifest.generation);
            if looks == LOOKS_MAX || !is_newer {
                return Err(fault);
            }
        }
        Ok(None)
    }

    /// Opens a file for reading.
    fn open(&self, segment: &Segment) -> Result<Arc<File>, LogFault> {
        let mut files = self.files.lock().expect(UNHARMED);
        let known = files.iter().position(|(salt, _)| *salt == segment.header.salt);
        let file = match known.and_then(|at| files.remove(at)) {
            Some((_, file)) => file,
            None => Arc::new(File::open(&segment.path).map_err(LogFault::io("open", &segment.path))?),
        };
        if files.len() == FILES_MAX {
            files.pop_front();
        }
        files.push_back((segment.header.salt, Arc::clone(&file)));
        Ok(file)
    }
}

fn is_gone(fault: &LogFault) -> bool {
    matches!(fault, LogFault::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

const UNHARMED: &str = "nothing panics while it holds this";
