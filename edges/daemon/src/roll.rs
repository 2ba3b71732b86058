//! The runs of a home as a list shows them: what the engine knows of each, and besides what it does and for whom.
use crate::{
    args::{Life, Wanted},
    exit::Failure,
    graphs::GRAPHS,
};
use domain::{SessionTouched, UserId};
use durable::{InstanceId, Time};
use engine::{
    Journal,
    graph::Trigger,
    journal::{self, Summary},
};
use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// What stands before the id of a session where it owns facts.
const SESSION: &str = "session:";

/// A run.
pub(crate) struct Row {
    pub(crate) run: Summary,
    pub(crate) life: Life,
    /// The session that it speaks in.
    pub(crate) session: Option<String>,
    pub(crate) user: Option<UserId>,
}

/// Every run of a journal, in the order in which they began.
pub(crate) fn rows(journal: &Journal) -> Result<Vec<Row>, Failure> {
    let (mut sessions, mut users) = (HashMap::<InstanceId, String>::new(), HashMap::new());
    let mut take = |fact: engine::follow::FactEntry| {
        let Some(session) = fact.owner.0.strip_prefix(SESSION) else { return };
        sessions.entry(fact.id.instance).or_insert_with(|| session.to_owned());
        if let Ok(touched) = fact.fact.to_durable::<SessionTouched>() {
            // A session belongs to who touched it first.
            users.entry(session.to_owned()).or_insert(touched.user);
        }
    };
    journal.facts(&mut take).map_err(Failure::storage)?;
    let row = |run: Summary| {
        let session = sessions.get(&run.instance).cloned();
        let user = session.as_ref().and_then(|session| users.get(session)).cloned();
        Row { life: life(&run), session, user, run }
    };
    Ok(journal.runs().map_err(Failure::storage)?.into_iter().map(row).collect())
}

/// What a run does, as far as the journal tells.
fn life(run: &Summary) -> Life {
    match &run.life {
        journal::Life::Ended => Life::Ended,
        journal::Life::Parked(_) => Life::Parked,
        journal::Life::Stopping => Life::Stopping,
        // What has begun, is never repeated and has no result may have happened.
        journal::Life::Living if !run.open.is_empty() || run.state == "Uncertain" => Life::InDoubt,
        journal::Life::Living if waits(run) => Life::Waiting,
        journal::Life::Living => Life::Running,
    }
}

fn waits(run: &Summary) -> bool {
    let edges = GRAPHS.iter().filter(|graph| graph.name == run.graph).flat_map(|graph| graph.edges);
    let mut edges = edges.filter(|edge| edge.from == run.state).peekable();
    edges.peek().is_some() && edges.all(|edge| edge.trigger != Trigger::Entered)
}

impl Row {
    /// Whether the run is among those that are wanted.
    pub(crate) fn fits(&self, wanted: &Wanted, now: Time) -> bool {
        let Wanted { graph, state, life, user, session, older, newer } = wanted;
        let age = now.since(self.run.started);
        graph.as_ref().is_none_or(|graph| graph.eq_ignore_ascii_case(&self.run.graph))
            && state.as_ref().is_none_or(|state| state.eq_ignore_ascii_case(&self.run.state))
            && life.is_none_or(|life| life == self.life)
            && user.as_ref().is_none_or(|user| self.user.as_ref() == Some(user))
            && session.as_ref().is_none_or(|id| self.session.as_deref() == Some(id.as_str()))
            && older.is_none_or(|span| age > span)
            && newer.is_none_or(|span| age <= span)
    }
}

/// Now, by the clock on the wall.
pub(crate) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
