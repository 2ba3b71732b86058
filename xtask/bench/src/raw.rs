//! The yardstick of everything durable: the same bytes, written at the end of a file that grows like a segment, and
//! `fdatasync`. It frames nothing and checks nothing.
use crate::measure::timed;
use std::{fs::File, os::unix::fs::FileExt, path::Path};

/// A file that grows.
pub(crate) struct Raw {
    file: File,
    at: u64,
    bytes: Vec<u8>,
}

impl Raw {
    /// A new file next to what is measured.
    pub(crate) fn create(dir: &Path) -> Raw {
        let file = File::create(dir.join("raw")).expect("the bench's own directory takes files");
        file.sync_all().expect("a new file can be synced");
        Raw { file, at: 0, bytes: Vec::new() }
    }

    /// Writes so many bytes durably and returns the nanoseconds.
    pub(crate) fn write(&mut self, bytes: usize) -> f64 {
        // Not zeroes: a disk below may be clever.
        self.bytes.resize(bytes, 0x5a);
        let Raw { file, at, bytes } = self;
        let (took, ()) = timed(|| {
            file.write_all_at(bytes, *at).expect("the bench's disk has room");
            file.sync_data().expect("the bench's disk can sync");
        });
        *at += bytes.len() as u64;
        took
    }
}
