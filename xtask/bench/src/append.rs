//! One durable append: a group into the journal, against the same bytes into a raw file; peers beside them.
use crate::{
    Scale,
    house::journal,
    measure::{Pairs, timed},
    peers,
    pin::Cores,
    raw::Raw,
    scratch,
    table::{Row, Unit},
};
use engine::log::Log;
use futures::executor::block_on;

/// As large as a move with a message in it.
pub(crate) const RECORD_BYTES: usize = 600;

/// The records of a group, and the ratio that is to be met.
const GROUPS: [(usize, f64); 3] = [(1, 1.15), (64, 1.5), (512, 2.0)];

/// What the journal adds to a group: a header, and an entry for each record.
const FRAME_BYTES: usize = 36;
const ENTRY_BYTES: usize = 8;

/// Measures groups of each size.
pub(crate) fn rows(scale: &Scale) -> Vec<Row> {
    let mut rows = Vec::new();
    for (records, target) in GROUPS {
        rows.push(journalled(scale, records, Cores::One).at_most(target));
        rows.push(journalled(scale, records, Cores::All));
        rows.push(growing(scale, records));
        rows.extend(others(scale, records));
    }
    rows
}

fn journalled(scale: &Scale, records: usize, cores: Cores) -> Row {
    let _held = cores.hold();
    let dir = scratch(scale);
    let log = journal(&dir.path().join("journal"));
    let mut raw = Raw::create(dir.path());
    let append = || {
        let group = bodies(records);
        let (took, done) = timed(|| block_on(log.durable(log.append(group)?)));
        done.expect("the bench's disk has room");
        took
    };
    let pairs = Pairs::in_turns(scale.patience(), append, || raw.write(bytes_of(records)));
    log.close();
    Row::new(name(records, &format!("journal, {}", cores.name())), Unit::Nanoseconds, &pairs)
        .note("vs raw write+fdatasync")
}

/// What a file costs that grows with each write: why segments have room.
fn growing(scale: &Scale, records: usize) -> Row {
    let _held = Cores::One.hold();
    let dir = scratch(scale);
    let (mut growing, mut raw) = (Raw::growing(dir.path()), Raw::create(dir.path()));
    let bytes = bytes_of(records);
    let pairs = Pairs::in_turns(scale.patience(), || growing.write(bytes), || raw.write(bytes));
    Row::new(name(records, "raw, growing file"), Unit::Nanoseconds, &pairs).note("vs raw into room, as ours")
}

fn others(scale: &Scale, records: usize) -> Vec<Row> {
    let _held = Cores::One.hold();
    let dir = scratch(scale);
    let mut raw = Raw::create(dir.path());
    let mut rows = Vec::new();
    for (who, peer) in peers::all(dir.path()) {
        let name = name(records, who);
        rows.push(match peer {
            Err(why) => Row::not_measured(name, why),
            Ok(peer) => {
                let commit = || {
                    let group = bodies(records);
                    timed(|| peer(&group)).0
                };
                let pairs = Pairs::in_turns(scale.patience(), commit, || raw.write(bytes_of(records)));
                Row::new(name, Unit::Nanoseconds, &pairs).note("vs the same raw bytes")
            }
        });
    }
    rows
}

fn name(records: usize, who: &str) -> String {
    format!("append {records} x {RECORD_BYTES} B, {who}")
}

/// What a group takes in the journal.
fn bytes_of(records: usize) -> usize {
    FRAME_BYTES + records * (ENTRY_BYTES + RECORD_BYTES)
}

fn bodies(records: usize) -> Vec<Vec<u8>> {
    (0..records).map(|n| vec![n as u8; RECORD_BYTES]).collect()
}

/// Appends so many groups of one record, each durably.
pub(crate) fn work(dir: &std::path::Path, times: u32) {
    let log = journal(dir);
    for _ in 0..times {
        let done = log.append(bodies(1)).map(|lsn| block_on(log.durable(lsn)));
        done.and_then(|done| done).expect("the bench's disk has room");
    }
    log.close();
}
