//! Many runs at once, each move with an effect: moves per second and the time that a move takes, against one run and
//! against others that commit one transaction per move, their writers as many as our runs.
use crate::{
    Scale,
    graphs::Paced,
    house::{self, journal, runtime},
    measure::{Pairs, nanos, percentile, timed},
    moves::write_to_the_end,
    peers::{self, Peer},
    scratch,
    table::{Row, Unit},
};
use engine::{Engine, InstanceId};
use std::{
    collections::HashMap,
    sync::{Arc, Barrier, Mutex},
    thread,
    time::Instant,
};
use tokio::runtime::Runtime;

/// So many runs at once, and the moves of each.
const CROWDS: [(u32, u32); 2] = [(64, 50), (512, 25)];

/// Commits of each of a peer's writers: they come one after the other, and a second is enough.
const COMMITS: u32 = 4;

/// A thread that commits needs little.
const STACK_BYTES: usize = 512 << 10;

/// Measures each crowd.
pub(crate) fn rows(scale: &Scale) -> Vec<Row> {
    let crowd = Crowd::new(scale);
    let mut rows = Vec::new();
    for (runs, moves) in CROWDS {
        let pairs = Pairs::in_turns(scale.patience(), || crowd.each(runs, moves), || crowd.each(1, moves));
        crowd.each(runs, moves);
        let ours = crowd.latencies.percentile();
        crowd.each(1, moves);
        let alone = crowd.latencies.percentile();
        rows.push(row(runs, "vs one run", &pairs, ours, alone));
        rows.extend(others(scale, &crowd, (runs, moves)));
    }
    crowd.engine.close();
    rows
}

fn others(scale: &Scale, crowd: &Crowd, (runs, moves): (u32, u32)) -> Vec<Row> {
    let dir = scratch(scale);
    let bytes = vec![vec![7; crate::moves::bytes_of_a_move(scale)]];
    let rows = peers::all(dir.path()).into_iter().map(|(who, peer)| match peer {
        Err(why) => Row::not_measured(name(runs, &format!("vs {who}")), why),
        Ok(peer) => {
            let latencies = Latencies::default();
            let theirs = || committed(&peer, &bytes, runs, &latencies);
            let pairs = Pairs::in_turns(scale.patience(), || crowd.each(runs, moves), theirs);
            let theirs = latencies.percentile();
            crowd.each(runs, moves);
            row(runs, &format!("vs {who}"), &pairs, crowd.latencies.percentile(), theirs)
        }
    });
    rows.collect()
}

fn name(runs: u32, against: &str) -> String {
    format!("move with an effect, {runs} runs {against}")
}

fn row(runs: u32, against: &str, pairs: &Pairs, ours: f64, theirs: f64) -> Row {
    let rate = |nanos: f64| 1e9 / nanos;
    Row::new(name(runs, against), Unit::Nanoseconds, pairs).note(format!(
        "{:.0} moves/s against {:.0}; a move takes p99 {:.1} ms against {:.1}",
        rate(pairs.ours(50)),
        rate(pairs.yardstick(50)),
        ours / 1e6,
        theirs / 1e6
    ))
}

/// An engine whose effects look at the clock.
struct Crowd {
    runtime: Runtime,
    engine: Engine,
    latencies: Arc<Latencies>,
    _dir: tempfile::TempDir,
}

impl Crowd {
    fn new(scale: &Scale) -> Crowd {
        let (dir, runtime, latencies) = (scratch(scale), runtime(), Arc::new(Latencies::default()));
        let inside = latencies.clone();
        let stroke = Box::new(move |run| inside.stroke(run));
        let log = journal(dir.path());
        let engine = runtime.block_on(async { house::engine(log, stroke, Paced::telling(|_| ())) });
        Crowd { runtime, engine, latencies, _dir: dir }
    }

    /// Nanoseconds per move of all runs together.
    fn each(&self, runs: u32, moves: u32) -> f64 {
        self.latencies.forget();
        let (took, ()) = timed(|| self.runtime.block_on(write_to_the_end(&self.engine, runs, moves)));
        took / f64::from(runs * moves)
    }
}

/// From the effect of one move to that of the next, of each run.
#[derive(Default)]
struct Latencies(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    last: HashMap<InstanceId, Instant>,
    took: Vec<f64>,
}

impl Latencies {
    fn stroke(&self, run: InstanceId) {
        let mut seen = self.0.lock().expect("a stroke does not panic");
        let now = Instant::now();
        if let Some(before) = seen.last.insert(run, now) {
            seen.took.push(nanos(now - before));
        }
    }

    fn note(&self, took: &[f64]) {
        self.0.lock().expect("a writer does not panic").took.extend_from_slice(took);
    }

    fn forget(&self) {
        *self.0.lock().expect("a stroke does not panic") = Seen::default();
    }

    fn percentile(&self) -> f64 {
        percentile(&self.0.lock().expect("a stroke does not panic").took, 99)
    }
}

/// Nanoseconds per commit, with so many writers at once.
fn committed(peer: &Peer, record: &[Vec<u8>], writers: u32, latencies: &Latencies) -> f64 {
    let start = Barrier::new(writers as usize + 1);
    let write = || {
        start.wait();
        let took: Vec<_> = (0..COMMITS).map(|_| timed(|| peer(record)).0).collect();
        latencies.note(&took);
    };
    let began = thread::scope(|scope| {
        for _ in 0..writers {
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, write).expect("the system has threads for a crowd");
        }
        start.wait();
        Instant::now()
    });
    nanos(began.elapsed()) / f64::from(writers * COMMITS)
}
