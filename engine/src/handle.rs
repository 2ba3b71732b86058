//! A handle on one run: send, cancel, wait for its end.
use crate::{
    Encoded, EventOf, Fault, Graph, InstanceId,
    codec::Reading,
    core::Core,
    log::{LogFault, Lsn},
    record::{Cancel, EventId, Mail, Record},
    slot::{Held, Slot},
    standing::Status,
    sync::MutexGuard,
};
use futures::future::BoxFuture;
use pin_project::pin_project;
use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// So many events may wait for a run that does not take them: beyond it, the sender is told.
pub const MAIL_MAX: usize = 1024;

/// An event did not reach its run.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SendFault {
    /// The run has ended or is parked.
    #[error("run {0} takes no events any more")]
    Over(InstanceId),
    /// It has more events than it takes.
    #[error("run {0} has {MAIL_MAX} events waiting: try again when it has taken some")]
    Full(InstanceId),
    /// The journal failed.
    #[error(transparent)]
    Log(#[from] LogFault),
}

/// A run did not come to an end.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EndFault {
    /// It is set aside until an operator lets it go on.
    #[error("run {instance} is parked: {why}")]
    Parked {
        /// Which.
        instance: InstanceId,
        /// Why.
        why: String,
    },
    /// The journal failed: the run goes on when the process is started again.
    #[error(transparent)]
    Log(#[from] LogFault),
    /// Its end is of another build.
    #[error(transparent)]
    Refused(#[from] crate::Refused),
    /// The engine is gone.
    #[error("the engine was closed")]
    Closed,
}

/// A handle on one run of `G`. Dropping it changes nothing for the run.
pub struct Run<G: Graph> {
    core: Arc<Core>,
    slot: Arc<Slot>,
    graph: PhantomData<fn() -> G>,
}

impl<G: Graph> Drop for Run<G> {
    fn drop(&mut self) {
        self.core.table.rest(&self.slot);
    }
}

impl<G: Graph> Clone for Run<G> {
    fn clone(&self) -> Self {
        Run::new(self.core.clone(), self.slot.clone())
    }
}

impl<G: Graph> Run<G> {
    pub(crate) fn new(core: Arc<Core>, slot: Arc<Slot>) -> Run<G> {
        Run { core, slot, graph: PhantomData }
    }

    pub(crate) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// Which run it is.
    pub fn id(&self) -> InstanceId {
        self.slot.instance
    }

    /// When it began.
    pub fn started(&self) -> crate::Time {
        self.slot.lock().started
    }

    /// Whether the run is over: ended or parked, durably.
    pub fn is_over(&self) -> bool {
        self.slot.is_over()
    }

    /// Looks at the state that the run is in. It lends the state and never gives it away.
    ///
    /// # Errors
    /// When the state is of another build.
    pub fn look<T>(&self, look: impl FnOnce(&G::State) -> T) -> Result<T, crate::Refused> {
        let state = self.told().state.clone();
        G::decode(&state, &Reading::OWN).map(|state| look(&state))
    }

    /// Where it stands, as far as it may be told: it may have been forgotten since this handle was made.
    fn told(&self) -> MutexGuard<'_, Held> {
        let mut held = self.slot.lock();
        if held.standing.is_over() && self.core.forgotten.holds(self.slot.instance) {
            held.blank();
        }
        held
    }

    /// Sends an event. Await it to know that it is durable; it is handled exactly once.
    pub fn send<E: EventOf<G>>(&self, event: E) -> Sending {
        self.post(EventId::Drawn(crate::live::random()), Encoded::stored(&event))
    }

    /// Sends an event under an id of the sender's choice. Sent again under the same id, it changes nothing, whether it
    /// was handled meanwhile or the process was started anew; the last 4096 ids are remembered.
    pub fn send_as<E: EventOf<G>>(&self, id: &str, event: E) -> Sending {
        let id = crate::effect::effect_key(self.slot.instance, 0, &format!("event/{id}"));
        self.post(EventId::Given(id), Encoded::stored(&event))
    }

    fn post(&self, event: EventId, payload: Encoded) -> Sending {
        let mut standing = self.slot.lock();
        if standing.seen.contains(event) {
            // Known already, but perhaps not yet durable.
            return Sending::until(&self.core, self.slot.barrier());
        }
        if standing.status != Status::Live {
            return Sending::over(&self.core, &self.slot);
        }
        if standing.mail.len() >= MAIL_MAX {
            return Sending::failed(SendFault::Full(self.slot.instance));
        }
        let mail = Mail { instance: self.slot.instance, event, payload, at: self.core.now() };
        let lsn = match self.core.write(&self.slot, &mut standing, [Record::Mail(mail)]) {
            Ok(lsn) => lsn,
            Err(fault) => return Sending::failed(fault.into()),
        };
        drop(standing);
        self.core.wake(&self.slot);
        Sending::until(&self.core, lsn)
    }

    /// Cancels the run and everything below it. Await it to know that it is durable. A run that has ended stays as it is;
    /// one that is parked is let go on, to its end.
    pub fn cancel(&self) -> Sending {
        Sending::cancel(&self.core, &self.slot)
    }

    /// Waits for the end.
    ///
    /// # Errors
    /// When the run is parked, by a fault or by an operator, or the journal failed.
    pub async fn end(&self) -> Result<G::End, EndFault> {
        let mut halted = self.core.halted.subscribe();
        tokio::select! {
            biased;
            () = self.slot.over() => {}
            fault = halted.wait_for(Option::is_some) => {
                let fault = fault.map_err(|_| EndFault::Closed)?.clone();
                return Err(match fault {
                    None | Some(LogFault::Closed) => EndFault::Closed,
                    Some(fault) => EndFault::Log(fault),
                });
            }
        }
        let (state, status, paused) = {
            let standing = self.told();
            let paused = standing.paused.as_ref().map(|pause| pause.why.clone());
            (standing.state.clone(), standing.status.clone(), paused)
        };
        match status {
            Status::Parked(why) => Err(EndFault::Parked { instance: self.slot.instance, why }),
            Status::Live => {
                Err(EndFault::Parked { instance: self.slot.instance, why: paused.unwrap_or_default() })
            }
            Status::Ended => {
                let state = G::decode(&state, &Reading::OWN)?;
                G::finish(state).map_err(|_| EndFault::Closed)
            }
        }
    }
}

/// Something was ordered; await it to know that it is durable.
#[must_use = "await it to know that it is durable"]
#[pin_project]
pub struct Sending {
    #[pin]
    durable: BoxFuture<'static, Result<(), SendFault>>,
}

impl Sending {
    /// Cancels a run and everything below it.
    pub(crate) fn cancel(core: &Arc<Core>, slot: &Slot) -> Sending {
        let instances = core.subtree([slot.instance]);
        if instances.is_empty() {
            return Sending::until(core, slot.barrier());
        }
        if let Err(fault) = core.settle(&instances) {
            return Sending::failed(fault.into());
        }
        let cancel = Cancel { instances, at: core.now() };
        // Marked before any effect stops: a crash in between must not revive half the tree.
        match core.announce(&Record::Cancel(cancel)) {
            Ok(lsn) => Sending::until(core, lsn),
            Err(fault) => Sending::failed(fault.into()),
        }
    }
    fn until(core: &Arc<Core>, lsn: Lsn) -> Sending {
        let core = core.clone();
        Sending { durable: Box::pin(async move { Ok(core.durable(lsn).await?) }) }
    }
    /// Fails, once the end is durable: after a crash before that, the run would take the event.
    fn over(core: &Arc<Core>, slot: &Slot) -> Sending {
        let (core, lsn, instance) = (core.clone(), slot.barrier(), slot.instance);
        Sending {
            durable: Box::pin(async move {
                core.durable(lsn).await.map_err(SendFault::from).and(Err(SendFault::Over(instance)))
            }),
        }
    }
    fn failed(fault: SendFault) -> Sending {
        Sending { durable: Box::pin(std::future::ready(Err(fault))) }
    }
}

impl Future for Sending {
    type Output = Result<(), SendFault>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().durable.poll(cx)
    }
}

/// A run has begun; await it to know that it is durable.
#[must_use = "await it to know that the run is durable"]
#[pin_project]
pub struct Starting<G: Graph> {
    #[pin]
    durable: BoxFuture<'static, Result<(), Fault>>,
    run: Option<Run<G>>,
}

impl<G: Graph> Starting<G> {
    pub(crate) fn begun(core: Arc<Core>, slot: Arc<Slot>) -> Starting<G> {
        let (waiting, lsn) = (core.clone(), slot.barrier());
        let durable = Box::pin(async move { Ok(waiting.durable(lsn).await?) });
        Starting { durable, run: Some(Run::new(core, slot)) }
    }
    /// The last record of the group with which it began, or a later one.
    pub(crate) fn barrier(&self) -> Lsn {
        self.run.as_ref().map_or(Lsn::START, |run| run.slot.barrier())
    }
    pub(crate) fn failed(fault: Fault) -> Starting<G> {
        Starting { durable: Box::pin(std::future::ready(Err(fault))), run: None }
    }
}

impl<G: Graph> Future for Starting<G> {
    type Output = Result<Run<G>, Fault>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        ready!(this.durable.poll(cx))?;
        Poll::Ready(this.run.take().ok_or(Fault::Halted))
    }
}
