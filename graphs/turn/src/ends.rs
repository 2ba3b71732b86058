//! How a turn ends, and what it tells who asked.
use crate::{Talk, Tally};
use domain::{Finish, StopCause, TurnOutcome, TurnRequest};
use durable::FactId;
use engine::prelude::*;

/// The model answered.
#[state]
#[derive(Debug, PartialEq)]
pub struct Answered {
    /// Which conversation.
    pub talk: Talk,
    /// The message that is the answer.
    pub said: FactId,
    /// Why the model stopped writing.
    pub finish: Finish,
    /// How far the turn came.
    pub tally: Tally,
}

/// The turn stopped without an answer. What was said and done until then stays in the session.
#[state]
#[derive(Debug, PartialEq)]
pub struct Stopped {
    /// Why.
    pub cause: StopCause,
}

impl Answers<TurnRequest> for Answered {
    fn answer(self) -> TurnOutcome {
        TurnOutcome::Answered(self.said)
    }
}

impl Answers<TurnRequest> for Stopped {
    fn answer(self) -> TurnOutcome {
        TurnOutcome::Stopped(self.cause)
    }
}

impl From<Stop> for Stopped {
    fn from(stop: Stop) -> Self {
        let cause = match stop.why {
            StopWhy::Cancelled => StopCause::Cancelled,
            StopWhy::Exhausted(what) => StopCause::Spent(what),
            why @ (StopWhy::Fault(_) | StopWhy::ChildLost(_) | StopWhy::Unclaimed) => {
                StopCause::Failed(why.to_string())
            }
        };
        Stopped { cause }
    }
}
