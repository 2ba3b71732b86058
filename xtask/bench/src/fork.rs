//! What a fork costs, durable, when the past behind it is long, against one with next to none: the past is named, not copied.
use crate::{
    Scale,
    graphs::{
        paces::{Begun, Paces},
        text,
    },
    house::{MOVES_MAX, journal, quiet, runtime},
    measure::{Pairs, timed},
    scratch,
    table::{Row, Unit},
};
use engine::{Amount, Budget, Engine, fork::Point};
use tokio::runtime::Runtime;

/// Steps to and fro of the run with a long past; each is two moves.
const LONG: u32 = 20_000;

/// The same of the one with next to none.
const SHORT: u32 = 4;

/// A fork of a long past may cost so much more than one of a short past: noise.
const RATIO_MAX: f64 = 1.2;

/// Measures forks of both.
pub(crate) fn rows(scale: &Scale) -> Vec<Row> {
    let dir = scratch(scale);
    let runtime = runtime();
    let _within = runtime.enter();
    let engine = quiet(journal(&dir.path().join("journal")));
    let [long, short] = [LONG, SHORT].map(|steps| runtime.block_on(walked(&engine, steps)));
    let fork = |at: Point| forked(&runtime, &engine, &at);
    let pairs = Pairs::in_turns(scale.patience(), || fork(long), || fork(short));
    engine.close();
    vec![
        Row::new(format!("fork of a run of {} moves, durable", 2 * LONG), Unit::Nanoseconds, &pairs)
            .at_most(RATIO_MAX)
            .note(format!("vs one of {} moves", 2 * SHORT)),
    ]
}

/// Walks to the end, and returns the last state before it.
async fn walked(engine: &Engine, steps: u32) -> Point {
    let begun = Begun { spins: 0, left: steps, text: text() };
    let run = engine
        .start(begun, Budget::new(MOVES_MAX, Amount::NONE))
        .await
        .expect("the bench's journal takes runs");
    run.end().await.expect("nothing parks it");
    let last = u64::from(2 * steps + 1);
    engine.journal().point(run.id(), last).expect("it has been there")
}

/// The nanoseconds until a fork is durable. It ends after one move.
fn forked(runtime: &Runtime, engine: &Engine, at: &Point) -> f64 {
    let (took, run) = timed(|| {
        let forking = engine.fork::<Paces>(at, Budget::new(MOVES_MAX, Amount::NONE), Ok);
        runtime.block_on(forking.expect("it is no end"))
    });
    let run = run.expect("the bench's journal takes runs");
    // Out of the way of the next one.
    runtime.block_on(run.end()).expect("nothing parks it");
    took
}
