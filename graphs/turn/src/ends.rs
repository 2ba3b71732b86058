//! How a turn ends, and what it tells who asked.
use crate::{Intent, Talk, Tally};
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
    /// The calls that were under way, are never repeated, and may have happened.
    pub in_doubt: Vec<Intent>,
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
        // An intent of another build says nothing that could be shown; the effect's name stands in the journal.
        let in_doubt = stop.in_doubt.iter().filter_map(|doubt| doubt.intent().ok()).collect();
        Stopped { cause, in_doubt }
    }
}
