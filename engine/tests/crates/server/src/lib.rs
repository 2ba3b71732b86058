//! A graph that serves [`Further`] and asks [`Down`]: with the `asker` crate it goes down a number in turns. It knows
//! nothing of that crate, and it asks in the very state in which it begins.
use engine::prelude::*;
use nouns::{Answered, Down, Further};

/// Begins, and asks at once.
#[state]
pub struct Passing {
    /// From where.
    pub from: u32,
}
/// Has an answer.
#[state]
pub struct Passed {
    /// Who was asked, from the first to the last.
    pub by: Vec<String>,
}
/// Has none.
#[state]
pub struct Lost {
    /// Why.
    pub why: String,
}

graph! {
    /// Pass a number on to somebody else, one smaller.
    pub graph Server v1 {
        serves Further;
        start Passing;
        Passing asks Down -> Passed | Lost;
        end Passed, Lost;
        stop -> Lost;
    }
}

impl Ask<Down> for Passing {
    fn ask(&self, purse: &mut Purse) -> Down {
        let left = purse.left();
        purse.give(40, left);
        Down { from: self.from.saturating_sub(1) }
    }
    async fn answered(self, outcome: Answered, _: &mut Cx<Server>) -> Next<Self, Down> {
        match outcome {
            Answered::By(rest) => go(Passed { by: std::iter::once("server".into()).chain(rest).collect() }),
            Answered::Failed(why) => go(Lost { why }),
        }
    }
}

impl Opens<Further> for Passing {
    fn open(request: Further) -> Passing {
        Passing { from: request.from }
    }
}
impl Answers<Further> for Passed {
    fn answer(self) -> Answered {
        Answered::By(self.by)
    }
}
impl Answers<Further> for Lost {
    fn answer(self) -> Answered {
        Answered::Failed(self.why)
    }
}
impl From<Stop> for Lost {
    fn from(stop: Stop) -> Lost {
        Lost { why: stop.why.to_string() }
    }
}
