//! Waits for a person to say what became of a call that nobody else can tell. It guesses nothing and repeats nothing by
//! itself.
use crate::{Acting, Asking, Intent, Talk, Tally, Turn};
use domain::{CallOutcome, DoubtAnswer, Message};
use engine::prelude::*;
use policy::Ruling;

/// A call may have happened or not.
#[state]
#[derive(Debug)]
pub struct Uncertain {
    /// Which conversation.
    pub talk: Talk,
    /// What an answer names this doubt by: one that was meant for another doubt settles nothing.
    pub doubt: String,
    /// The call and its evidence.
    pub intent: Intent,
    /// What policy said of the call in doubt, and of those behind it.
    pub rulings: Vec<Ruling>,
    /// How far the turn has come.
    pub tally: Tally,
}

/// A person has looked and says what became of the call.
#[event]
#[derive(Debug, Clone)]
pub struct DoubtSettled {
    /// Which doubt.
    pub doubt: String,
    /// What became of it.
    pub how: DoubtAnswer,
}

impl On<DoubtSettled> for Uncertain {
    async fn on(self, event: DoubtSettled, cx: &mut Cx<Turn>) -> Next<Self, DoubtSettled> {
        if event.doubt != self.doubt {
            return go(self);
        }
        let Uncertain { talk, intent, mut rulings, tally, .. } = self;
        let (outcome, text) = match event.how {
            DoubtAnswer::Again => return go(Acting { talk, rulings, tally }),
            DoubtAnswer::Done => {
                (CallOutcome::Done, "the user looked and says that this call was carried out")
            }
            DoubtAnswer::Drop => (
                CallOutcome::Failed,
                "the user dropped this call; it may have been carried out before: do not repeat it",
            ),
        };
        if rulings.is_empty() {
            return Err(Fault::fatal("a doubt without its call"));
        }
        let position = rulings.remove(0).position();
        let message = Message::Tool { position, call: intent.call, outcome, text: text.to_owned() };
        let upto = cx.record(&talk.said(cx.at(), message));
        if rulings.is_empty() {
            return go(Asking { talk, upto, tally, misfit: None });
        }
        go(Acting { talk, rulings, tally })
    }
}
