//! What the engine reads that others may have written, as functions of bytes for a fuzzer. Each may refuse what it is given; it
//! never panics, hangs, or makes more room than the bytes can fill, and what it says twice is the same.
use crate::{codec, log, parcel, record::Record, scan, snapshot};
use std::path::Path;

/// Reads a record, by the decoder that journals are opened with. Returns whether it is one.
pub fn record(bytes: &[u8]) -> bool {
    Record::decode(bytes).is_ok()
}

/// Reads a record by both decoders: the fast one of every day and the codec's general one.
///
/// # Panics
/// When they do not read the same, or what was read is not written so that it reads back.
pub fn record_twice(bytes: &[u8]) {
    let read = scan::record(bytes).ok();
    let general: Option<Record> = codec::record_of(bytes).ok();
    let [read_text, general_text] = [&read, &general].map(|record| format!("{record:?}"));
    assert_eq!(read_text, general_text, "two decoders, two records");
    if let Some(record) = read {
        let written = codec::bytes_of(&record);
        let again = scan::record(&written).expect("what was written is a record");
        assert_eq!(codec::bytes_of(&again), written, "it comes back as something else");
    }
}

/// Reads the content of an exported run and puts its records together, as an import does before it looks at the graphs. The
/// bytes are what stands between the parcel's head and its hash: whoever sends a parcel can compute a hash.
pub fn parcel(bytes: &[u8]) -> bool {
    parcel::readable(bytes)
}

/// Reads what a snapshot of this build keeps, behind its head.
pub fn snapshot(bytes: &[u8]) -> bool {
    snapshot::restored_behind_head(bytes)
}

/// Makes a journal in an empty directory by a script, damages it as the script says, and opens it twice. The script is its
/// own description: `engine/src/log/file/script.rs`.
pub fn journal(dir: &Path, script: &[u8]) {
    log::play(dir, script);
}

/// Makes a journal with compacted files, a `MANIFEST` and snapshots, changes its files as a script says, and opens it. The
/// script is its own description: `engine/src/log/file/homes.rs`.
pub fn home(dir: &Path, script: &[u8]) {
    log::play_home(dir, script);
}
