//! A house in which nothing can happen outside: no model, no tools, no files. For who steers one run and leaves all others
//! where they stand, and for who replays one.
use crate::{enter::clock, exit::Failure, owner::alone, trust};
use branch::Branch;
use config::Home;
use domain::{
    Conversation, Fragment, METER_NAMES, MessageSaid, Model, ModelFault, ModelLimits, Question, SessionId,
    Tokens, Toolbox, Unreadable, UserId,
};
use engine::{
    Builder, Engine, FactId, Recovered,
    log::{FileLog, Group, Mode, Options},
};
use futures::{future::BoxFuture, stream::BoxStream};
use policy::{Approved, Evidence, Executed, Executor, Journalled, Probe, RawOutput, Scrubber};
use std::{error::Error, path::Path, sync::Arc};
use turn::{Bench, Ports, Turn, Workshop};

/// Why nothing happens.
const OFFLINE: &str = "nothing outside can be reached from here";

/// The ports of a turn, without an outside.
struct Offline;

/// What steers runs, or replays them, knows the same graphs as what runs them.
pub(crate) fn builder(tools: Arc<dyn Toolbox>) -> Builder {
    let ports = Ports {
        form: domain::AnswerForm::Free,
        gauge: Arc::new(domain::AnyForm),
        model: Arc::new(Offline),
        tools,
        workshop: Arc::new(Offline),
        conversation: Arc::new(Offline),
        instructions: String::new(),
    };
    Engine::builder().graph::<Turn>(ports).graph::<Branch>(()).meters(METER_NAMES)
}

/// Opens the journal of a home as its owner, and sets nothing going.
pub(crate) fn at_rest(root: &Path, command: &str) -> Result<Engine, Failure> {
    clock(std::time::SystemTime::now())?;
    // A wrong place should not become a home.
    let home = Home::open(root).map_err(Failure::storage)?;
    trust::admit(root)?;
    let mut recovered = Recovered::default();
    let mut take = |group: &Group| recovered.take(group);
    let opened = FileLog::open_with(&home.journal(), Mode::Owner, Options::default(), &mut take);
    let (journal, _) = opened.map_err(|fault| alone(Failure::storage(fault), command))?;
    builder(Arc::new(Offline)).at_rest().open_recovered(journal, recovered).map_err(Failure::storage)
}

impl Model for Offline {
    fn id(&self) -> &str {
        "offline"
    }
    fn limits(&self) -> ModelLimits {
        // So little that no budget is too small for it: a replay holds what it holds.
        ModelLimits { context_tokens_max: Tokens(0), answer_tokens_max: Tokens(0) }
    }
    fn ask(&self, _: Question) -> BoxStream<'static, Result<Fragment, ModelFault>> {
        let refused = Err(ModelFault::Refused(OFFLINE.to_owned()));
        Box::pin(futures::stream::once(std::future::ready(refused)))
    }
}

impl Toolbox for Offline {
    fn specs(&self) -> Vec<domain::ToolSpec> {
        Vec::new()
    }
    fn arguments(&self, _: &str, _: &str) -> Result<domain::Json, domain::NotJson> {
        Err(domain::NotJson(OFFLINE.to_owned()))
    }
}

impl Workshop for Offline {
    fn bench(&self, _: &UserId) -> Result<Bench, Box<dyn Error + Send + Sync>> {
        Ok(Bench { executor: Arc::new(Offline), scrubber: Arc::new(Scrubber::default()) })
    }
}

impl Executor for Offline {
    fn execute<'a>(&'a self, call: Journalled<'a>) -> BoxFuture<'a, Executed> {
        Box::pin(async move { call.ran(RawOutput::failed(OFFLINE)) })
    }
    fn evidence<'a>(&'a self, _: &'a Approved) -> BoxFuture<'a, Evidence> {
        Box::pin(std::future::ready(Evidence::default()))
    }
    fn probe<'a>(&'a self, _: &'a Approved, _: &'a Evidence) -> BoxFuture<'a, Probe> {
        Box::pin(std::future::ready(Probe::Unknown))
    }
}

impl Conversation for Offline {
    fn upto<'a>(
        &'a self,
        _: &'a SessionId,
        _: FactId,
    ) -> BoxFuture<'a, Result<Vec<MessageSaid>, Unreadable>> {
        Box::pin(std::future::ready(Err(Unreadable::Broken(OFFLINE.to_owned()))))
    }
}
