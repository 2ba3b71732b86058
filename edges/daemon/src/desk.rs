//! The front desk of a local run: which session, which turns are still under way in it, and how a new one begins.
use crate::{args::Which, exit::Failure, house::House};
use domain::{SessionId, TurnId, TurnRequest, UserId};
use durable::InstanceId;
use engine::{Opens, Run, Starting};
use turn::{Gathering, Turn, talk};
use uuid::Uuid;

/// A seat in one session.
pub(crate) struct Desk<'a> {
    house: &'a House,
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
}

impl<'a> Desk<'a> {
    /// Finds the session, once the view has come as far as the journal.
    pub(crate) async fn sit(house: &'a House, user: &UserId, which: &Which) -> Result<Desk<'a>, Failure> {
        house.store.reach(house.engine.journal().durable()).await.map_err(Failure::other)?;
        let session = match which {
            Which::New => fresh()?,
            Which::Named(id) => owned(house, user, id)?,
            Which::Latest => {
                let sessions = house.store.sessions(user).map_err(Failure::other)?;
                let under_way = || under_way(house, user).pop().map(|(session, _)| session);
                match sessions.into_iter().next().map(|row| row.session).or_else(under_way) {
                    Some(session) => session,
                    None => fresh()?,
                }
            }
        };
        Ok(Desk { house, user: user.clone(), session })
    }

    /// The turns of this session that an earlier process began and did not finish, oldest first. They go on already.
    pub(crate) fn interrupted(&self) -> Vec<(TurnId, Run<Turn>)> {
        let mut turns = Vec::new();
        for (session, run) in under_way(self.house, &self.user) {
            let turn = run.look(|state| talk(state).map(|talk| talk.turn.clone()));
            if let (true, Ok(Some(turn))) = (session == self.session, turn) {
                turns.push((turn, run));
            }
        }
        turns
    }

    /// Begins a turn.
    pub(crate) fn begin(&self, prompt: String) -> Result<(TurnId, Starting<Turn>), Failure> {
        let turn = TurnId::parse(&Uuid::now_v7().to_string()).map_err(Failure::other)?;
        let id = instance_of(&self.session, &turn);
        let request =
            TurnRequest { user: self.user.clone(), session: self.session.clone(), turn: turn.clone(), prompt };
        Ok((turn, self.house.engine.start_as(id, Gathering::open(request), self.house.budget())))
    }
}

/// A turn sent again under the same id finds the run that is there.
fn instance_of(session: &SessionId, turn: &TurnId) -> InstanceId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(session.as_str().as_bytes()).update(b"\0").update(turn.as_str().as_bytes());
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    InstanceId(u128::from_le_bytes(id))
}

fn fresh() -> Result<SessionId, Failure> {
    SessionId::parse(&Uuid::now_v7().to_string()).map_err(Failure::other)
}

fn owned(house: &House, user: &UserId, id: &SessionId) -> Result<SessionId, Failure> {
    let row = house.store.session(id).map_err(Failure::other)?;
    match row {
        Some(row) if row.user != *user => Err(Failure::usage(format!(
            "session `{id}` belongs to another user: choose another id, or say who you are with --user"
        ))),
        Some(_) | None => Ok(id.clone()),
    }
}

/// The living turns of a user with their sessions, oldest first.
fn under_way(house: &House, user: &UserId) -> Vec<(SessionId, Run<Turn>)> {
    let mut runs = house.engine.living::<Turn>();
    runs.sort_by_key(|run| (run.started(), run.id()));
    let of = |run: Run<Turn>| {
        let session = run.look(|state| talk(state).filter(|talk| talk.user == *user).map(|talk| talk.session.clone()));
        Some((session.ok().flatten()?, run))
    };
    runs.into_iter().filter_map(of).collect()
}
