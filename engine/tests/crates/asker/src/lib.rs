//! A graph that asks [`Further`] and serves [`Down`]: with the `server` crate it goes down a number in turns. It knows
//! nothing of that crate.
use engine::{Ticket, prelude::*};
use nouns::{Answered, Down, Further};
use std::{
    future::ready,
    sync::{Arc, Mutex},
};

/// Begins.
#[state]
pub struct Counting {
    /// From where.
    pub from: u32,
}
/// Waits for who was asked, for a word from outside, or for an hour.
#[state]
pub struct Asking {
    /// From where.
    pub from: u32,
}
/// Has an answer.
#[state]
pub struct Counted {
    /// Who was asked, from the first to the last.
    pub by: Vec<String>,
}
/// Has none.
#[state]
pub struct Failed {
    /// Why.
    pub why: String,
}
/// Somebody wants to hear no more of it.
#[event]
pub struct Enough;

graph! {
    /// Count down, asking somebody else for each next number.
    pub graph Asker(Marks) v1 {
        serves Down;
        start Counting;
        Counting               -> Asking | Counted;
        Asking asks Further    -> Counted | Failed;
        Asking on Enough       -> Failed;
        end Counted, Failed;
        stop -> Failed;
    }
}

/// The world: each number is marked in it once.
#[derive(Clone, Default)]
pub struct Marks {
    keys: Arc<Mutex<Vec<String>>>,
}
impl Marks {
    fn mark(&self, from: u32, key: &str) {
        let mark = format!("{from} {key}");
        self.keys.lock().expect("nothing panics while it marks").push(mark);
    }
    /// Returns the marks, with the keys under which they were made.
    pub fn made(&self) -> Vec<String> {
        self.keys.lock().expect("nothing panics while it marks").clone()
    }
}

impl Step for Counting {
    async fn step(self, cx: &mut Cx<Asker>) -> Next<Self> {
        let hold = cx.hold(engine::Amount::on(0, 1))?;
        let mark = |ticket: Ticket| {
            cx.env.mark(self.from, &ticket.key());
            ready(Ok(Settled::new(())))
        };
        cx.effect("mark", hold, mark).await?;
        match self.from {
            0 => go(Counted { by: vec!["asker".into()] }),
            from => go(Asking { from }),
        }
    }
}

impl Ask<Further> for Asking {
    fn ask(&self, purse: &mut Purse) -> Further {
        let left = purse.left();
        purse.give(50, left);
        Further { from: self.from - 1 }
    }
    async fn answered(self, outcome: Answered, _: &mut Cx<Asker>) -> Next<Self, Further> {
        match outcome {
            Answered::By(rest) => go(Counted { by: std::iter::once("asker".into()).chain(rest).collect() }),
            Answered::Failed(why) => go(Failed { why }),
        }
    }
}

impl On<Enough> for Asking {
    async fn on(self, _: Enough, _: &mut Cx<Asker>) -> Next<Self, Enough> {
        go(Failed { why: format!("enough at {}", self.from) })
    }
}

impl Opens<Down> for Counting {
    fn open(request: Down) -> Counting {
        Counting { from: request.from }
    }
}
impl Answers<Down> for Counted {
    fn answer(self) -> Answered {
        Answered::By(self.by)
    }
}
impl Answers<Down> for Failed {
    fn answer(self) -> Answered {
        Answered::Failed(self.why)
    }
}
impl From<Stop> for Failed {
    fn from(stop: Stop) -> Failed {
        Failed { why: stop.why.to_string() }
    }
}
