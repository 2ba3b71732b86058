//! The one door to a view. Catches its panics, checks its rows, and after the first fault calls it no more: whoever
//! reads is told so. Wakes who waits for a position; never repairs anything.
use crate::{
    Batch, Bodies, BootId, Distrust, Keys, Row, Table, View, ViewFault,
    proof::{Anchor, Proof},
    seal::opened,
};
use engine::log::Lsn;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Mutex, MutexGuard},
};
use tokio::sync::watch;

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
    /// There until it is dropped.
    view: Option<Box<dyn View>>,
    proof: Mutex<Proof>,
    progress: watch::Sender<Progress>,
    /// Before it is here it would show half of what there is.
    readable_from: Lsn,
}

impl Guarded {
    /// Takes a view that nobody uses yet, to be read once it holds the journal up to `readable_from`.
    pub(crate) fn of(view: Box<dyn View>, readable_from: Lsn) -> Guarded {
        let progress = watch::Sender::new(Progress::Fed(Lsn::START));
        Guarded { view: Some(view), proof: Mutex::new(Proof::EMPTY), progress, readable_from }
    }

    /// Looks whether the view can be used in boot `now`: whole, of this journal, and left in order. What it returns is
    /// why not; a fault is worse.
    pub(crate) fn look(
        &self,
        now: Option<BootId>,
        journal: &dyn Bodies,
    ) -> Result<Option<Distrust>, ViewFault> {
        let stamp = self.call("read its stamp", |view| view.stamp())?;
        if !stamp.trusted(now) {
            return Ok(Some(Distrust::Unclean));
        }
        let proof = match self.call("read its proof", Proof::of)? {
            Ok(proof) if proof.is_of(journal) => proof,
            Ok(_) => return Ok(Some(Distrust::OtherJournal)),
            Err(distrust) => return Ok(Some(distrust)),
        };
        self.call("read all rows", |view| proof.holds(view, &stamp))?;
        self.stand(proof);
        Ok(None)
    }

    /// Forgets all that the view holds: it will be fed from the start.
    pub(crate) fn wipe(&self) -> Result<(), ViewFault> {
        self.call("forget everything", |view| view.wipe())?;
        self.stand(Proof::EMPTY);
        Ok(())
    }

    /// Notes that boot `now` writes from here on.
    pub(crate) fn begin(&self, now: Option<BootId>) -> Result<(), ViewFault> {
        self.call("note who writes", |view| view.begin(now))
    }

    /// Says whether it holds enough to be read.
    pub(crate) fn readable(&self) -> Result<(), ViewFault> {
        let wanted = self.readable_from;
        match &*self.progress.borrow() {
            Progress::Fed(at) | Progress::Closed(at) if *at >= wanted => Ok(()),
            Progress::Fed(at) | Progress::Closed(at) => Err(ViewFault::Rebuilding { at: *at, wanted }),
            Progress::Broken(fault) => Err(fault.clone()),
        }
    }

    pub(crate) fn range(&self, table: Table, keys: &Keys, limit: usize) -> Result<Vec<Row>, ViewFault> {
        self.call("read rows", |view| {
            let open = |(key, kept): Row| opened(table, &key, kept).map(|(value, _)| (key, value));
            view.range(table, keys, limit)?.into_iter().map(open).collect()
        })
    }

    pub(crate) fn apply(
        &self,
        batch: &Batch,
        position: Lsn,
        anchor: Option<Anchor>,
    ) -> Result<(), ViewFault> {
        let before = *self.proof();
        let after = self.call("apply a group", |view| {
            let (kept, after) = before.after(view, batch, position, anchor)?;
            view.apply(&kept, position).map(|()| after)
        })?;
        *self.proof() = after;
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

    pub(crate) fn is_broken(&self) -> bool {
        matches!(*self.progress.borrow(), Progress::Broken(_))
    }

    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    fn stand(&self, proof: Proof) {
        *self.proof() = proof;
        self.progress.send_replace(Progress::Fed(proof.goes_on_behind()));
    }

    fn proof(&self) -> MutexGuard<'_, Proof> {
        self.proof.lock().expect("it is only copied and replaced under its lock")
    }

    fn call<T>(
        &self,
        act: &'static str,
        work: impl FnOnce(&dyn View) -> Result<T, ViewFault>,
    ) -> Result<T, ViewFault> {
        if let Progress::Broken(fault) = &*self.progress.borrow() {
            return Err(fault.clone());
        }
        let view = self.view.as_deref().expect("it is there until this is dropped");
        caught(act, || work(view)).inspect_err(|fault| self.broken(fault))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let Some(view) = self.view.take() else { return };
        match &*self.progress.borrow() {
            // Its threads and locks may be in any state: to end it may take for ever. A process has few of these.
            Progress::Broken(ViewFault::Panicked { .. }) => std::mem::forget(view),
            Progress::Fed(_) | Progress::Closed(_) | Progress::Broken(_) => {
                // Nobody is left to be told.
                let _said = caught("end", || {
                    drop(view);
                    Ok(())
                });
            }
        }
    }
}

/// Does what may panic.
pub(crate) fn caught<T>(
    act: &'static str,
    work: impl FnOnce() -> Result<T, ViewFault>,
) -> Result<T, ViewFault> {
    // What a panic leaves behind does not matter: nobody calls the view after it.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(ViewFault::Panicked { act, said: said(&*panic) }))
}

impl Rows for Guarded {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ViewFault> {
        self.call("read a row", |view| {
            let kept = view.get(table, key)?;
            kept.map(|kept| opened(table, key, kept).map(|(value, _)| value)).transpose()
        })
    }
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "nothing".to_owned())
}
