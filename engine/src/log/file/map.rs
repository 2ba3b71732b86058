//! Which segment holds a record. It lists what is durable and keeps a few files open; it reads no frames.
use super::{
    super::{LogFault, Lsn},
    segment::Segment,
};
use std::{
    collections::VecDeque,
    fs::File,
    sync::{Arc, Mutex, RwLock},
};

/// Sealed segments that are kept open for reading. A process has 1,024 descriptors by default, and sockets need them
/// more; opening a file again takes some microseconds.
const FILES_MAX: usize = 32;

pub(super) struct Map {
    /// In order; never empty once the journal has an owner.
    segments: RwLock<Vec<Arc<Segment>>>,
    /// By the first record of their segment, the latest used at the back.
    files: Mutex<VecDeque<(Lsn, Arc<File>)>>,
}

impl Map {
    pub(super) fn new(segments: Vec<Arc<Segment>>) -> Map {
        Map { segments: RwLock::new(segments), files: Mutex::default() }
    }

    /// Adds the segment that all later records go to.
    pub(super) fn push(&self, segment: Arc<Segment>) {
        self.segments.write().expect("nothing panics while it holds the segments").push(segment);
    }

    /// Returns the segment that holds a durable record.
    pub(super) fn find(&self, lsn: Lsn) -> Option<Arc<Segment>> {
        let segments = self.segments.read().expect("nothing panics while it holds the segments");
        let after = segments.partition_point(|segment| segment.first() <= lsn);
        let segment = &segments[after.checked_sub(1)?];
        (segment.last() >= lsn).then(|| Arc::clone(segment))
    }

    /// Returns the segments up to the one that holds a durable record.
    pub(super) fn upto(&self, lsn: Lsn) -> Vec<Arc<Segment>> {
        let segments = self.segments.read().expect("nothing panics while it holds the segments");
        segments.iter().take_while(|segment| segment.first() <= lsn).map(Arc::clone).collect()
    }

    /// Opens a segment for reading.
    pub(super) fn open(&self, segment: &Segment) -> Result<Arc<File>, LogFault> {
        let mut files = self.files.lock().expect("nothing panics while it holds the files");
        let known = files.iter().position(|(first, _)| *first == segment.first());
        let file = match known.and_then(|at| files.remove(at)) {
            Some((_, file)) => file,
            None => Arc::new(File::open(&segment.path).map_err(LogFault::io("open", &segment.path))?),
        };
        if files.len() == FILES_MAX {
            files.pop_front();
        }
        files.push_back((segment.first(), Arc::clone(&file)));
        Ok(file)
    }
}
