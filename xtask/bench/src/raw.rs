//! The yardstick of everything durable: the same bytes, written at the end of a file like a segment's, into room that was
//! made ahead, and `fdatasync`. It frames nothing and checks nothing.
use crate::measure::timed;
use rustix::fs::{FallocateFlags, fallocate};
use std::{fs::File, os::unix::fs::FileExt, path::Path};

/// How far ahead room is made, where it is made.
const ROOM_BYTES: u64 = 4 << 20;

/// A file that grows.
pub(crate) struct Raw {
    file: File,
    at: u64,
    bytes: Vec<u8>,
    /// Up to where there is room already; none when the file grows with each write.
    room: Option<u64>,
}

impl Raw {
    /// A new file that grows with each write.
    pub(crate) fn growing(dir: &Path) -> Raw {
        let file = File::create(dir.join("growing")).expect("the bench's own directory takes files");
        file.sync_all().expect("a new file can be synced");
        Raw { file, at: 0, bytes: Vec::new(), room: None }
    }

    /// A new file in the state of a segment: it has room for what comes. Making room is not timed.
    pub(crate) fn create(dir: &Path) -> Raw {
        let file = File::create(dir.join("raw")).expect("the bench's own directory takes files");
        Raw { file, at: 0, bytes: Vec::new(), room: Some(0) }
    }

    /// Writes so many bytes durably and returns the nanoseconds.
    pub(crate) fn write(&mut self, bytes: usize) -> f64 {
        // Not zeroes: a disk below may be clever.
        self.bytes.resize(bytes, 0x5a);
        if let Some(room) = self.room.as_mut().filter(|room| **room < self.at + bytes as u64) {
            let made = fallocate(&self.file, FallocateFlags::empty(), *room, ROOM_BYTES);
            *room += made.map(|()| ROOM_BYTES).expect("the bench's file system makes room");
            self.file.sync_all().expect("the bench's disk can sync");
        }
        let Raw { file, at, bytes, .. } = self;
        let (took, ()) = timed(|| {
            file.write_all_at(bytes, *at).expect("the bench's disk has room");
            file.sync_data().expect("the bench's disk can sync");
        });
        *at += bytes.len() as u64;
        took
    }
}
