//! One life of a process in which one turn runs: an engine over a journal in memory, and the view that it feeds.
use crate::{
    heard::{Facts, Heard},
    script::Round,
    shown,
    tools::Benches,
    world::{Listening, PATIENCE, Scripted, Watching, World},
};
use domain::{
    AnswerForm, DoubtAnswer, METER_NAMES, Message, MicroUsd, Progress, SessionId, Tokens, TurnId,
    TurnRequest, Turns, UserId,
};
use engine::testing::ManualClock;
use engine::{
    Budget, Builder, Engine, InstanceId, Journal, Opens, Run, Told,
    journal::{Happened, Line},
    log::{Group, Log, MemoryLog},
    replay::Replayed,
};
use std::sync::Arc;
use tokio::sync::broadcast;
use turn::{DoubtSettled, Gathering, Ports, Turn, TurnEnd, TurnState};

/// The one run of a story.
pub(crate) const RUN: InstanceId = InstanceId(7);

pub(crate) struct Life {
    pub(crate) engine: Engine,
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) heard: Heard,
    pub(crate) world: Arc<World>,
    told: broadcast::Receiver<Told>,
}

impl Life {
    pub(crate) fn first(script: Vec<Round>) -> Life {
        Life::of(World::new(script), Vec::new(), ManualClock::hasty())
    }

    pub(crate) fn of(world: World, groups: Vec<Group>, clock: ManualClock) -> Life {
        let (world, log) = (Arc::new(world), Arc::new(MemoryLog::from_groups(groups)));
        let heard = Heard::default();
        let engine = builder(&world, &heard, clock).open(log.clone()).unwrap();
        Life { told: engine.listen(), engine, log, heard, world }
    }

    /// Replays a run with the ports of this life.
    pub(crate) async fn replay(&self, run: InstanceId) -> Replayed {
        let builder = Engine::builder().graph::<Turn>(ports(&self.world, &self.heard)).meters(METER_NAMES);
        builder.replay(&self.engine.journal(), run).await.unwrap()
    }

    /// Starts the turn, or finds it where an earlier life left it.
    pub(crate) fn start(&self, budget: Budget) -> Run<Turn> {
        drop(self.engine.start_as(RUN, Gathering::open(request()), budget));
        self.engine.run(RUN).unwrap()
    }

    /// Runs the turn to its end.
    pub(crate) async fn play(&self) -> TurnEnd {
        self.play_with(plenty()).await
    }

    pub(crate) async fn play_with(&self, budget: Budget) -> TurnEnd {
        self.play_out(budget, DoubtAnswer::Drop).await
    }

    /// Runs the turn to its end, with a person beside it who gives the same answer to every doubt.
    pub(crate) async fn play_out(&self, budget: Budget, answer: DoubtAnswer) -> TurnEnd {
        let told = self.engine.listen();
        attended(&self.start(budget), told, answer).await
    }

    /// What was said in the session, as it was recorded.
    pub(crate) async fn said(&self) -> Vec<Message> {
        let messages = |facts: &Facts| facts.said.values().map(|said| said.message.clone()).collect();
        self.heard.look(self.log.durable_lsn(), messages).await
    }

    pub(crate) fn told(&mut self) -> String {
        let mut lines = Vec::new();
        while let Ok(told) = self.told.try_recv() {
            lines.push(told.as_a::<Progress>().map(shown::progress).unwrap());
        }
        lines.join("\n")
    }

    /// What is left on the meters.
    pub(crate) fn left(&self) -> [u64; 3] {
        self.engine.journal().runs().unwrap()[0].left.0
    }
}

/// What one life is made of.
pub(crate) fn builder(world: &Arc<World>, heard: &Heard, clock: ManualClock) -> Builder {
    let builder = Engine::builder().graph::<Turn>(ports(world, heard)).follower(heard.clone()).clock(clock);
    builder.observer(Watching(world.clone())).meters(METER_NAMES)
}

fn ports(world: &Arc<World>, heard: &Heard) -> Ports {
    Ports {
        form: AnswerForm::Free,
        gauge: world.clone(),
        model: Arc::new(Scripted(world.clone())),
        tools: world.clone(),
        workshop: Arc::new(Benches(world.clone())),
        conversation: Arc::new(Listening { heard: heard.clone(), world: world.clone() }),
        instructions: "be brief".into(),
    }
}

/// Waits for the end of a run, with a person beside it who gives the same answer to every doubt.
pub(crate) async fn attended(
    run: &Run<Turn>,
    mut told: broadcast::Receiver<Told>,
    answer: DoubtAnswer,
) -> TurnEnd {
    let open = run.look(|state| match state {
        TurnState::Uncertain(it) => Some(it.doubt.clone()),
        _ => None,
    });
    if let Some(doubt) = open.unwrap() {
        settle(run, &doubt, answer).await;
    }
    let end = end(run);
    tokio::pin!(end);
    loop {
        tokio::select! {
            end = &mut end => return end,
            Ok(told) = told.recv() => {
                if let Some(Progress::InDoubt { doubt, .. }) = told.as_a() {
                    settle(run, doubt, answer).await;
                }
            }
        }
    }
}

/// Says what became of the call in doubt. Said once more after a restart, it counts once.
async fn settle(run: &Run<Turn>, doubt: &str, how: DoubtAnswer) {
    let event = DoubtSettled { doubt: doubt.to_owned(), how };
    // A run that was cancelled meanwhile has ended and takes no answer.
    let _ = run.send_as(doubt, event).await;
}

/// Waits for the end of a run.
pub(crate) async fn end(run: &Run<Turn>) -> TurnEnd {
    tokio::time::timeout(PATIENCE, run.end()).await.expect("the turn hangs").unwrap()
}

/// How many effects that are never repeated have begun, each once.
pub(crate) fn onces(groups: &[Group]) -> usize {
    let lines = past(groups.to_vec());
    let begun = lines.iter().filter(|line| matches!(line.what, Happened::Began { once: true, .. }));
    let again = |line: &Line| matches!(line.what, Happened::Began { attempt: 2.., .. });
    begun.inspect(|line| assert!(!again(line), "one of them began twice: {line:?}")).count()
}

/// The run's past, from a journal.
pub(crate) fn past(groups: Vec<Group>) -> Vec<Line> {
    let log = Arc::new(MemoryLog::from_groups(groups));
    Journal::of(log).past(RUN).unwrap().map_or(Vec::new(), |(_, lines)| lines)
}

/// More than any story needs.
pub(crate) fn plenty() -> Budget {
    Budget::new(1000, Turns(100)).and(Tokens(1_000_000)).and(MicroUsd(1_000_000))
}

pub(crate) fn request() -> TurnRequest {
    TurnRequest {
        user: UserId::parse("u").unwrap(),
        session: SessionId::parse("s").unwrap(),
        turn: TurnId::parse("t").unwrap(),
        prompt: "hi".into(),
        attachments: Vec::new(),
    }
}
