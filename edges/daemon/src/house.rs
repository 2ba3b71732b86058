//! Puts the house together: home, configuration, log, journal, view, engine. Everything that runs turns begins here.
use crate::{bodies::JournalBodies, exit::Failure, instructions::INSTRUCTIONS, workshop::Benches};
use config::{Api, Config, Home, Provider, Selection, Server};
use domain::{METER_NAMES, Model, UserId};
use engine::{
    Budget, Engine, Journal, Recovered, Told,
    log::{FileLog, Group, Log, Mode, Options, Torn},
};
use providers::{
    Fitted, Patient, Tiktoken,
    openai::{OpenAi, OpenAiConfig},
    rehearsal::{Pace, Rehearsal},
};
use slog::warn;
use std::{path::Path, sync::Arc};
use store::{Kept, MemoryView, Store, StoreFollower};
use telemetry::{EngineLog, Logger};
use tokio::sync::broadcast::Receiver;
use turn::{Ports, Turn};

/// A turn may make so many moves: four for each of the most round trips that can be configured, and some.
const MOVES_MAX: u32 = 10_000;

/// Set to 1, this variable adds tools for trying the machine.
const TEST_TOOLS: &str = "OXYDRA_TEST_TOOLS";

/// A house in which turns can run.
pub(crate) struct House {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) config: Config,
}

impl House {
    /// Opens the house, and says what its user should know about it. The runs that an earlier process left go on at once;
    /// all that they tell is in the receiver.
    pub(crate) fn open(
        home: &Home,
        user: &UserId,
        config: Config,
        log: &Logger,
    ) -> Result<(House, Receiver<Told>, Option<String>), Failure> {
        let mut recovered = Recovered::default();
        let mut take = |group: &Group| recovered.take(group);
        let opened = FileLog::open_with(&home.journal(), Mode::Owner, Options::default(), &mut take);
        let (journal, opened) = opened.map_err(Failure::storage)?;
        let notice = opened.torn.map(|torn| cut_off(&torn, log));
        let (store, follower) = kept(home, Journal::of(journal.clone()), log);
        let with_test_tools = std::env::var_os(TEST_TOOLS).is_some_and(|value| value == "1");
        let benches = Benches::of(home.clone(), with_test_tools);
        let ports = Ports {
            model: model_of(&config)?,
            tools: benches.tools(user).map_err(Failure::storage)?,
            workshop: Arc::new(benches),
            conversation: Arc::new(store.clone()),
            instructions: INSTRUCTIONS.to_owned(),
        };
        let builder = Engine::builder()
            .graph::<Turn>(ports)
            .follower(follower)
            .observer(EngineLog(log.clone()))
            .meters(METER_NAMES);
        let told = builder.listen();
        let engine = builder.open_recovered(journal, recovered).map_err(Failure::storage)?;
        Ok((House { engine, store, config }, told, notice))
    }

    /// Stops, and leaves the view as one that was closed: the next start trusts it whatever the machine does meanwhile.
    pub(crate) async fn close(&self) {
        self.engine.close();
        self.store.closed().await;
    }

    /// What one turn may use up.
    pub(crate) fn budget(&self) -> Budget {
        let runtime = &self.config.runtime;
        let cost = runtime.max_cost.unwrap_or(domain::MicroUsd(u64::MAX));
        Budget::new(MOVES_MAX, runtime.max_turns)
            .and(runtime.max_tokens)
            .and(cost)
            .within(runtime.max_duration)
    }
}

fn cut_off(Torn { file, byte, bytes }: &Torn, log: &Logger) -> String {
    let file = file.display();
    warn!(log, "torn tail cut off"; "file" => %file, "byte" => byte, "bytes" => bytes);
    format!(
        "the last write was torn by a crash: {bytes} bytes of {file} from byte {byte} were cut off; nobody had been told that they were kept"
    )
}

/// A journal for reading, beside whoever owns it.
pub(crate) fn reading(root: &Path) -> Result<Journal, Failure> {
    let home = Home::open(root).map_err(Failure::storage)?;
    let (log, _) = FileLog::open(&home.journal(), Mode::Reader).map_err(Failure::storage)?;
    let log: Arc<dyn Log> = log;
    Ok(Journal::of(log))
}

/// The owner's view: on disk, and when it fails replaced in the background.
fn kept(home: &Home, journal: Journal, log: &Logger) -> (Store, StoreFollower) {
    let (bodies, log) = (Arc::new(JournalBodies(journal.clone())), log.clone());
    let told = move |kept: &Kept| warn!(log, "view replaced"; "why" => %kept);
    Store::kept(&home.root().join("view"), bodies, move |follower| journal.feed(follower), told)
}

/// A view over a journal, in memory, empty until it is fed: for a reader beside the owner.
pub(crate) fn view(journal: Journal) -> Result<(Store, StoreFollower), Failure> {
    Store::open(Box::new(MemoryView::new()), Arc::new(JournalBodies(journal))).map_err(Failure::storage)
}

fn model_of(config: &Config) -> Result<Arc<dyn Model>, Failure> {
    let Selection { provider, model } = &config.selection;
    let (model, silence): (Arc<dyn Model>, _) = match provider {
        Provider::Rehearsal => (Arc::new(Rehearsal::new(Pace::default())), None),
        Provider::Server(server) => (
            Arc::new(Fitted::new(Arc::new(asked(server, model)?), Tiktoken::of(model))),
            server.timeouts.idle,
        ),
    };
    Ok(Arc::new(Patient::new(model, silence.unwrap_or(config.runtime.turn_timeout))))
}

fn asked(server: &Server, model: &str) -> Result<OpenAi, Failure> {
    match server.api {
        Api::OpenAi => open_ai(server, model),
        // The configuration refuses these by name until they are spoken.
        Api::OpenAiResponses | Api::Anthropic | Api::Gemini => {
            Err(Failure::configuration(format!("{} is not spoken yet", server.api)))
        }
    }
}

fn open_ai(server: &Server, model: &str) -> Result<OpenAi, Failure> {
    let config = OpenAiConfig {
        base_url: server.base_url.clone(),
        key: server.key.clone(),
        model: model.to_owned(),
        limits: server.caps.limits(None),
        headers: server.headers.clone(),
    };
    let usual = http::Options::default();
    let options = http::Options {
        connect_timeout: server.timeouts.connect.unwrap_or(usual.connect_timeout),
        head_timeout: server.timeouts.head.unwrap_or(usual.head_timeout),
        total_timeout: server.timeouts.total.unwrap_or(usual.total_timeout),
        addresses: usual.addresses,
    };
    OpenAi::new(http::Client::new(options), config).map_err(Failure::configuration)
}
