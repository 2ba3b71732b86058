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

/// What was journalled before an answer could miss the form that was wanted.
pub(crate) mod v2 {
    use crate::Intent;
    use durable::durable;
    use engine::prelude::*;

    /// Why a turn stopped without an answer.
    #[durable]
    pub enum StopCause {
        /// Somebody cancelled it.
        Cancelled,
        /// A budget is spent: which.
        Spent(String),
        /// Something failed for good.
        Failed(String),
    }

    /// The turn stopped without an answer.
    #[state]
    pub struct Stopped {
        /// Why.
        pub cause: StopCause,
        /// The calls that were under way, are never repeated, and may have happened.
        pub in_doubt: Vec<Intent>,
    }
}

impl From<v2::Stopped> for Stopped {
    fn from(v2::Stopped { cause, in_doubt }: v2::Stopped) -> Stopped {
        let cause = match cause {
            v2::StopCause::Cancelled => StopCause::Cancelled,
            v2::StopCause::Spent(what) => StopCause::Spent(what),
            v2::StopCause::Failed(why) => StopCause::Failed(why),
        };
        Stopped { cause, in_doubt }
    }
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
