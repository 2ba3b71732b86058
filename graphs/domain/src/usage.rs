//! What model calls use up.
use crate::{MicroUsd, SessionId, Tokens, TurnId};
use durable::{Fact, Owner, Time, durable, fact};
use std::ops::Add;

/// What one model call used.
#[durable]
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Usage {
    /// Tokens read.
    pub input: Tokens,
    /// Tokens written.
    pub output: Tokens,
    /// What it cost.
    pub cost: MicroUsd,
}

impl Add for Usage {
    type Output = Usage;
    fn add(self, other: Usage) -> Usage {
        Usage {
            input: Tokens(self.input.0.saturating_add(other.input.0)),
            output: Tokens(self.output.0.saturating_add(other.output.0)),
            cost: MicroUsd(self.cost.0.saturating_add(other.cost.0)),
        }
    }
}

/// A model call was made and is charged.
#[fact("usage")]
#[derive(Clone, PartialEq, Debug)]
pub struct UsageSpent {
    /// In which session.
    pub session: SessionId,
    /// In which turn.
    pub turn: TurnId,
    /// When the state that called was entered.
    pub at: Time,
    /// Which model.
    pub model: String,
    /// Which attempt of the call: above one, an earlier attempt was lost and may have been charged as well.
    pub attempt: u32,
    /// What it used.
    pub usage: Usage,
}

impl Fact for UsageSpent {
    fn owner(&self) -> Owner {
        self.session.owner()
    }
}
