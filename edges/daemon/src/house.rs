//! Puts the house together: home, configuration, log, journal, view, engine. Everything that runs turns begins here.
use crate::{bodies::JournalBodies, exit::Failure, instructions::INSTRUCTIONS, workshop::Benches};
use config::{Config, Home, Provider};
use domain::{METER_NAMES, Model, Tokens, UserId};
use engine::{
    Budget, Engine, Journal,
    log::{FileLog, Log, Mode, Torn},
};
use providers::{
    Patient,
    rehearsal::{Pace, Rehearsal},
};
use slog::warn;
use std::{path::Path, sync::Arc};
use store::{MemoryView, Store, StoreFollower};
use telemetry::{EngineLog, Logger};
use turn::{Ports, Turn};

/// A turn may make so many moves: four for each of the most round trips that can be configured, and some.
const MOVES_MAX: u32 = 10_000;

/// A house in which turns can run.
pub(crate) struct House {
    pub(crate) engine: Engine,
    pub(crate) store: Store,
    pub(crate) config: Config,
}

impl House {
    /// Opens the house, and says what its user should know about it. The runs that an earlier process left go on at once.
    pub(crate) fn open(
        home: &Home,
        user: &UserId,
        config: Config,
        log: &Logger,
    ) -> Result<(House, Option<String>), Failure> {
        let (journal, opened) = FileLog::open(&home.journal(), Mode::Owner).map_err(Failure::storage)?;
        let notice = opened.torn.map(|torn| cut_off(&torn, log));
        let (store, follower) = view(Journal::of(journal.clone()))?;
        let benches = Benches::of(home.clone());
        let ports = Ports {
            model: model_of(&config),
            tools: benches.tools(user).map_err(Failure::storage)?,
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
            .map_err(Failure::storage)?;
        Ok((House { engine, store, config }, notice))
    }

    /// What one turn may use up.
    pub(crate) fn budget(&self) -> Budget {
        let runtime = &self.config.runtime;
        let cost = runtime.max_cost.unwrap_or(domain::MicroUsd(u64::MAX));
        Budget::new(MOVES_MAX, runtime.max_turns).and(Tokens(u64::MAX)).and(cost)
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

/// A view over a journal, empty until it is fed.
pub(crate) fn view(journal: Journal) -> Result<(Store, StoreFollower), Failure> {
    Store::open(Box::new(MemoryView::new()), Arc::new(JournalBodies(journal))).map_err(Failure::storage)
}

fn model_of(config: &Config) -> Arc<dyn Model> {
    let model: Arc<dyn Model> = match config.selection.provider {
        Provider::Rehearsal => Arc::new(Rehearsal::new(Pace::default())),
    };
    Arc::new(Patient::new(model, config.runtime.turn_timeout))
}
