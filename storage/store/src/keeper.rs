//! Keeps a view that works in place: opens it, and when it fails sets it aside and has another one built from the
//! journal, in the background. What cannot be kept on disk is kept in memory. It decides nothing about the journal.
use crate::{
    Bodies, BootId, Distrust, MemoryView, StoreFollower, View, ViewFault,
    guarded::{Guarded, Progress, caught},
    shelf::Shelf,
};
use engine::log::Lsn;
use futures::executor::block_on;
use std::{fmt, path::PathBuf, sync::Arc, thread};
use tokio::sync::watch;

/// So many views are given up in one process: the disk, or this build, does not bear one. The next is in memory.
const GIVEN_UP_MAX: u32 = 3;

/// What happened to a view. Nothing is lost by it but time.
#[derive(Debug, Clone)]
pub enum Kept {
    /// It could not be used: it was removed, and is built anew.
    Removed(Distrust),
    /// It failed: it was set aside, and another one is built.
    Quarantined {
        /// What it did.
        fault: ViewFault,
        /// Where it can be looked at, if it could be kept.
        at: Option<PathBuf>,
    },
    /// No view on disk works: it is kept in memory until the next start.
    InMemory,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kept::Removed(why) => write!(f, "the view of the journal is built anew: {why}"),
            Kept::Quarantined { fault, at } => {
                write!(f, "the view of the journal is built anew: {}", fault.with_causes())?;
                at.iter().try_for_each(|at| write!(f, "; what it was is in {}", at.display()))
            }
            Kept::InMemory => f.write_str("the view of the journal is kept in memory: none on disk works"),
        }
    }
}

pub(crate) struct Keeper {
    pub(crate) shelf: Box<dyn Shelf>,
    pub(crate) bodies: Arc<dyn Bodies>,
    pub(crate) boot: Option<BootId>,
    /// Feeds a view from where it stands.
    pub(crate) feed: Box<dyn Fn(StoreFollower) + Send>,
    pub(crate) told: Box<dyn Fn(&Kept) + Send>,
    pub(crate) given_up: u32,
}

impl Keeper {
    /// Opens a view that works: the one that is there, an empty one, or one in memory.
    pub(crate) fn open(&mut self) -> Arc<Guarded> {
        while self.given_up < GIVEN_UP_MAX {
            match self.attempt() {
                Ok(None) => {}
                Ok(Some(view)) => return Arc::new(view),
                Err(fault) => self.set_aside(fault),
            }
        }
        (self.told)(&Kept::InMemory);
        Arc::new(self.guarded(Box::new(MemoryView::new())))
    }

    /// Replaces the view whenever it breaks, until it is closed.
    pub(crate) fn watch(mut self, now: watch::Sender<Arc<Guarded>>) {
        let keep = move || {
            loop {
                let progress = now.borrow().progress();
                let fault = match block_on(ended(progress)) {
                    Some(fault) if fault.is_of_the_view() => fault,
                    // Nobody feeds it any more, or another one would end the same way.
                    Some(_) | None => return,
                };
                self.set_aside(fault);
                let next = self.open();
                now.send_replace(next.clone());
                (self.feed)(StoreFollower::of(next));
            }
        };
        // Without the thread a broken view stays broken, and says so.
        let _unkept = thread::Builder::new().name("view-keeper".to_owned()).spawn(keep);
    }

    fn attempt(&mut self) -> Result<Option<Guarded>, ViewFault> {
        let view = caught("open", || self.shelf.open())?;
        let view = self.guarded(view);
        match view.look(self.boot, &*self.bodies)? {
            None => {
                view.begin(self.boot)?;
                Ok(Some(view))
            }
            Some(why) => {
                drop(view);
                self.shelf.remove();
                self.given_up += 1;
                (self.told)(&Kept::Removed(why));
                Ok(None)
            }
        }
    }

    fn guarded(&self, view: Box<dyn View>) -> Guarded {
        Guarded::of(view, self.bodies.durable())
    }

    fn set_aside(&mut self, fault: ViewFault) {
        self.given_up += 1;
        let at = self.shelf.quarantine();
        (self.told)(&Kept::Quarantined { fault, at });
    }
}

/// Waits until the view is broken, or `None`: closed.
async fn ended(mut progress: watch::Receiver<Progress>) -> Option<ViewFault> {
    let over = |progress: &Progress| !matches!(progress, Progress::Fed(_));
    match &*progress.wait_for(over).await.ok()? {
        Progress::Broken(fault) => Some(fault.clone()),
        Progress::Closed(_) | Progress::Fed(Lsn(_)) => None,
    }
}
