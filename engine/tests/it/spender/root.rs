//! The root.
use super::*;

#[state]
pub(crate) struct Working {
    pub(crate) round: u32,
}
#[state]
pub(crate) struct Resting {
    pub(crate) round: u32,
}
#[state]
pub(crate) struct Asking {
    pub(crate) round: u32,
    pub(crate) whom: u32,
    pub(crate) moves: u32,
    pub(crate) meters: Amount,
}
#[state]
pub(crate) struct AskingEach {
    pub(crate) round: u32,
    pub(crate) tasks: Vec<Task>,
}
#[state]
pub(crate) struct AskingFar {
    pub(crate) round: u32,
    pub(crate) from: u32,
    pub(crate) moves: u32,
    pub(crate) meters: Amount,
}
#[state]
pub(crate) struct Tidying {
    pub(crate) why: String,
}
#[state]
pub(crate) struct Done {
    pub(crate) why: String,
}
#[event]
pub(crate) struct Poke;

graph! {
    /// Spends as planned, each lap a budget of its own.
    pub(crate) graph Spender(World) v1 {
        start Working;
        Working               -> Working | Resting | Asking | AskingEach | AskingFar | Done;
        Resting after 1m      -> Working;
        Resting on Poke       -> Working;
        Asking asks Chore     -> Working;
        Asking on Poke        -> Working | Done;
        Asking after 30m      -> Working;
        AskingEach asks each Chore -> Working;
        AskingEach on Poke    -> Working | Done;
        AskingEach after 30m  -> Working;
        AskingFar asks Down   -> Working;
        AskingFar on Poke     -> Working;
        Tidying               -> Done;
        lap Resting;
        end Done;
        stop -> Tidying;
    }
}

impl Step for Working {
    async fn step(self, cx: &mut Cx<Spender>) -> Next<Self> {
        let world = cx.env.clone();
        let Some(round) = world.round(0, self.round) else { return go(Done { why: "done".into() }) };
        work(cx, round).await?;
        let next = self.round + 1;
        match &round.then {
            Then::Rests => go(Resting { round: next }),
            Then::Asks(share) => match world.helper(0, share) {
                Some(whom) => go(Asking { round: next, whom, moves: share.moves, meters: share.meters }),
                None => go(Working { round: next }),
            },
            Then::AsksEach(shares) => go(AskingEach { round: next, tasks: world.tasks(0, shares) }),
            Then::AsksFar(share) => {
                let Share { moves, meters, whom } = *share;
                go(AskingFar { round: next, from: whom % 4, moves, meters })
            }
            Then::Ends => go(Done { why: "as planned".into() }),
            Then::Goes | Then::Again | Then::Faults | Then::Breaks | Then::Chokes => {
                go(Working { round: next })
            }
        }
    }
}
impl On<Elapsed> for Resting {
    async fn on(self, _: Elapsed, _: &mut Cx<Spender>) -> Next<Self, Elapsed> {
        go(Working { round: self.round })
    }
}
impl On<Poke> for Resting {
    async fn on(self, _: Poke, _: &mut Cx<Spender>) -> Next<Self, Poke> {
        go(Working { round: self.round })
    }
}
impl Ask<Chore> for Asking {
    fn ask(&self, purse: &mut Purse) -> Chore {
        purse.give(self.moves, self.meters);
        purse.give(1, Amount::on(2, 1));
        Chore { chore: self.whom }
    }
    async fn answered(self, _: Did, _: &mut Cx<Spender>) -> Next<Self, Chore> {
        go(Working { round: self.round })
    }
}
impl On<Poke> for Asking {
    async fn on(self, _: Poke, _: &mut Cx<Spender>) -> Next<Self, Poke> {
        if self.round.is_multiple_of(2) {
            go(Working { round: self.round })
        } else {
            go(Done { why: "left".into() })
        }
    }
}
impl On<Elapsed> for Asking {
    async fn on(self, _: Elapsed, _: &mut Cx<Spender>) -> Next<Self, Elapsed> {
        go(Working { round: self.round })
    }
}
impl AskEach<Chore> for AskingEach {
    fn ask(&self, n: usize, purse: &mut Purse) -> Option<Chore> {
        Some(self.tasks.get(n)?.asked(purse))
    }
    async fn answered(self, all: Vec<Did>, _: &mut Cx<Spender>) -> Next<Self, Chore> {
        assert_eq!(all.len(), self.tasks.len(), "everybody has answered");
        go(Working { round: self.round })
    }
}
impl On<Poke> for AskingEach {
    async fn on(self, _: Poke, _: &mut Cx<Spender>) -> Next<Self, Poke> {
        if self.round.is_multiple_of(2) {
            go(Working { round: self.round })
        } else {
            go(Done { why: "left all".into() })
        }
    }
}
impl On<Elapsed> for AskingEach {
    async fn on(self, _: Elapsed, _: &mut Cx<Spender>) -> Next<Self, Elapsed> {
        go(Working { round: self.round })
    }
}
impl Ask<Down> for AskingFar {
    fn ask(&self, purse: &mut Purse) -> Down {
        purse.give(self.moves, self.meters);
        Down { from: self.from }
    }
    async fn answered(self, _: Answered, _: &mut Cx<Spender>) -> Next<Self, Down> {
        go(Working { round: self.round })
    }
}
impl On<Poke> for AskingFar {
    async fn on(self, _: Poke, _: &mut Cx<Spender>) -> Next<Self, Poke> {
        go(Working { round: self.round })
    }
}
impl Step for Tidying {
    async fn step(self, cx: &mut Cx<Spender>) -> Next<Self> {
        tidy(cx, &self.why).await?;
        go(Done { why: self.why })
    }
}
impl From<Stop> for Tidying {
    fn from(stop: Stop) -> Tidying {
        Tidying { why: stop.why.to_string() }
    }
}
