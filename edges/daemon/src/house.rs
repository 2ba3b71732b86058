//! Puts the house together: home, configuration, log, journal, view, engine. Everything that runs turns begins here.
use crate::{bodies::JournalBodies, exit::Failure, instructions::INSTRUCTIONS, workshop::Benches};
use config::{Config, ConfigError, Home, HomeError, Provider, Sources};
use domain::{METER_NAMES, Model, Tokens, UserId};
use engine::{
    Budget, Engine, Journal, OpenFault,
    log::{FileLog, Log, Mode, Torn},
};
use providers::{
    Patient,
    rehearsal::{Pace, Rehearsal},
};
use std::{path::Path, sync::Arc};
use store::{MemoryView, Store, StoreFollower};
use telemetry::{EngineLog, Level, Logger};
use turn::{Ports, Turn};

/// A turn may make so many moves: four for each of the most round trips that can be configured, and some.
const MOVES_MAX: u32 = 10_000;

/// A house in which turns can run.
pub(crate) struct House {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) config: Config,
    pub(crate) log: Logger,
    /// What its user should know, said once.
    pub(crate) notices: Vec<String>,
    _telemetry: telemetry::Guard,
}

impl House {
    /// Opens the house. The runs that an earlier process left go on at once.
    pub(crate) fn open(root: &Path, user: &UserId, model: Option<&str>) -> Result<House, Failure> {
        let mut sources = Sources::usual(root, std::env::vars_os());
        if let Some(model) = model {
            sources = sources.model(model);
        }
        let (config, notices) = Config::load(&sources).map_err(configuration)?;
        let mut notices: Vec<_> = notices.iter().map(ToString::to_string).collect();
        let home = Home::create(root).map_err(home_fault)?;
        let benches = Benches::of(home.clone());
        let toolbox = benches.tools(user).map_err(Failure::Other)?;
        let (log, telemetry) = telemetry::start(&home.logs(), Level::Info).map_err(Failure::other)?;
        let (journal, opened) = FileLog::open(&home.journal(), Mode::Owner).map_err(Failure::other)?;
        if let Some(torn) = &opened.torn {
            let Torn { file, byte, bytes } = torn;
            let file = file.display();
            notices.push(format!("the last write was torn by a crash: {bytes} bytes of {file} from byte {byte} were cut off; nobody had been told that they were kept"));
        }
        let (store, follower) = view(Journal::of(journal.clone()))?;
        let ports = Ports {
            model: model_of(&config),
            tools: toolbox,
            workshop: Arc::new(benches),
            conversation: Arc::new(store.clone()),
            instructions: INSTRUCTIONS.to_owned(),
        };
        let engine = Engine::builder()
            .graph::<Turn>(ports)
            .follower(follower)
            .observer(EngineLog(log.clone()))
            .meters(METER_NAMES)
            .open(journal)
            .map_err(unopened)?;
        Ok(House { engine, store, config, log, notices, _telemetry: telemetry })
    }

    /// What one turn may use up.
    pub(crate) fn budget(&self) -> Budget {
        let runtime = &self.config.runtime;
        let cost = runtime.max_cost.unwrap_or(domain::MicroUsd(u64::MAX));
        Budget::new(MOVES_MAX, runtime.max_turns).and(Tokens(u64::MAX)).and(cost)
    }
}

/// A journal for reading, beside whoever owns it.
pub(crate) fn reading(root: &Path) -> Result<Journal, Failure> {
    let home = Home::open(root).map_err(home_fault)?;
    let (log, _) = FileLog::open(&home.journal(), Mode::Reader).map_err(Failure::other)?;
    let log: Arc<dyn Log> = log;
    Ok(Journal::of(log))
}

/// A view over a journal, empty until it is fed.
pub(crate) fn view(journal: Journal) -> Result<(Store, StoreFollower), Failure> {
    Store::open(Box::new(MemoryView::new()), Arc::new(JournalBodies(journal))).map_err(Failure::other)
}

fn model_of(config: &Config) -> Arc<dyn Model> {
    let model: Arc<dyn Model> = match config.selection.provider {
        Provider::Rehearsal => Arc::new(Rehearsal::new(Pace::default())),
    };
    Arc::new(Patient::new(model, config.runtime.turn_timeout))
}

fn configuration(error: ConfigError) -> Failure {
    Failure::usage(error)
}

fn home_fault(error: HomeError) -> Failure {
    Failure::other(error)
}

pub(crate) fn unopened(fault: OpenFault) -> Failure {
    Failure::other(fault)
}
