//! Where every run stands, as a snapshot keeps it, and back. It is taken while runs move: each run says which of its
//! records it reflects, and skips them when the journal behind the snapshot is read. It is of one build: another one
//! reads the journal instead.
use crate::{
    InstanceId, Owner,
    codec::{self, record_of},
    core::Core,
    ledger::{Ledger, Names},
    log::{LogFault, Lsn},
    oblivion::Oblivion,
    table::{self, Over, Place},
};
use bincode::{Decode, Encode};
use std::{
    io::{self, Write},
    sync::PoisonError,
};

/// How a snapshot is laid out. It follows from the types in these files, so whoever changes one of them has changed it,
/// and nobody has to remember that.
const LAYOUT: u64 = {
    let sources = [
        include_str!("snapshot.rs"),
        include_str!("standing.rs"),
        include_str!("record.rs"),
        include_str!("ledger.rs"),
        include_str!("table.rs"),
        include_str!("brood.rs"),
        include_str!("memos.rs"),
        include_str!("seen.rs"),
        include_str!("budget.rs"),
        include_str!("codec.rs"),
    ];
    let (mut n, mut hash) = (0, 0);
    while n < sources.len() {
        hash = crate::durable::hash_name(sources[n]) ^ u64::rotate_left(hash, 7);
        n += 1;
    }
    hash
};

/// The runs that are looked at under one lock of the table: a start waits no longer than for these.
const RUNS_AT_ONCE: usize = 512;

#[derive(Encode, Decode)]
struct Head {
    layout: u64,
    at: u64,
    names: Names,
    facts: Vec<(u64, u64)>,
    forgotten: Vec<(Owner, u64)>,
    forgotten_runs: Vec<InstanceId>,
}

#[derive(Encode, Decode)]
enum Kept {
    /// A run that goes on, packed.
    Run(u128, Vec<u8>),
    /// A run that has ended: its beginning, its end, and the ids that senders gave.
    Over(u128, u64, u64, Vec<u128>),
}

/// Has the log keep where every run stands.
///
/// # Errors
/// When the log cannot.
pub(crate) fn keep(core: &Core) -> Result<(), LogFault> {
    let at = core.position()?;
    core.log.keep(at, &mut |out| write(core, at, out))
}

/// Writes all runs, and returns the last record that one of them reflects.
pub(crate) fn write(core: &Core, at: Lsn, out: &mut dyn Write) -> io::Result<Lsn> {
    let facts = core.met.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
    let forgotten = core.forgotten.owners().into_iter().map(|(owner, upto)| (owner, upto.0)).collect();
    let (names, forgotten_runs) = (core.names.clone(), core.forgotten.runs());
    put(out, &Head { layout: LAYOUT, at: at.0, names, facts, forgotten, forgotten_runs })?;
    let mut reflects = at;
    for instances in core.table.instances().chunks(RUNS_AT_ONCE) {
        let places = core.table.at_rest(instances, |slot| {
            let mut held = slot.lock();
            core.flush(slot, &mut held)?;
            Ok(slot.packed(&held))
        });
        for (instance, place) in places? {
            put(out, &kept(instance, place, &mut reflects))?;
        }
    }
    Ok(reflects)
}

fn kept(InstanceId(instance): InstanceId, place: Place, reflects: &mut Lsn) -> Kept {
    match place {
        Place::Awake(_) => unreachable!("a run at rest is not awake"),
        Place::Asleep(bytes) => {
            *reflects = table::barrier(&bytes).max(*reflects);
            Kept::Run(instance, table::lasting(bytes).into_vec())
        }
        Place::Over(Over { began, ended, seen }) => {
            *reflects = ended.max(*reflects);
            Kept::Over(instance, began.0, ended.0, seen.into_vec())
        }
    }
}

fn put(out: &mut dyn Write, value: &impl Encode) -> io::Result<()> {
    let mut bytes = Vec::new();
    codec::put(value, &mut bytes);
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&bytes)
}

/// Makes a ledger of what a snapshot kept, or says why it cannot.
pub(crate) fn restored(mut kept: &[u8]) -> Result<Ledger, String> {
    let head = take(&mut kept)?.ok_or("it is empty")?;
    // The first number is the layout, whatever follows it in another build.
    let Ok(Head { layout: LAYOUT, at, names, facts, forgotten, forgotten_runs }) = record_of(head) else {
        return Err("another build wrote it".to_owned());
    };
    let mut ledger = Ledger::default();
    (ledger.names, ledger.facts) = (names, facts.into_iter().collect());
    let forgotten = forgotten.into_iter().map(|(owner, upto)| (owner, Lsn(upto)));
    ledger.forgotten = Oblivion::of(forgotten, forgotten_runs.into_iter().collect());
    while let Some(entry) = take(&mut kept)? {
        match record_of(entry).map_err(|refused| refused.0)? {
            Kept::Run(instance, bytes) => {
                let run = table::unpack(&bytes).map_err(|refused| refused.0)?;
                ledger.restore(InstanceId(instance), run, Lsn(at));
            }
            Kept::Over(instance, began, ended, seen) => {
                let over = Over { began: Lsn(began), ended: Lsn(ended), seen: seen.into() };
                ledger.over.insert(InstanceId(instance), over);
            }
        }
    }
    let began = |instance: &InstanceId| ledger.runs.get(instance).map(|run| run.began);
    ledger.order.sort_by_key(began);
    Ok(ledger)
}

/// Restores what stands behind the head of a snapshot of this build, and says whether it could be.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn restored_behind_head(runs: &[u8]) -> bool {
    let mut kept = Vec::new();
    let (names, facts, forgotten, forgotten_runs) = (Names::default(), Vec::new(), Vec::new(), Vec::new());
    let head = Head { layout: LAYOUT, at: 1 << 20, names, facts, forgotten, forgotten_runs };
    put(&mut kept, &head).expect("memory takes everything");
    kept.extend_from_slice(runs);
    restored(&kept).is_ok()
}

/// Takes the next entry.
fn take<'a>(from: &mut &'a [u8]) -> Result<Option<&'a [u8]>, String> {
    if from.is_empty() {
        return Ok(None);
    }
    let cut = || "it is cut".to_owned();
    let (length, rest) = from.split_first_chunk().ok_or_else(cut)?;
    let (entry, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(cut)?;
    *from = rest;
    Ok(Some(entry))
}
