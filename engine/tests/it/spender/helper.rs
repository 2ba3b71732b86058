//! The helper: it serves what it asks.
use super::*;

#[state]
pub(crate) struct Helping {
    pub(crate) chore: u32,
    pub(crate) round: u32,
}
#[state]
pub(crate) struct Waiting {
    pub(crate) chore: u32,
    pub(crate) round: u32,
}
#[state]
pub(crate) struct Delegating {
    pub(crate) chore: u32,
    pub(crate) round: u32,
    pub(crate) whom: u32,
    pub(crate) moves: u32,
    pub(crate) meters: Amount,
}
#[state]
pub(crate) struct DelegatingEach {
    pub(crate) chore: u32,
    pub(crate) round: u32,
    pub(crate) tasks: Vec<Task>,
}
#[state]
pub(crate) struct Mending {
    pub(crate) why: String,
}
#[state]
pub(crate) struct Helped {
    pub(crate) chokes: bool,
}
#[state]
pub(crate) struct Failed {
    pub(crate) why: String,
}
#[event]
pub(crate) struct Nudge;

graph! {
    /// Spends its share as planned, and lets others help.
    pub(crate) graph Helper(World) v1 {
        serves Chore;
        start Helping;
        Helping               -> Helping | Waiting | Delegating | DelegatingEach | Helped;
        Waiting after 1m      -> Helping;
        Waiting on Nudge      -> Helping;
        Delegating asks Chore -> Helping | Helped;
        Delegating on Nudge   -> Helping | Failed;
        DelegatingEach asks each Chore -> Helping | Helped;
        DelegatingEach on Nudge -> Helping | Failed;
        Mending               -> Failed;
        end Helped, Failed;
        stop -> Mending;
    }
}

impl Step for Helping {
    async fn step(self, cx: &mut Cx<Helper>) -> Next<Self> {
        let (world, chore) = (cx.env.clone(), self.chore);
        let Some(round) = world.round(chore, self.round) else { return go(Helped { chokes: false }) };
        work(cx, round).await?;
        let next = self.round + 1;
        match &round.then {
            Then::Rests => go(Waiting { chore, round: next }),
            Then::Asks(share) | Then::AsksFar(share) => match world.helper(chore, share) {
                Some(whom) => {
                    let Share { moves, meters, .. } = *share;
                    go(Delegating { chore, round: next, whom, moves, meters })
                }
                None => go(Helping { chore, round: next }),
            },
            Then::AsksEach(shares) => {
                go(DelegatingEach { chore, round: next, tasks: world.tasks(chore, shares) })
            }
            Then::Ends => go(Helped { chokes: false }),
            Then::Chokes => go(Helped { chokes: true }),
            Then::Goes | Then::Again | Then::Faults | Then::Breaks => go(Helping { chore, round: next }),
        }
    }
}
impl On<Elapsed> for Waiting {
    async fn on(self, _: Elapsed, _: &mut Cx<Helper>) -> Next<Self, Elapsed> {
        go(Helping { chore: self.chore, round: self.round })
    }
}
impl On<Nudge> for Waiting {
    async fn on(self, _: Nudge, _: &mut Cx<Helper>) -> Next<Self, Nudge> {
        go(Helping { chore: self.chore, round: self.round })
    }
}
impl Ask<Chore> for Delegating {
    fn ask(&self, purse: &mut Purse) -> Chore {
        purse.give(self.moves, self.meters);
        Chore { chore: self.whom }
    }
    async fn answered(self, did: Did, _: &mut Cx<Helper>) -> Next<Self, Chore> {
        match did {
            // With the answer still in the mail.
            Did::Not(_) if self.round.is_multiple_of(2) => go(Helped { chokes: true }),
            Did::It | Did::Not(_) => go(Helping { chore: self.chore, round: self.round }),
        }
    }
}
impl On<Nudge> for Delegating {
    async fn on(self, _: Nudge, _: &mut Cx<Helper>) -> Next<Self, Nudge> {
        if self.round.is_multiple_of(2) {
            return go(Failed { why: "left".into() });
        }
        go(Helping { chore: self.chore, round: self.round })
    }
}
impl AskEach<Chore> for DelegatingEach {
    fn ask(&self, n: usize, purse: &mut Purse) -> Option<Chore> {
        Some(self.tasks.get(n)?.asked(purse))
    }
    async fn answered(self, all: Vec<Did>, _: &mut Cx<Helper>) -> Next<Self, Chore> {
        match all.first() {
            // With the answers still in the mail.
            Some(Did::Not(_)) if self.round.is_multiple_of(2) => go(Helped { chokes: true }),
            Some(Did::It | Did::Not(_)) | None => go(Helping { chore: self.chore, round: self.round }),
        }
    }
}
impl On<Nudge> for DelegatingEach {
    async fn on(self, _: Nudge, _: &mut Cx<Helper>) -> Next<Self, Nudge> {
        if self.round.is_multiple_of(2) {
            return go(Failed { why: "left all".into() });
        }
        go(Helping { chore: self.chore, round: self.round })
    }
}
impl Step for Mending {
    async fn step(self, cx: &mut Cx<Helper>) -> Next<Self> {
        tidy(cx, &self.why).await?;
        go(Failed { why: self.why })
    }
}
impl From<Stop> for Mending {
    fn from(stop: Stop) -> Mending {
        Mending { why: stop.why.to_string() }
    }
}
impl Opens<Chore> for Helping {
    fn open(request: Chore) -> Helping {
        Helping { chore: request.chore, round: 0 }
    }
}
impl Answers<Chore> for Helped {
    fn answer(self) -> Did {
        if self.chokes {
            std::panic::resume_unwind(Box::new("the story said so"));
        }
        Did::It
    }
}
impl Answers<Chore> for Failed {
    fn answer(self) -> Did {
        Did::Not(self.why)
    }
}
