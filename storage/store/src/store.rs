//! Reads what the view holds, and waits for what it does not hold yet. Changes nothing.
use crate::{
    Bodies, BootId, SessionRow, StoreFollower, UsageTotals, View, ViewFault,
    guarded::{Guarded, Progress},
    tables::{
        conversation::{self, Address, Place},
        sessions, usage,
    },
};
use domain::{Conversation, MessageSaid, SessionId, Unreadable, UserId};
use engine::{FactId, log::Lsn};
use futures::future::BoxFuture;
use std::{error::Error, iter, sync::Arc, time::Duration};
use tokio::time::timeout;

/// A read waits so long for a fact. The view is milliseconds behind the journal; one that needs longer is being
/// rebuilt, or stuck.
pub const READ_WAIT_MAX: Duration = Duration::from_secs(10);

/// A start waits so long for the view to reach the end of the journal: a rebuild reads some 40,000 records a second.
pub const CATCH_UP_MAX: Duration = Duration::from_secs(120);

/// What the view holds of the journal.
#[derive(Clone)]
pub struct Store {
    view: Arc<Guarded>,
    bodies: Arc<dyn Bodies>,
}

/// The view is not where it is wanted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Late {
    /// It did not come as far in time, or nobody feeds it any more.
    #[error("the view holds the journal up to record {}, not up to {}", at.0, wanted.0)]
    Behind {
        /// Where it is.
        at: Lsn,
        /// Where it should be.
        wanted: Lsn,
    },
    /// It failed.
    #[error("the view is broken")]
    Broken(#[source] ViewFault),
}

impl Store {
    /// Opens a view: the handle that reads it, and the end that the engine feeds. A view that was not closed before
    /// the machine went down is emptied first.
    ///
    /// # Errors
    /// When the view fails: another one, empty, will do.
    pub fn open(view: Box<dyn View>, bodies: Arc<dyn Bodies>) -> Result<(Store, StoreFollower), ViewFault> {
        let view = Arc::new(Guarded::open(view, BootId::current())?);
        Ok((Store { view: view.clone(), bodies }, StoreFollower::of(view)))
    }

    /// Waits, at most [`CATCH_UP_MAX`], until the view holds everything up to `lsn`.
    ///
    /// # Errors
    /// When it does not come as far, or is broken.
    pub async fn reach(&self, lsn: Lsn) -> Result<(), Late> {
        let mut progress = self.view.progress();
        let arrived = |progress: &Progress| match progress {
            Progress::Fed(at) => *at >= lsn,
            Progress::Closed(_) | Progress::Broken(_) => true,
        };
        // Whatever ended the wait, where the view is now decides.
        let _waited = timeout(CATCH_UP_MAX, progress.wait_for(arrived)).await.is_ok();
        match &*progress.borrow() {
            Progress::Fed(at) | Progress::Closed(at) if *at >= lsn => Ok(()),
            Progress::Fed(at) | Progress::Closed(at) => Err(Late::Behind { at: *at, wanted: lsn }),
            Progress::Broken(fault) => Err(Late::Broken(fault.clone())),
        }
    }

    /// Returns the sessions of a user, newest first.
    ///
    /// # Errors
    /// When the view is broken.
    pub fn sessions(&self, user: &UserId) -> Result<Vec<SessionRow>, Unreadable> {
        sessions::of_user(&self.view, user).map_err(|fault| broken(&fault))
    }

    /// Returns a session, or `None` if no turn ever began in it.
    ///
    /// # Errors
    /// When the view is broken.
    pub fn session(&self, session: &SessionId) -> Result<Option<SessionRow>, Unreadable> {
        sessions::one(&self.view, session).map_err(|fault| broken(&fault))
    }

    /// Returns what the model calls of a session used up.
    ///
    /// # Errors
    /// When the view is broken.
    pub fn usage(&self, session: &SessionId) -> Result<UsageTotals, Unreadable> {
        usage::of_session(&*self.view, session).map_err(|fault| broken(&fault))
    }

    /// Returns all that was said in a session so far, oldest first.
    ///
    /// # Errors
    /// When the view is broken, or the journal cannot be read.
    pub fn messages(&self, session: &SessionId) -> Result<Vec<MessageSaid>, Unreadable> {
        self.said(session, None)
    }

    fn said(&self, session: &SessionId, last: Option<Place>) -> Result<Vec<MessageSaid>, Unreadable> {
        let addresses = conversation::addresses(&self.view, session, last).map_err(|fault| broken(&fault))?;
        addresses.into_iter().map(|address| self.message(session, address)).collect()
    }

    fn message(&self, session: &SessionId, (lsn, id): Address) -> Result<MessageSaid, Unreadable> {
        let body = self.bodies.fact(lsn, id).map_err(|fault| broken(&fault))?;
        let said: MessageSaid = body.to_durable().map_err(|fault| broken(&fault))?;
        // The journal vouches for the body; only this tells that the row was right about whose it is.
        if said.session != *session {
            return Err(Unreadable::Broken(format!("record {} is not of session {session}", lsn.0)));
        }
        Ok(said)
    }

    async fn place(&self, session: &SessionId, id: FactId) -> Result<Place, Unreadable> {
        let waited = timeout(READ_WAIT_MAX, self.place_unbounded(session, id)).await;
        waited.unwrap_or(Err(Unreadable::Behind(id)))
    }

    async fn place_unbounded(&self, session: &SessionId, id: FactId) -> Result<Place, Unreadable> {
        // Parallel effects finish in any order: what stands before the fact may lie behind it in the journal. Whoever
        // reads has all of it behind a barrier, so all of it is durable by now.
        let wanted = self.bodies.durable();
        let mut progress = self.view.progress();
        loop {
            // Noted before the look: what is applied after the look wakes the wait below.
            let (at, more_to_come) = match *progress.borrow_and_update() {
                Progress::Fed(at) => (at, true),
                Progress::Closed(at) => (at, false),
                Progress::Broken(ref fault) => return Err(broken(fault)),
            };
            let place = conversation::place(&self.view, session, id).map_err(|fault| broken(&fault))?;
            if let Some(place) = place.filter(|_| at >= wanted) {
                return Ok(place);
            }
            if !more_to_come || progress.changed().await.is_err() {
                return Err(Unreadable::Behind(id));
            }
        }
    }
}

impl Conversation for Store {
    /// What is returned is the same at every reading for who holds `upto` in a state, since the move that recorded it
    /// is over then. Until it is, its parallel effects may still say something that stands before `upto`.
    fn upto<'a>(
        &'a self,
        session: &'a SessionId,
        upto: FactId,
    ) -> BoxFuture<'a, Result<Vec<MessageSaid>, Unreadable>> {
        Box::pin(async move {
            let last = self.place(session, upto).await?;
            self.said(session, Some(last))
        })
    }
}

/// The port carries one text: the fault and all its causes.
fn broken(fault: &(dyn Error + 'static)) -> Unreadable {
    let causes = iter::successors(Some(fault), |fault| (**fault).source());
    Unreadable::Broken(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}
