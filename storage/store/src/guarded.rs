//! The one door to a view. Catches its panics, checks its rows, and after the first fault calls it no more: whoever
//! reads is told so. Wakes who waits for a position; never repairs anything.
use crate::{Batch, BootId, Keys, Row, Stamp, Table, View, ViewFault};
use engine::log::Lsn;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};
use tokio::sync::watch;

/// Every row ends with a checksum of its table, key and value: embedded engines return flipped bits without a word.
const CHECKSUM_BYTES: usize = size_of::<u32>();

/// How far the view is.
#[derive(Clone, Debug)]
pub(crate) enum Progress {
    /// It has applied all up to there, and there may come more.
    Fed(Lsn),
    /// It has applied all up to there, and nobody feeds it any more.
    Closed(Lsn),
    /// It is not called any more.
    Broken(ViewFault),
}

/// What can be asked for a row: the view, or the view with a draft over it.
pub(crate) trait Rows {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ViewFault>;
}

pub(crate) struct Guarded {
    view: Box<dyn View>,
    progress: watch::Sender<Progress>,
}

impl Guarded {
    /// Opens a view for the boot `now`. One that cannot be trusted is wiped: it will be fed from the start.
    pub(crate) fn open(view: Box<dyn View>, now: Option<BootId>) -> Result<Guarded, ViewFault> {
        let guarded = Guarded { view, progress: watch::Sender::new(Progress::Fed(Lsn::START)) };
        let mut stamp = guarded.call("read its stamp", |view| view.stamp())?;
        if !stamp.trusted(now) {
            guarded.call("forget everything", |view| view.wipe())?;
            stamp = Stamp::EMPTY;
        }
        guarded.call("note who writes", |view| view.begin(now))?;
        guarded.progress.send_replace(Progress::Fed(stamp.position));
        Ok(guarded)
    }

    pub(crate) fn range(&self, table: Table, keys: &Keys, limit: usize) -> Result<Vec<Row>, ViewFault> {
        self.call("read rows", |view| {
            let unseal = |(key, value): Row| unsealed(table, &key, value).map(|value| (key, value));
            view.range(table, keys, limit)?.into_iter().map(unseal).collect()
        })
    }

    pub(crate) fn apply(&self, batch: &Batch, position: Lsn) -> Result<(), ViewFault> {
        let sealed = sealed_batch(batch);
        self.call("apply a group", |view| view.apply(&sealed, position))?;
        self.progress.send_replace(Progress::Fed(position));
        Ok(())
    }

    pub(crate) fn close(&self) -> Result<(), ViewFault> {
        self.call("close", |view| view.close())?;
        self.progress.send_modify(|progress| {
            if let Progress::Fed(position) = *progress {
                *progress = Progress::Closed(position);
            }
        });
        Ok(())
    }

    /// Notes that the view is broken. The first fault stays: the others come from it.
    pub(crate) fn broken(&self, fault: &ViewFault) {
        self.progress.send_if_modified(|progress| {
            let first = !matches!(progress, Progress::Broken(_));
            if first {
                *progress = Progress::Broken(fault.clone());
            }
            first
        });
    }

    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    fn call<T>(
        &self,
        act: &'static str,
        work: impl FnOnce(&dyn View) -> Result<T, ViewFault>,
    ) -> Result<T, ViewFault> {
        if let Progress::Broken(fault) = &*self.progress.borrow() {
            return Err(fault.clone());
        }
        // What a panic leaves behind does not matter: nobody calls the view after it.
        catch_unwind(AssertUnwindSafe(|| work(&*self.view)))
            .unwrap_or_else(|panic| Err(ViewFault::Panicked { act, said: said(&*panic) }))
            .inspect_err(|fault| self.broken(fault))
    }
}

impl Rows for Guarded {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ViewFault> {
        self.call("read a row", |view| {
            view.get(table, key)?.map(|value| unsealed(table, key, value)).transpose()
        })
    }
}

fn sealed_batch(batch: &Batch) -> Batch {
    let mut sealed = Batch::default();
    for (table, key, value) in batch.changes() {
        match value {
            Some(value) => sealed.put(table, key.to_vec(), seal(table, key, value)),
            None => sealed.delete(table, key.to_vec()),
        }
    }
    sealed
}

fn seal(table: Table, key: &[u8], value: &[u8]) -> Vec<u8> {
    [value, &checksum(table, key, value)].concat()
}

fn unsealed(table: Table, key: &[u8], mut value: Vec<u8>) -> Result<Vec<u8>, ViewFault> {
    let damaged = || ViewFault::Damaged { table };
    let length = value.len().checked_sub(CHECKSUM_BYTES).ok_or_else(damaged)?;
    let found = value.split_off(length);
    if found != checksum(table, key, &value) {
        return Err(damaged());
    }
    Ok(value)
}

fn checksum(table: Table, key: &[u8], value: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let name = crc32c::crc32c(table.name().as_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(name, key), value).to_be_bytes()
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "nothing".to_owned())
}
