//! Everything outside of a turn, in a test's hands: it writes down what happens, and can stand still anywhere.
use crate::{
    heard::Heard,
    script::{Item, Round, USED, reply},
    shown,
    tools::Ran,
};
use domain::{
    Conversation, Fragment, Gauge, MessageSaid, Model, ModelFault, ModelLimits, Question, SessionId, Tokens,
    Unreadable,
};
use engine::{
    FactId, InstanceId,
    observe::{Observed, Observer},
};
use futures::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Barrier, watch},
    time::timeout,
};

/// No story takes as long; one that does hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Everything outside of a turn.
pub(crate) struct World {
    pub(crate) script: Vec<Round>,
    pub(crate) lines: watch::Sender<Vec<String>>,
    pub(crate) asked: Mutex<Vec<Question>>,
    pub(crate) ran: Mutex<Vec<Ran>>,
    /// Where the tools that want to meet wait for each other.
    pub(crate) meeting: Barrier,
    /// What holds up the tool that works on `gate`.
    pub(crate) gate: watch::Sender<bool>,
    /// So many reads of the conversation fail before one succeeds.
    pub(crate) unreadable: AtomicU32,
    pub(crate) no_bench: bool,
    /// There is nothing that a model could call.
    pub(crate) no_tools: bool,
    /// What was cut off in an earlier life turns out to have happened.
    pub(crate) has_happened: bool,
    /// The await of a port at which everything stands still, counted from one.
    pub(crate) stuck_at: usize,
    pub(crate) points: AtomicUsize,
}

impl World {
    pub(crate) fn new(script: Vec<Round>) -> World {
        World {
            script,
            lines: watch::Sender::new(Vec::new()),
            asked: Mutex::default(),
            ran: Mutex::default(),
            meeting: Barrier::new(turn::READS_AT_ONCE_MAX),
            gate: watch::Sender::new(false),
            unreadable: AtomicU32::new(0),
            no_bench: false,
            no_tools: false,
            has_happened: false,
            stuck_at: 0,
            points: AtomicUsize::new(0),
        }
    }

    pub(crate) fn say(&self, line: impl Into<String>) {
        self.lines.send_modify(|lines| lines.push(line.into()));
    }

    /// Waits for a line that begins so.
    pub(crate) async fn until(&self, beginning: &str) {
        self.until_there_are(1, beginning).await;
    }

    /// Waits for so many of them.
    pub(crate) async fn until_there_are(&self, count: usize, beginning: &str) {
        let said =
            |lines: &Vec<String>| lines.iter().filter(|line| line.starts_with(beginning)).count() >= count;
        let mut lines = self.lines.subscribe();
        timeout(PATIENCE, lines.wait_for(said)).await.expect("the turn hangs").unwrap();
    }

    /// An await of a port: others go on meanwhile, and the world may stand still.
    pub(crate) async fn point(&self) {
        tokio::task::yield_now().await;
        if self.points.fetch_add(1, Ordering::Relaxed) + 1 == self.stuck_at {
            self.say("stuck");
            std::future::pending::<()>().await;
        }
    }

    pub(crate) fn trace(&self) -> String {
        self.lines.borrow().join("\n")
    }

    pub(crate) fn ran(&self) -> Vec<Ran> {
        self.ran.lock().unwrap().clone()
    }
}

/// The model.
pub(crate) struct Scripted(pub(crate) Arc<World>);

impl Model for Scripted {
    fn id(&self) -> &str {
        "scripted"
    }
    fn limits(&self) -> ModelLimits {
        ModelLimits { context_tokens_max: Tokens(1000), answer_tokens_max: Tokens(100) }
    }
    fn ask(&self, question: Question) -> BoxStream<'static, Result<Fragment, ModelFault>> {
        let attempt = if question.attempt > 1 { format!(" #{}", question.attempt) } else { String::new() };
        self.0.say(format!("asked{attempt}: {}", shown::messages(&question.messages)));
        let items = reply(&self.0.script, &question);
        self.0.asked.lock().unwrap().push(question);
        let world = self.0.clone();
        let said = stream::iter(items).then(move |item| {
            let world = world.clone();
            async move {
                world.point().await;
                match item {
                    Item::Say(fragment) => Ok(fragment),
                    Item::Fail(fault) => Err(fault),
                    Item::Hang => {
                        world.say("hangs");
                        std::future::pending().await
                    }
                }
            }
        });
        said.boxed()
    }
}

/// The conversation, read from the view.
pub(crate) struct Listening {
    pub(crate) heard: Heard,
    pub(crate) world: Arc<World>,
}

impl Conversation for Listening {
    fn upto<'a>(
        &'a self,
        session: &'a SessionId,
        upto: FactId,
    ) -> BoxFuture<'a, Result<Vec<MessageSaid>, Unreadable>> {
        Box::pin(async move {
            self.world.point().await;
            let failing = self
                .world
                .unreadable
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
            if failing.is_ok() {
                return Err(Unreadable::Behind(upto));
            }
            self.heard.upto(session, upto).await
        })
    }
}

/// Writes down what the engine does.
pub(crate) struct Watching(pub(crate) Arc<World>);

impl Observer for Watching {
    fn observe(&self, _: InstanceId, observed: &Observed<'_>) {
        let line = match observed {
            Observed::Resumed { state, .. } => format!("resumed in {state}"),
            Observed::Moved { from, to, .. } => format!("{from} → {to}"),
            Observed::EffectFailed { fault, .. } => format!("failed: {fault}"),
            Observed::Retrying { state, fault, .. } => format!("{state} again: {fault}"),
            Observed::Stopped { state, why } => format!("{state} stopped: {why}"),
            Observed::Parked { why, .. } => format!("parked: {why}"),
            Observed::Started { .. }
            | Observed::EffectBegan { .. }
            | Observed::EffectDone { .. }
            | Observed::Ended { .. } => return,
        };
        self.0.say(line);
    }
}

/// What begins with a cross has not the form that is wanted.
impl Gauge for World {
    fn misfit(&self, answer: &str) -> Option<String> {
        answer.strip_prefix('✗').map(|what| format!("it is {what}"))
    }
}

/// What a turn of so many whole answers used.
pub(crate) fn used(answers: usize) -> domain::Usage {
    std::iter::repeat_n(USED, answers).fold(domain::Usage::default(), |sum, used| sum + used)
}
