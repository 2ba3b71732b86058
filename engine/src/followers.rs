//! Feeds followers: groups become the few entries that a view may see, after they are durable.
use crate::{
    durable::FactId,
    follow::{Entry, FactEntry, Follower, Wants},
    log::{Flow, Group, Log, LogFault, Lsn},
    oblivion::Oblivion,
    record::{FactRecord, Record},
};
use std::cell::LazyCell;

/// Feeds a follower from where it stands, on a thread of its own, until the log is closed or the follower breaks. A
/// follower that breaks tells its own readers. `forgotten` is asked on that thread, once.
pub(crate) fn feed(
    log: &dyn Log,
    mut follower: Box<dyn Follower>,
    forgotten: impl FnOnce() -> Oblivion + Send + 'static,
) {
    let (from, wants) = (Lsn(follower.applied().0 + 1), follower.wants());
    let oblivion = LazyCell::new(forgotten);
    let each = move |group: Result<&Group, LogFault>| match group
        .map(|it| follower.apply(it.last(), &entries(it, &oblivion)))
    {
        Ok(Ok(())) => Flow::Continue,
        Ok(Err(_)) | Err(_) => Flow::Stop,
    };
    match wants {
        Wants::Everything => log.subscribe(from, Box::new(each)),
        Wants::Facts => log.subscribe_to_facts(from, Box::new(each)),
    }
}

fn entries(group: &Group, oblivion: &Oblivion) -> Vec<Entry> {
    // What does not decode was refused when the journal was opened, or written by this very process.
    let records = (group.first.0..).zip(&group.records);
    records
        .filter_map(|(lsn, bytes)| Some((Lsn(lsn), Record::decode(bytes).ok()?)))
        .flat_map(|(lsn, r)| of(lsn, r, oblivion))
        .collect()
}

fn of(lsn: Lsn, record: Record, oblivion: &Oblivion) -> Vec<Entry> {
    let facts = |facts: Vec<FactRecord>| {
        facts.into_iter().filter(|fact| !oblivion.covers(lsn, fact)).map(|fact| Entry::Fact(entry(lsn, fact)))
    };
    match record {
        Record::Started(it) => vec![Entry::Started { instance: it.instance, graph: it.graph, at: it.at }],
        Record::Moved(it) => {
            let ended = it.ended.then_some(Entry::Ended { instance: it.instance, at: it.at });
            facts(it.facts).chain(ended).collect()
        }
        Record::Done(it) => facts(it.facts).collect(),
        Record::Facts(it) => facts(it.facts).collect(),
        Record::Forgot(it) => vec![Entry::Forgotten { owner: it.owner, upto: Lsn(it.upto), at: it.at }],
        Record::Declared(_)
        | Record::Began(_)
        | Record::Mail(_)
        | Record::Outcome(_)
        | Record::Credited(_)
        | Record::Cancel(_)
        | Record::Parked(_)
        | Record::Forked(_)
        | Record::Paused(_)
        | Record::Released(_)
        | Record::Imported(_)
        | Record::Trimmed(_) => Vec::new(),
    }
}

pub(crate) fn entry(lsn: Lsn, fact: FactRecord) -> FactEntry {
    let FactRecord { id, owner, key, blobs, fact } = fact;
    FactEntry { lsn, id, owner, key, blobs, fact }
}

/// The fact of a record that has this id.
pub(crate) fn fact_of(record: &Record, id: FactId) -> Option<FactRecord> {
    record.facts().iter().find(|fact| fact.id == id).cloned()
}
