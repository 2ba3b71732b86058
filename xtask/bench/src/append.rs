//! One durable append: a group into the journal, against the same bytes into a raw file; peers beside them.
use crate::{
    Scale,
    house::journal,
    measure::{Pairs, timed},
    peers,
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
    GROUPS.iter().flat_map(|(records, target)| group(scale, *records, *target)).collect()
}

fn group(scale: &Scale, records: usize, target: f64) -> Vec<Row> {
    let dir = scratch(scale);
    let log = journal(&dir.path().join("journal"));
    let mut raw = Raw::create(dir.path());
    let bytes = FRAME_BYTES + records * (ENTRY_BYTES + RECORD_BYTES);
    let append = || {
        let group = bodies(records);
        let (took, done) = timed(|| block_on(log.durable(log.append(group)?)));
        done.expect("the bench's disk has room");
        took
    };
    let pairs = Pairs::in_turns(scale.patience(), append, || raw.write(bytes));
    log.close();
    let name = |who: &str| format!("append {records} x {RECORD_BYTES} B, {who}");
    let ours = Row::new(name("journal"), Unit::Nanoseconds, &pairs).at_most(target).note("vs raw write+fdatasync");
    let others = peers::all(dir.path()).into_iter().map(|(who, peer)| match peer {
        Err(why) => Row::not_measured(name(who), why),
        Ok(mut peer) => {
            let append = || {
                let group = bodies(records);
                timed(|| peer(&group)).0
            };
            let pairs = Pairs::in_turns(scale.patience(), append, || raw.write(bytes));
            Row::new(name(who), Unit::Nanoseconds, &pairs).note("vs the same raw bytes")
        }
    });
    [ours].into_iter().chain(others).collect()
}

fn bodies(records: usize) -> Vec<Vec<u8>> {
    (0..records).map(|n| vec![n as u8; RECORD_BYTES]).collect()
}
