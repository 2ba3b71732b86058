//! Forks a run: another run begins in a state that this one has been in. The state is copied, the past is named; nothing of
//! the past is done again, and nothing that belongs to the first run alone goes over to the second: not its budget, not
//! the keys of its effects, not its mail, not the approvals in its state, which name the run that they were given to.
//!
//! What it costs does not depend on how long the past is: one record is read, two are written.
use crate::{
    Budget, Engine, Fault, Graph, InstanceId, Journal, Refused, Starting,
    codec::Reading,
    live::random,
    log::{Flow, Group, LogFault, Lsn},
    open::OpenFault,
    record::Record,
    registry::graph_tag,
    standing::Origin,
};

/// A state that a run has been in, or is in: where a fork of it may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    instance: InstanceId,
    seq: u64,
    lsn: Lsn,
}

impl Point {
    /// The run.
    pub fn instance(&self) -> InstanceId {
        self.instance
    }

    /// How many moves it had made when it was in the state.
    pub fn seq(&self) -> u64 {
        self.seq
    }
}

/// A run cannot be forked there. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ForkFault {
    /// There is no such run.
    #[error("there is no run {0}")]
    Unknown(InstanceId),
    /// It has not made so many moves.
    #[error("run {instance} has made {moves} moves: it can be forked at 0 to {moves}, not at {seq}")]
    NoMove {
        /// The run.
        instance: InstanceId,
        /// What was asked for.
        seq: u64,
        /// How many it has made.
        moves: u64,
    },
    /// The record of it is gone: pasts are kept for a while only.
    #[error("run {instance} has been in its state {seq}, but that part of its past is not kept any more")]
    Trimmed {
        /// The run.
        instance: InstanceId,
        /// What was asked for.
        seq: u64,
    },
    /// Somebody to whom it belonged was forgotten.
    #[error(
        "run {0} belonged to somebody who was forgotten, and what was said in it with them: it cannot be forked"
    )]
    Forgotten(InstanceId),
    /// Nothing follows an end.
    #[error(
        "run {instance} had ended by its move {seq}, and nothing follows an end: fork it at an earlier one"
    )]
    Ended {
        /// The run.
        instance: InstanceId,
        /// What was asked for.
        seq: u64,
    },
    /// It is a run of another graph.
    #[error("run {instance} is not one of graph `{graph}`")]
    Graph {
        /// The run.
        instance: InstanceId,
        /// The graph that was asked for.
        graph: &'static str,
    },
    /// The state is of another version, or who forks refuses it.
    #[error("run {instance} cannot be forked at {seq}: {source}")]
    State {
        /// The run.
        instance: InstanceId,
        /// What was asked for.
        seq: u64,
        /// Why.
        source: Refused,
    },
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] OpenFault),
    /// The fork cannot begin.
    #[error(transparent)]
    Begin(#[from] Fault),
}

impl From<LogFault> for ForkFault {
    fn from(fault: LogFault) -> ForkFault {
        ForkFault::Journal(fault.into())
    }
}

impl Journal {
    /// Finds the state that a run was in after so many moves. It reads the journal until it is found: that of an engine from
    /// where the run began.
    ///
    /// # Errors
    /// When there is none.
    pub fn point(&self, instance: InstanceId, seq: u64) -> Result<Point, ForkFault> {
        if self.forgotten()?.holds(instance) {
            return Err(ForkFault::Forgotten(instance));
        }
        let (mut moves, mut found, mut broken) = (None, None, None);
        self.log().scan(self.from(instance), &mut |group: &Group| {
            for (lsn, bytes) in (group.first.0..).zip(&group.records) {
                let record = match Record::decode(bytes) {
                    Ok(record) => record,
                    Err(refused) => {
                        broken = Some(refused);
                        return Flow::Stop;
                    }
                };
                let Some(entered) = record.entered().filter(|it| it.instance == instance) else { continue };
                moves = Some(entered.seq);
                if entered.seq == seq {
                    found = Some(Point { instance, seq, lsn: Lsn(lsn) });
                    return Flow::Stop;
                }
            }
            Flow::Continue
        })?;
        if let Some(refused) = broken {
            return Err(ForkFault::Journal(refused.into()));
        }
        match (found, moves) {
            (Some(point), _) => Ok(point),
            (None, None) => Err(ForkFault::Unknown(instance)),
            (None, Some(moves)) if moves < seq => Err(ForkFault::NoMove { instance, seq, moves }),
            (None, Some(_)) => Err(ForkFault::Trimmed { instance, seq }),
        }
    }
}

impl Engine {
    /// Looks at the state at a point. It lends the state and never gives it away.
    ///
    /// # Errors
    /// When the point is of another graph, or of a version that this build cannot read.
    pub fn look<G: Graph, T>(&self, at: &Point, look: impl FnOnce(&G::State) -> T) -> Result<T, ForkFault> {
        self.entered::<G>(at).map(|(state, _)| look(&state))
    }

    /// Reads the state at a point, and says whether it is an end.
    fn entered<G: Graph>(&self, at: &Point) -> Result<(G::State, bool), ForkFault> {
        let Point { instance, seq, lsn } = *at;
        let meta = const { G::META };
        let slot = self.core().slot(instance).ok_or(ForkFault::Unknown(instance))?;
        if slot.lock().graph != graph_tag(&meta) {
            return Err(ForkFault::Graph { instance, graph: meta.name });
        }
        if self.core().forgotten.holds(instance) {
            return Err(ForkFault::Forgotten(instance));
        }
        let record = Record::decode(&self.core().log.read(lsn)?).map_err(OpenFault::from)?;
        let entered = record.entered().filter(|it| (it.instance, it.seq) == (instance, seq));
        let entered = entered.ok_or(ForkFault::Trimmed { instance, seq })?;
        let state = G::decode(entered.state, &Reading::OWN);
        Ok((state.map_err(|source| ForkFault::State { instance, seq, source })?, entered.ended))
    }

    /// Begins a run in the state at a point, with a budget of its own and an empty mailbox; its timers begin anew and what
    /// the state asks of a child is asked again. `change` may put another state in its place: a conversation that goes on
    /// elsewhere, another question. Await what is returned to know that the fork is durable.
    ///
    /// # Errors
    /// When the point is an end, or of another graph, or of a version that this build cannot read; and what `change`
    /// refuses.
    pub fn fork<G: Graph>(
        &self,
        at: &Point,
        budget: Budget,
        change: impl FnOnce(G::State) -> Result<G::State, Refused>,
    ) -> Result<Starting<G>, ForkFault> {
        let Point { instance, seq, .. } = *at;
        let (state, ended) = self.entered::<G>(at)?;
        if ended {
            return Err(ForkFault::Ended { instance, seq });
        }
        let state = change(state).map_err(|source| ForkFault::State { instance, seq, source })?;
        let mut last = self.core().forking();
        // Once more: from here on nobody forgets it without meeting the fork.
        if self.core().forgotten.holds(instance) {
            return Err(ForkFault::Forgotten(instance));
        }
        if !self.core().sharing.share(instance) {
            return Err(ForkFault::Trimmed { instance, seq });
        }
        let origin = Origin { instance, seq };
        let fork = self.begin::<G>(InstanceId(random()), state, budget, Some(origin))?;
        *last = fork.barrier();
        Ok(fork)
    }
}
