//! An engine over a journal in a directory, and runs in it. It measures nothing.
use crate::graphs::{
    Paced, Stroke,
    paces::Paces,
    text,
    waits::Waits,
    writes::{Writes, Writing},
};
use engine::{
    Budget, Builder, Engine, Run,
    log::{FileLog, Log, Mode},
};
use std::{path::Path, sync::Arc};
use tokio::runtime::Runtime;

/// More moves than any bench makes.
pub(crate) const MOVES_MAX: u32 = u32::MAX;

/// The runtime that the daemon has.
pub(crate) fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_time().build().expect("the system has threads for a runtime")
}

/// Opens the journal in `dir`.
pub(crate) fn journal(dir: &Path) -> Arc<FileLog> {
    let (log, _) = FileLog::open(dir, Mode::Owner).expect("the bench's journal is whole and its own");
    log
}

/// Opens an engine with every graph that is measured. Call it within a runtime.
pub(crate) fn engine(log: Arc<dyn Log>, stroke: Stroke, paced: Paced) -> Engine {
    builder(stroke, paced).open(log).expect("the bench's journal holds graphs of this build")
}

/// Every graph that is measured.
pub(crate) fn builder(stroke: Stroke, paced: Paced) -> Builder {
    Engine::builder().graph::<Writes>(stroke).graph::<Paces>(paced).graph::<Waits>(())
}

/// Opens an engine whose effects do nothing.
pub(crate) fn quiet(log: Arc<dyn Log>) -> Engine {
    engine(log, Box::new(|_| ()), Paced::telling(|_| ()))
}

/// Starts a run of so many moves, each with an effect.
pub(crate) async fn write(engine: &Engine, moves: u32) -> Run<Writes> {
    let state = Writing { left: moves - 1, text: text() };
    engine
        .start(state, Budget::new(MOVES_MAX, engine::Amount::NONE))
        .await
        .expect("the bench's journal takes runs")
}
