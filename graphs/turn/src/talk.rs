//! Which conversation a turn belongs to, and how it speaks in it.
use domain::{Message, MessageSaid, SessionId, TurnId, Usage, UserId};
use durable::{Time, durable};

/// Which conversation a turn belongs to. Every state of the turn holds it; the history stays outside.
#[durable]
#[derive(Clone, PartialEq, Debug)]
pub struct Talk {
    /// For whom.
    pub user: UserId,
    /// In which session.
    pub session: SessionId,
    /// The turn's id.
    pub turn: TurnId,
}

impl Talk {
    pub(crate) fn said(&self, at: Time, message: Message) -> MessageSaid {
        MessageSaid { session: self.session.clone(), turn: self.turn.clone(), at, message }
    }
}

/// How far a turn has come: what its watchers and its owner are told.
#[durable]
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    /// How many model round trips it has made.
    pub rounds: u32,
    /// What they used. Attempts that were lost are not in it; the budget was charged for them all the same.
    pub used: Usage,
}

impl Tally {
    pub(crate) fn and(self, usage: Usage) -> Tally {
        Tally { rounds: self.rounds + 1, used: self.used + usage }
    }
}
