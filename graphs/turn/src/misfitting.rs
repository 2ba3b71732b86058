//! Tells the model what is wrong with an answer that has not the form that was wanted, a few times. It checks nothing itself,
//! and mends nothing: what a user is given is what a model wrote.
use crate::{Asking, Stopped, Talk, Tally, Turn};
use domain::{Message, Progress, StopCause};
use durable::{FactId, durable};
use engine::prelude::*;

/// So many answers in a row may miss the form: a model that was told twice what is wrong does not get it.
pub const MISFITS_MAX: u32 = 3;

/// The model answered, and not in the form that was asked for.
#[state]
#[derive(Debug, PartialEq)]
pub struct Misfitting {
    /// Which conversation.
    pub talk: Talk,
    /// The message that would have been the answer.
    pub said: FactId,
    /// What is wrong with it.
    pub misfit: Misfit,
    /// How far the turn has come.
    pub tally: Tally,
}

/// What is wrong with an answer.
#[durable]
#[derive(Clone, Debug, PartialEq)]
pub struct Misfit {
    /// In words that its model can mend it by.
    pub why: String,
    /// How many answers in a row something was wrong with.
    pub times: u32,
}

impl Misfit {
    /// What is wrong, behind what was wrong before.
    pub(crate) fn after(before: Option<&Misfit>, why: String) -> Misfit {
        Misfit { why, times: before.map_or(0, |before| before.times).saturating_add(1) }
    }

    /// What the model is told. It stands behind the answer while the model is asked again, and nowhere else: nobody said it.
    pub(crate) fn message(&self) -> Message {
        let why = &self.why;
        Message::user(format!(
            "This answer has not the form that was asked for: {why}. Answer again, with nothing but JSON that fits the schema."
        ))
    }
}

impl Step for Misfitting {
    async fn step(self, cx: &mut Cx<Turn>) -> Next<Self> {
        let Misfitting { talk, said, misfit, tally } = self;
        let Misfit { why, times } = &misfit;
        if *times >= MISFITS_MAX {
            cx.tell(Progress::Unfit(format!("{why}; that was answer {times} of {MISFITS_MAX}")));
            let cause = StopCause::Unfit(format!(
                "{times} answers in a row had not the form that was asked for; in the last one {why}"
            ));
            return go(Stopped { cause, in_doubt: Vec::new() });
        }
        cx.tell(Progress::Unfit(format!("{why}; asked again, answer {} of {MISFITS_MAX}", times + 1)));
        go(Asking { talk, upto: said, tally, misfit: Some(misfit) })
    }
}
