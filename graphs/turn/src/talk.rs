//! Which conversation a turn belongs to, and how it speaks in it.
use domain::{Message, MessageSaid, SessionId, TurnId, UserId};
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
