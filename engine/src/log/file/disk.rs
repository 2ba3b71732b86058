//! Everything that the log changes on disk goes through here, so that a test can fail it, drop it or count it. Reading
//! does not: a test damages files instead.
use rustix::fs::{FallocateFlags, fallocate};
use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::Path,
};

/// A journal holds what people said: its files are for its owner.
const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;

pub(super) trait Disk: Send + Sync + 'static {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    /// Creates an empty file, or empties the one that is there.
    fn create(&self, path: &Path) -> io::Result<File> {
        File::options().read(true).write(true).create(true).truncate(true).mode(FILE_MODE).open(path)
    }

    fn write(&self, file: &File, _path: &Path, bytes: &[u8], at: u64) -> io::Result<()> {
        file.write_all_at(bytes, at)
    }

    fn sync(&self, file: &File, _path: &Path) -> io::Result<()> {
        file.sync_data()
    }

    /// Makes the file longer, by zeroes that take no write.
    fn allocate(&self, file: &File, _path: &Path, at: u64, bytes: u64) -> io::Result<()> {
        Ok(fallocate(file, FallocateFlags::empty(), at, bytes)?)
    }

    fn truncate(&self, file: &File, _path: &Path, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// The real one.
pub(super) struct Real;

impl Disk for Real {}
