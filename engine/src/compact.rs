//! When a journal is compacted, and by what: in the background, when enough is sealed, or when somebody was forgotten. What
//! stays is for the survey and the sieve to say.
use crate::{
    Engine, OpenFault,
    core::Core,
    log::{Flow, Group, LogFault, Lsn},
    sift::Sift,
    snapshot,
    survey::Survey,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// A compaction is due when so much was sealed since the last one (four segments), or half of what is compacted, whichever is
/// more. It reads all of the journal, and all in all each byte is so read some three times in its life; an open that finds
/// no snapshot reads so much more than it would have to, in less than half a second.
pub(crate) const DUE_BYTES: u64 = 256 << 20;

/// A compaction that failed is tried again after this: a disk that is full is so for minutes, and whoever forgot somebody wants
/// the bytes gone.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Who asked for a compaction.
#[derive(Default)]
pub(crate) struct Wish {
    wanted: AtomicBool,
    called: Notify,
}

impl Wish {
    /// Asks for one, however little is sealed.
    pub(crate) fn wish(&self) {
        self.wanted.store(true, Ordering::Release);
        self.called.notify_one();
    }

    /// Says that it may be time for one.
    pub(crate) fn look(&self) {
        self.called.notify_one();
    }
}

/// What a compaction has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compaction {
    /// The bytes of sealed files before.
    pub before: u64,
    /// And now.
    pub after: u64,
}

impl Engine {
    /// Compacts what is sealed, and returns when that is done. Pasts that nobody wants to look back on any more, facts that
    /// were superseded or forgotten, are off the disk then. It happens by itself when enough is sealed; runs go on meanwhile.
    ///
    /// # Errors
    /// When the journal cannot be read or written. What was compacted by then stays so, the rest is as it was.
    pub async fn compact(&self) -> Result<Compaction, OpenFault> {
        let core = self.core().clone();
        let done = tokio::task::spawn_blocking(move || round(&core)).await;
        done.unwrap_or(Err(LogFault::Closed.into()))
    }
}

impl Core {
    /// Compacts whenever that is due. What fails is told to the observer, and tried again; nothing is lost by it.
    pub(crate) async fn compact_when_due(self: Arc<Self>) {
        loop {
            self.wish.called.notified().await;
            let wanted = self.wish.wanted.swap(false, Ordering::AcqRel);
            if !wanted && !is_due(&self) {
                continue;
            }
            let core = self.clone();
            // It reads and writes files: not on a thread that drives runs.
            let done = tokio::task::spawn_blocking(move || round(&core)).await;
            if let Ok(Err(fault)) = done
                && self.halted.borrow().is_none()
            {
                self.observer.uncompacted(&fault);
                self.wish.wanted.store(true, Ordering::Release);
                self.sleep(AGAIN_AFTER).await;
                self.wish.look();
            }
        }
    }
}

fn is_due(core: &Core) -> bool {
    let sealed = core.log.sealed();
    sealed.raw_bytes >= core.compact_after.max(sealed.compacted_bytes / 2)
}

/// Surveys the journal and compacts all that is sealed, stretch by stretch.
fn round(core: &Core) -> Result<Compaction, OpenFault> {
    let _one = core.compacting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    core.sharing.survey();
    let mut survey = surveyed(core)?;
    core.sharing.decide(|origins| {
        survey.decide(core.registry.retention(), core.now(), origins);
        survey.going()
    });
    let done = sifted(core, &survey);
    core.sharing.end();
    let sum = done?;
    // The one that is there stays good, but knows of segments that are gone, and a start would read what is behind it.
    let _unkept = snapshot::keep(core);
    Ok(sum)
}

fn sifted(core: &Core, survey: &Survey) -> Result<Compaction, OpenFault> {
    let (mut from, mut sum) = (Lsn(1), Compaction::default());
    let mut sift = Sift::by(survey);
    while let Some(done) = core.log.compact(from, &mut sift)? {
        from = Lsn(done.last.0 + 1);
        (sum.before, sum.after) = (sum.before + done.before, sum.after + done.after);
    }
    Ok(sum)
}

fn surveyed(core: &Core) -> Result<Survey, OpenFault> {
    let (mut survey, mut stopped) = (Survey::default(), Ok(()));
    core.log.scan(Lsn(1), &mut |group: &Group| {
        stopped = match core.halted.borrow().clone() {
            Some(fault) => Err(fault.into()),
            None => survey.take(group).map_err(OpenFault::from),
        };
        if stopped.is_ok() { Flow::Continue } else { Flow::Stop }
    })?;
    stopped.map(|()| survey)
}
