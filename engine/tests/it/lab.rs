//! A graph whose handlers are given by the test, and the stage on which it runs. It has one row of every kind, so that
//! a story needs no graph of its own.
use engine::{
    Amount, InstanceId,
    log::Group,
    prelude::*,
    testing::{Life, ManualClock, Trace, settled},
};
use futures::future::BoxFuture;
use std::{
    future::ready,
    sync::{Arc, Mutex},
};

#[state]
pub(crate) struct Working {
    pub(crate) n: u32,
}
#[state]
pub(crate) struct Waiting {
    pub(crate) n: u32,
}
#[state]
pub(crate) struct Tidying {
    pub(crate) why: String,
    pub(crate) in_doubt: Vec<String>,
}
#[state]
pub(crate) struct Done {
    pub(crate) said: String,
}
#[event]
pub(crate) struct Poke {
    pub(crate) what: String,
}
#[event]
pub(crate) struct Nudge {
    pub(crate) what: String,
}

graph! {
    /// Do what the test says.
    pub(crate) graph Lab(Script) v1 {
        start Working;
        Working             -> Working | Waiting | Done;
        Waiting on Poke     -> Working | Waiting | Done;
        Waiting on Nudge    -> Done;
        Waiting after 10m   -> Done;
        Tidying             -> Done;
        end Done;
        stop -> Tidying;
    }
}

/// What a script says comes next.
pub(crate) enum Then {
    Work,
    Wait,
    End(String),
}

/// What the script is called for.
pub(crate) enum Call {
    Work,
    Poked(String),
    Elapsed,
    Tidy(String),
}

type Handler = dyn for<'a> Fn(Call, &'a Cx<Lab>) -> BoxFuture<'a, Result<Then, Fault>> + Send + Sync;

/// The handlers of every state.
pub(crate) struct Script(Box<Handler>);

impl Script {
    pub(crate) fn new(
        handler: impl for<'a> Fn(Call, &'a Cx<Lab>) -> BoxFuture<'a, Result<Then, Fault>> + Send + Sync + 'static,
    ) -> Script {
        Script(Box::new(handler))
    }
}

/// A run that waits, and ends with what it is told.
pub(crate) fn listens() -> Script {
    Script::new(|call, _| {
        Box::pin(ready(Ok(match call {
            Call::Work => Then::Wait,
            Call::Poked(what) => Then::End(what),
            Call::Elapsed => Then::End("nobody came".into()),
            Call::Tidy(why) => Then::End(why),
        })))
    })
}

/// A run that works, by `work`, and tidies up without a word.
pub(crate) fn works(
    work: impl for<'a> Fn(&'a Cx<Lab>) -> BoxFuture<'a, Result<Then, Fault>> + Send + Sync + 'static,
) -> Script {
    Script::new(move |call, cx| match call {
        Call::Work => work(cx),
        Call::Poked(what) => Box::pin(ready(Ok(Then::End(what)))),
        Call::Elapsed => Box::pin(ready(Ok(Then::End("nobody came".into())))),
        Call::Tidy(why) => Box::pin(ready(Ok(Then::End(why)))),
    })
}

impl Step for Working {
    async fn step(self, cx: &mut Cx<Lab>) -> Next<Self> {
        match (cx.env.0)(Call::Work, cx).await? {
            Then::Work => go(Working { n: self.n + 1 }),
            Then::Wait => go(Waiting { n: self.n }),
            Then::End(said) => go(Done { said }),
        }
    }
}
impl On<Poke> for Waiting {
    async fn on(self, poke: Poke, cx: &mut Cx<Lab>) -> Next<Self, Poke> {
        match (cx.env.0)(Call::Poked(poke.what), cx).await? {
            Then::Work => go(Working { n: self.n + 1 }),
            Then::Wait => go(Waiting { n: self.n + 1 }),
            Then::End(said) => go(Done { said }),
        }
    }
}
impl On<Nudge> for Waiting {
    async fn on(self, nudge: Nudge, _: &mut Cx<Lab>) -> Next<Self, Nudge> {
        go(Done { said: format!("nudged: {}", nudge.what) })
    }
}
impl On<Elapsed> for Waiting {
    async fn on(self, _: Elapsed, cx: &mut Cx<Lab>) -> Next<Self, Elapsed> {
        match (cx.env.0)(Call::Elapsed, cx).await? {
            Then::End(said) => go(Done { said }),
            Then::Work | Then::Wait => go(Done { said: "elapsed".into() }),
        }
    }
}
impl Step for Tidying {
    async fn step(self, cx: &mut Cx<Lab>) -> Next<Self> {
        match (cx.env.0)(Call::Tidy(self.why), cx).await? {
            Then::End(said) if self.in_doubt.is_empty() => go(Done { said }),
            Then::End(said) => go(Done { said: format!("{said}; in doubt: {}", self.in_doubt.join(", ")) }),
            Then::Work | Then::Wait => go(Done { said: "tidied".into() }),
        }
    }
}
impl From<Stop> for Tidying {
    fn from(stop: Stop) -> Tidying {
        let in_doubt = stop.in_doubt.into_iter().map(|doubt| doubt.name).collect();
        Tidying { why: stop.why.to_string(), in_doubt }
    }
}

/// The id of the one run of a story, so that a script can be played again.
pub(crate) const RUN: InstanceId = InstanceId(42);

/// More than a story needs.
pub(crate) fn plenty() -> Budget {
    Budget::new(100, Amount([1000, 1000, 1000]))
}

/// A life, with its trace and its clock.
pub(crate) struct Stage {
    pub(crate) life: Life,
    pub(crate) trace: Trace,
    pub(crate) clock: ManualClock,
}

/// How a lab is built: the pieces can be shared by several lives.
#[derive(Clone)]
pub(crate) struct Pieces {
    pub(crate) trace: Trace,
    pub(crate) clock: ManualClock,
}

impl Pieces {
    pub(crate) fn new() -> Pieces {
        Pieces { trace: Trace::new(), clock: ManualClock::new() }
    }
    pub(crate) fn hasty() -> Pieces {
        Pieces { trace: Trace::new(), clock: ManualClock::hasty() }
    }
    pub(crate) fn builder(&self) -> engine::Builder {
        let meters = ["turns", "tokens", "money"];
        Engine::builder().meters(meters).clock(self.clock.clone()).observer(self.trace.clone())
    }
    pub(crate) fn first(self, script: Script) -> Stage {
        self.after(Vec::new(), script)
    }
    pub(crate) fn after(self, groups: Vec<Group>, script: Script) -> Stage {
        let life = Life::after(groups, self.builder().graph::<Lab>(script)).unwrap();
        Stage { life, trace: self.trace, clock: self.clock }
    }
}

impl Stage {
    pub(crate) fn first(script: Script) -> Stage {
        Pieces::new().first(script)
    }

    /// A new process finds what was durable.
    pub(crate) async fn crash(self, script: Script) -> Stage {
        let pieces = Pieces { trace: self.trace, clock: self.clock };
        let left = self.life.crash().await;
        pieces.after(left, script)
    }

    pub(crate) async fn start(&self, budget: Budget) -> engine::Run<Lab> {
        self.life.engine.start_as(RUN, Working { n: 0 }, budget).await.unwrap()
    }

    pub(crate) fn run(&self) -> engine::Run<Lab> {
        self.life.engine.run(RUN).unwrap()
    }

    /// Plays a story to its end, audits the journal, and returns what the run said and the trace.
    pub(crate) async fn end(&self) -> String {
        let said = match self.run().end().await {
            Ok(LabEnd::Done(done)) => done.said,
            Err(fault) => format!("{fault}").replace(&RUN.to_string(), "42"),
        };
        settled().await;
        self.life.audit();
        format!("{}{said}\n", self.trace.take())
    }

    /// Lets everything go on that can, audits, and returns the trace so far.
    pub(crate) async fn so_far(&self) -> String {
        settled().await;
        self.life.audit();
        self.trace.take()
    }

    pub(crate) fn minutes(&self, minutes: u64) {
        self.clock.advance(std::time::Duration::from_secs(60 * minutes));
    }
}

/// What effects did to the world: it outlives every process.
#[derive(Clone, Default)]
pub(crate) struct World(Arc<Mutex<Vec<String>>>);

impl World {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}
