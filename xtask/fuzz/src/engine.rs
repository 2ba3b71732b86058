//! What the engine reads: records, parcels, snapshots, and journals as a crash or a bad disk leaves them.
use crate::heap::Room;
use engine::testing::fuzz;
use std::sync::LazyLock;
use tempfile::TempDir;

/// A fact takes at least nine bytes and 160 in memory, in a list that may have twice the places it needs, and thrice while it
/// moves. What else there is takes less.
const RECORD: Room = Room { per_byte: 64, besides: 1 << 10 };

/// Records are kept decoded, and a run that began takes about five hundred bytes for some fifteen in the file.
const PARCEL: Room = Room { per_byte: 512, besides: 16 << 10 };

/// Records of the journal.
pub fn record(bytes: &[u8]) {
    RECORD.hold(bytes, fuzz::record);
    fuzz::record_twice(bytes);
}

/// The content of an exported run.
pub fn parcel(bytes: &[u8]) {
    PARCEL.hold(bytes, fuzz::parcel);
}

/// Where runs stand, as a snapshot keeps it.
pub fn standing(bytes: &[u8]) {
    fuzz::snapshot(bytes);
}

/// A place for files, of each process.
static PLACE: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("there is a place for files"));

/// A journal that was damaged.
pub fn journal(bytes: &[u8]) {
    fuzz::journal(PLACE.path(), bytes);
}

/// A journal with every kind of file, some of which were changed.
pub fn home(bytes: &[u8]) {
    fuzz::home(PLACE.path(), bytes);
}
