//! What a run that waits takes in memory: the growth of this process over many of them.
use crate::{
    Scale,
    graphs::{text, waits::Waiting},
    house::{MOVES_MAX, journal, quiet, runtime},
    measure::Pairs,
    table::{Row, Unit},
};
use engine::{Amount, Budget, Encoded};
use futures::future::join_all;
use std::{path::Path, process::Command};

/// Enough for pages and tables not to count.
const RUNS: u32 = 20_000;

/// What a parked run may take.
const BYTES_MAX: f64 = 1024.0;

/// Measures one crowd of waiting runs, in a process of its own: what others freed here would be used again.
pub(crate) fn rows(scale: &Scale) -> Vec<Row> {
    const NAME: &str = "memory of a run that waits";
    let grown = std::env::current_exe().and_then(|ourselves| {
        Command::new(ourselves).args(["work", "waiting", &RUNS.to_string()]).arg(&scale.dir).output()
    });
    let grown =
        grown.ok().and_then(|output| String::from_utf8_lossy(&output.stdout).trim().parse::<f64>().ok());
    let Some(grown) = grown else {
        return vec![Row::not_measured(NAME, "the system does not say how much it is")];
    };
    let mut pairs = Pairs::default();
    pairs.push(grown / f64::from(RUNS), Encoded::stored(&Waiting { text: text() }).bytes.len() as f64);
    vec![Row::new(NAME, Unit::Bytes, &pairs).at_most_each(BYTES_MAX).note("vs its state as bytes")]
}

/// Starts so many runs that wait and prints the bytes that this process grows by.
pub(crate) fn work(dir: &Path, runs: u32) {
    let grown = runtime().block_on(async {
        let engine = quiet(journal(dir));
        // The tables and the allocator grow before, in part.
        start(&engine, runs / 20).await;
        let before = resident()?;
        start(&engine, runs).await;
        let grown = resident()? - before;
        engine.close();
        Some(grown)
    });
    println!("{}", grown.map_or_else(|| "?".to_owned(), |bytes| bytes.to_string()));
}

async fn start(engine: &engine::Engine, runs: u32) {
    let begun =
        (0..runs).map(|_| engine.start(Waiting { text: text() }, Budget::new(MOVES_MAX, Amount::NONE)));
    for run in join_all(begun).await {
        drop(run.expect("the bench's journal takes runs"));
    }
}

/// The bytes of this process that are in memory.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? * 1024.0)
}
