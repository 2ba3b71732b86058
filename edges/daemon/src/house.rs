//! Puts the house together: home, configuration, log, journal, view, engine. Everything that runs turns begins here.
use crate::{
    bodies::JournalBodies, exit::Failure, form::Form, instructions::INSTRUCTIONS, models::model_of,
    workshop::Benches,
};
use branch::Branch;
use config::{Config, Home};
use domain::{METER_NAMES, UserId};
use engine::{
    Budget, Engine, Journal, Recovered, Told,
    log::{FileLog, Mode, Options, Torn, Unused},
};
use futures::FutureExt;
use slog::warn;
use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::Arc,
};
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

/// What goes on when a house is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Going {
    /// Every run that an earlier process left.
    All,
    /// What the engine is told to wake.
    AtRest,
}

impl House {
    /// Opens the house, and says what its user should know about it. All that the runs tell which go on at once is in the
    /// receiver.
    pub(crate) fn open(
        home: &Home,
        user: &UserId,
        config: Config,
        form: Form,
        log: &Logger,
        going: Going,
    ) -> Result<(House, Receiver<Told>, Option<String>), Failure> {
        let mut recovered = Recovered::default();
        let opened = FileLog::open_folding(&home.journal(), Mode::Owner, Options::default(), &mut recovered);
        let (journal, opened) = opened.map_err(Failure::storage)?;
        for Unused { file, why } in &opened.unused {
            warn!(log, "snapshot left unused"; "file" => %file.display(), "why" => why);
        }
        let notice = opened.torn.map(|torn| cut_off(&torn, log));
        let (store, follower) = kept(home, recovered.journal(journal.clone()), log);
        let benches = benches(home);
        let ports = Ports {
            model: model_of(&config, home)?,
            tools: benches.tools(user).map_err(Failure::storage)?,
            workshop: Arc::new(benches),
            conversation: Arc::new(store.clone()),
            instructions: INSTRUCTIONS.to_owned(),
            form: form.wanted,
            gauge: form.gauge,
        };
        let builder = Engine::builder()
            .graph::<Turn>(ports)
            .graph::<Branch>(())
            .follower(follower)
            .observer(EngineLog(log.clone()))
            .meters(METER_NAMES);
        let builder = match going {
            Going::All => builder,
            Going::AtRest => builder.at_rest(),
        };
        let told = builder.listen();
        let engine = builder.open_recovered(journal, recovered).map_err(Failure::storage)?;
        Ok((House { engine, store, config }, told, notice))
    }

    /// Stops, and leaves the view as one that was closed: the next start trusts it whatever the machine does meanwhile.
    pub(crate) async fn close(&self) {
        // Who waited for the journal has been told of an earlier failure.
        let failed_before = self.engine.halted().now_or_never().flatten().is_some();
        if let Some(fault) = self.engine.close().filter(|_| !failed_before) {
            // Nothing is lost, and there is nobody else to tell.
            let _ = writeln!(io::stderr(), "oxydra: the journal was not closed cleanly: {fault}");
        }
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

/// The benches of a home, with the tools for trying the machine if they are asked for.
pub(crate) fn benches(home: &Home) -> Benches {
    let with_test_tools = std::env::var_os(TEST_TOOLS).is_some_and(|value| value == "1");
    Benches::of(home.clone(), with_test_tools)
}

fn cut_off(Torn { file, byte, bytes }: &Torn, log: &Logger) -> String {
    let file = file.display();
    warn!(log, "torn tail cut off"; "file" => %file, "byte" => byte, "bytes" => bytes);
    format!(
        "the last write did not come to its end (a crash, a kill or a full disk): {bytes} bytes of {file} from byte {byte} were cut off; nobody had been told that they were kept"
    )
}

/// A journal for reading, beside whoever owns it.
pub(crate) fn reading(root: &Path) -> Result<Journal, Failure> {
    let home = Home::open(root).map_err(Failure::storage)?;
    Journal::beside(&home.journal()).map_err(Failure::storage)
}

/// The owner's view: on disk, and when it fails replaced in the background.
fn kept(home: &Home, journal: Journal, log: &Logger) -> (Store, StoreFollower) {
    let (bodies, log) = (Arc::new(JournalBodies(journal.clone())), log.clone());
    let told = move |kept: &Kept| warn!(log, "view replaced"; "why" => %kept);
    Store::kept(&home.view(), bodies, move |follower| journal.feed(follower), told)
}

/// Removes what was made of the journal of a home, which nobody uses now: the view, whose files may hold what was deleted from
/// it, and how many tokens each message has, beside a fingerprint of it. The next owner makes both anew.
pub(crate) fn drop_derived(root: &Path) -> Result<(), Failure> {
    let home = Home::open(root).map_err(Failure::storage)?;
    let (view, counts) = (home.view(), home.token_counts());
    for (path, removed) in [(&view, fs::remove_dir_all(&view)), (&counts, fs::remove_file(&counts))] {
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::storage(format!("cannot remove {}: {error}", path.display())));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// A view over a journal, in memory, empty until it is fed: for a reader beside the owner.
pub(crate) fn view(journal: Journal) -> Result<(Store, StoreFollower), Failure> {
    Store::open(Box::new(MemoryView::new()), Arc::new(JournalBodies(journal))).map_err(Failure::storage)
}
