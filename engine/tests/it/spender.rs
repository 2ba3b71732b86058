//! Two graphs that spend what they are told to: a root with a lap, and the helper that it, and the helper itself, ask.
//! What they do is a plan of the test's, so that a story needs no graph of its own; what it costs is counted outside.
use engine::{
    Amount, Name, Ticket,
    log::{Log, Lsn, MemoryLog},
    prelude::*,
};
use futures::future::{join_all, try_join_all};
use nouns::{Answered, Down};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// How an effect comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Done,
    /// With its first attempts it fails.
    FailsFirst(u32),
    Fails,
    Panics,
    /// Not before the test says so.
    Hangs,
}

/// An effect, what it holds and what it says it has spent; nothing said is all of it.
#[derive(Clone, Debug)]
pub(crate) struct Spend {
    pub(crate) hold: Amount,
    pub(crate) spent: Option<Amount>,
    pub(crate) how: How,
    pub(crate) once: bool,
}

/// What a child is given, and whom it is to be.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub(crate) moves: u32,
    pub(crate) meters: Amount,
    /// How many chores further down.
    pub(crate) whom: u32,
}

/// What follows the effects of a round.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    Goes,
    /// A root comes to its lap, a helper waits.
    Rests,
    Asks(Share),
    /// Somebody of another crate, who asks on.
    AsksFar(Share),
    Ends,
    /// The handler asks to be run again, if there are retries left in the story.
    Again,
    Faults,
    /// Faults, and once more on the way to its end.
    Breaks,
    /// A helper's answer panics.
    Chokes,
}

/// Effects that run at once, and what follows.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) effects: Vec<Spend>,
    /// Whether one that fails lets the others come out.
    pub(crate) patient: bool,
    pub(crate) then: Then,
}

/// The rounds of each chore. The root has the first.
pub(crate) type Plan = Vec<Vec<Round>>;

/// The world of a story, which outlives every process.
#[derive(Clone)]
pub(crate) struct World(Arc<Inside>);

struct Inside {
    plan: Plan,
    open: watch::Sender<bool>,
    again: Mutex<u32>,
    log: Mutex<Arc<MemoryLog>>,
    /// What was on disk when an effect happened, and what it cost.
    costs: Mutex<Vec<(Lsn, Amount)>>,
}

impl World {
    pub(crate) fn new(plan: Plan, again: u32) -> World {
        let log = Mutex::new(Arc::new(MemoryLog::new()));
        let (open, again, costs) = (watch::Sender::new(false), Mutex::new(again), Mutex::default());
        World(Arc::new(Inside { plan, open, again, log, costs }))
    }

    /// Lets what hangs come out, from now on.
    pub(crate) fn open(&self) {
        self.0.open.send_replace(true);
    }

    /// Begins a life that found all up to `survived`: what happened later has not happened.
    pub(crate) fn lives(&self, log: &Arc<MemoryLog>, survived: Lsn) {
        *self.0.log.lock().unwrap() = log.clone();
        self.0.costs.lock().unwrap().retain(|(at, _)| *at <= survived);
    }

    /// What everything has cost, lost attempts as well.
    pub(crate) fn cost(&self) -> Amount {
        self.0.costs.lock().unwrap().iter().fold(Amount::NONE, |sum, (_, cost)| sum + *cost)
    }

    fn round(&self, chore: u32, round: u32) -> Option<&Round> {
        self.0.plan.get(chore as usize)?.get(round as usize)
    }

    /// Whom the share goes to; nobody at the bottom.
    fn helper(&self, chore: u32, share: &Share) -> Option<u32> {
        let below = (self.0.plan.len() as u32).checked_sub(chore + 1)?;
        (below > 0).then(|| chore + 1 + share.whom % below)
    }

    fn again(&self) -> Result<(), Fault> {
        let mut left = self.0.again.lock().unwrap();
        if *left == 0 {
            return Ok(());
        }
        *left -= 1;
        Err(Fault::retry("not yet"))
    }

    async fn happens(&self, spend: &Spend, ticket: Ticket) -> Result<Settled<()>, Fault> {
        let durable = self.0.log.lock().unwrap().durable_lsn();
        // More than was held is nothing that a hold can promise.
        let cost = spend.spent.unwrap_or(spend.hold).min(spend.hold);
        self.0.costs.lock().unwrap().push((durable, cost));
        match spend.how {
            How::FailsFirst(attempts) if ticket.attempt() <= attempts => Err(Fault::retry("busy")),
            How::Fails => Err(Fault::fatal("dead")),
            How::Panics => std::panic::resume_unwind(Box::new("the story said so")),
            How::Hangs => {
                // The world outlives who waits in it.
                let _ = self.0.open.subscribe().wait_for(|open| *open).await;
                Ok(self.settled(spend))
            }
            How::Done | How::FailsFirst(_) => Ok(self.settled(spend)),
        }
    }

    fn settled(&self, spend: &Spend) -> Settled<()> {
        spend.spent.map_or_else(|| Settled::new(()), |spent| Settled::new(()).spent(spent))
    }
}

async fn effect<G: Graph<Env = World>>(cx: &Cx<G>, n: usize, spend: &Spend) -> Result<(), Fault> {
    let (name, hold) = (Name::from(("effect", n)), cx.hold(spend.hold)?);
    if spend.once {
        // Who is told of a doubt has been told.
        let (Once::Done(_) | Once::InDoubt(_)) =
            cx.once(name, n as u32, hold, |ticket, _| cx.env.happens(spend, ticket)).await?;
        return Ok(());
    }
    cx.effect(name, hold, |ticket| cx.env.happens(spend, ticket)).await
}

/// Does a round, or says that it cannot.
async fn work<G: Graph<Env = World>>(cx: &Cx<G>, round: &Round) -> Result<(), Fault> {
    let effects = round.effects.iter().enumerate().map(|(n, spend)| effect(cx, n, spend));
    if round.patient {
        join_all(effects).await.into_iter().collect::<Result<(), _>>()?;
    } else {
        try_join_all(effects).await?;
    }
    match round.then {
        Then::Again => cx.env.again(),
        Then::Faults => Err(Fault::fatal("faults")),
        Then::Breaks => Err(Fault::fatal("breaks")),
        Then::Goes | Then::Rests | Then::Asks(_) | Then::AsksFar(_) | Then::Ends | Then::Chokes => Ok(()),
    }
}

/// The way to an end: it holds and spends what there is, and may break a second time.
async fn tidy<G: Graph<Env = World>>(cx: &Cx<G>, why: &str) -> Result<(), Fault> {
    let spend = Spend { hold: Amount([1, 0, 0]), spent: None, how: How::Done, once: false };
    match effect(cx, 0, &spend).await {
        Ok(()) | Err(Fault::Exhausted(_)) => {}
        Err(fault) => return Err(fault),
    }
    if why.contains("breaks") { Err(Fault::fatal("breaks again")) } else { Ok(()) }
}

/// Asks for a chore.
#[durable::request(Did)]
pub(crate) struct Chore {
    pub(crate) chore: u32,
}
/// How it came out.
#[durable::durable]
pub(crate) enum Did {
    It,
    Not(String),
}

pub(crate) mod root {
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
            Working               -> Working | Resting | Asking | AskingFar | Done;
            Resting after 1m      -> Working;
            Resting on Poke       -> Working;
            Asking asks Chore     -> Working;
            Asking on Poke        -> Working | Done;
            Asking after 30m      -> Working;
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
            if self.round % 2 == 0 {
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
}

pub(crate) mod helper {
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
            Helping               -> Helping | Waiting | Delegating | Helped;
            Waiting after 1m      -> Helping;
            Waiting on Nudge      -> Helping;
            Delegating asks Chore -> Helping | Helped;
            Delegating on Nudge   -> Helping | Failed;
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
                Did::Not(_) if self.round % 2 == 0 => go(Helped { chokes: true }),
                Did::It | Did::Not(_) => go(Helping { chore: self.chore, round: self.round }),
            }
        }
    }
    impl On<Nudge> for Delegating {
        async fn on(self, _: Nudge, _: &mut Cx<Helper>) -> Next<Self, Nudge> {
            if self.round % 2 == 0 {
                return go(Failed { why: "left".into() });
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
}

pub(crate) mod circle {
    //! A root that asks as it begins, and once more each lap.
    use super::*;

    #[state]
    pub(crate) struct Circling {
        pub(crate) laps: u32,
        pub(crate) moves: u32,
        pub(crate) meters: Amount,
    }
    #[state]
    pub(crate) struct Pausing {
        pub(crate) laps: u32,
        pub(crate) moves: u32,
        pub(crate) meters: Amount,
    }
    #[state]
    pub(crate) struct Circled {
        pub(crate) why: String,
    }

    graph! {
        /// Asks for the same chore each lap.
        pub(crate) graph Circle v1 {
            start Circling;
            Circling asks Chore -> Pausing;
            Pausing after 1m    -> Circling | Circled;
            lap Circling;
            end Circled;
            stop -> Circled;
        }
    }
    impl Ask<Chore> for Circling {
        fn ask(&self, purse: &mut Purse) -> Chore {
            purse.give(self.moves, self.meters);
            Chore { chore: 1 }
        }
        async fn answered(self, _: Did, _: &mut Cx<Circle>) -> Next<Self, Chore> {
            go(Pausing { laps: self.laps, moves: self.moves, meters: self.meters })
        }
    }
    impl On<Elapsed> for Pausing {
        async fn on(self, _: Elapsed, _: &mut Cx<Circle>) -> Next<Self, Elapsed> {
            match self.laps.checked_sub(1) {
                Some(laps) => go(Circling { laps, moves: self.moves, meters: self.meters }),
                None => go(Circled { why: "all around".into() }),
            }
        }
    }
    impl From<Stop> for Circled {
        fn from(stop: Stop) -> Circled {
            Circled { why: stop.why.to_string() }
        }
    }
}
