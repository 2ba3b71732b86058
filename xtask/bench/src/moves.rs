//! What a move costs: with an effect and alone, one run and many. The journal is the real one, on the real disk.
use crate::{
    Scale,
    graphs::{
        Paced,
        by_hand::{self, Line, Pacing},
        paces::Begun,
        text,
    },
    house::{self, MOVES_MAX, journal, runtime},
    measure::{Pairs, nanos, timed},
    pin::Cores,
    raw::Raw,
    scratch,
    table::{Row, Unit},
};
use engine::{Amount, Budget, Engine};
use futures::future::join_all;
use std::{
    hint::black_box,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

/// Everything about moves.
pub(crate) fn rows(scale: &Scale) -> Vec<Row> {
    let mut rows = vec![effect(scale, Cores::One).at_most(1.3), effect(scale, Cores::All)];
    rows.extend(alone(scale));
    rows.push(dispatch(scale));
    rows
}

/// One run, each move with an effect; within each effect the same bytes go to a raw file, so that both take turns.
fn effect(scale: &Scale, cores: Cores) -> Row {
    let _held = cores.hold();
    let bytes = bytes_of_a_move(scale);
    let dir = scratch(scale);
    let runtime = runtime();
    let between =
        Arc::new(Mutex::new(Between { raw: Raw::create(dir.path()), left: None, pairs: Pairs::default() }));
    let inside = between.clone();
    let stroke = Box::new(move |_| inside.lock().expect("a stroke does not panic").take(bytes));
    let log = journal(&dir.path().join("journal"));
    runtime.block_on(async {
        let engine = house::engine(log, stroke, Paced::telling(|_| ()));
        let began = Instant::now();
        while began.elapsed() < scale.patience().span {
            between.lock().expect("a stroke does not panic").left = None;
            write_to_the_end(&engine, 1, 50).await;
        }
        engine.close();
    });
    let pairs = std::mem::take(&mut between.lock().expect("a stroke does not panic").pairs).without_warm_up();
    Row::new(format!("move with an effect, one run, {}", cores.name()), Unit::Nanoseconds, &pairs)
        .note(format!("{bytes} B a move, vs raw write+fdatasync"))
}

/// From the end of one effect to the beginning of the next: that is a move.
struct Between {
    raw: Raw,
    left: Option<Instant>,
    pairs: Pairs,
}

impl Between {
    fn take(&mut self, bytes: usize) {
        let ours = self.left.map(|left| nanos(left.elapsed()));
        let raw = self.raw.write(bytes);
        if let Some(ours) = ours {
            self.pairs.push(ours, raw);
        }
        self.left = Some(Instant::now());
    }
}

/// What the journal grows by with each move that has an effect. Closed journals are compared: an open one has room.
pub(crate) fn bytes_of_a_move(scale: &Scale) -> usize {
    const MOVES: u32 = 32;
    let written = |moves| {
        let dir = scratch(scale);
        runtime().block_on(async {
            let engine = house::quiet(journal(dir.path()));
            write_to_the_end(&engine, 1, moves).await;
            engine.close();
        });
        size(dir.path())
    };
    ((written(2 * MOVES) - written(MOVES)) / u64::from(MOVES)) as usize
}

fn size(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).expect("the journal is there").flatten();
    files.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
}

/// Starts runs and waits for all.
pub(crate) async fn write_to_the_end(engine: &Engine, runs: u32, moves: u32) {
    let starting = join_all((0..runs).map(|_| house::write(engine, moves))).await;
    let ended = join_all(starting.iter().map(|run| run.end())).await;
    ended.into_iter().for_each(|end| drop(end.expect("a run of the bench ends")));
}

/// A move without an effect, against what a person would write by hand; and until the disk has it, against the same
/// bytes.
fn alone(scale: &Scale) -> Vec<Row> {
    let (dir, aside) = (scratch(scale), scratch(scale));
    let runtime = runtime();
    let (tell, told) = mpsc::channel::<Duration>();
    let paced = Paced::telling(move |took| tell.send(took).expect("the bench listens"));
    let engine = runtime.block_on(async { house::engine(journal(dir.path()), Box::new(|_| ()), paced) });
    let walk = || {
        let (took, ()) = timed(|| runtime.block_on(pace(&engine, 0, WALK)));
        let walked = nanos(told.recv().expect("the handler told how long it took"));
        (walked / f64::from(WALK), took / f64::from(WALK))
    };
    let encoded = Pairs::in_turns(scale.patience(), || walk().0, || encoded_by_hand(WALK));
    let journalled = Pairs::in_turns(scale.patience(), || walk().0, || journalled_by_hand(WALK));
    let bytes = bytes_of_a_walk(scale);
    let mut raw = Raw::create(aside.path());
    let durable =
        Pairs::in_turns(scale.patience(), || walk().1, || written(&mut raw, bytes) / f64::from(WALK));
    engine.close();
    vec![
        Row::new("move without an effect", Unit::Nanoseconds, &encoded)
            .at_most(2.0)
            .note("vs an enum by hand + encode of its state"),
        Row::new("move without an effect, vs a journal", Unit::Nanoseconds, &journalled)
            .note("vs an enum by hand + an encoded, summed line of a journal"),
        Row::new("move without an effect, until it is durable", Unit::Nanoseconds, &durable)
            .note(format!("{} B a move, vs write+fdatasync of 256 KiB at a time", bytes / WALK as usize)),
    ]
}

/// The moves of a walk: a journal of some MiB.
const WALK: u32 = 20_000;

/// As much as the journal's writer takes when nobody waits.
const PIECE_BYTES: usize = 256 << 10;

/// Nanoseconds of so many bytes on the disk.
fn written(raw: &mut Raw, bytes: usize) -> f64 {
    let pieces = (0..bytes).step_by(PIECE_BYTES);
    pieces.map(|from| raw.write(PIECE_BYTES.min(bytes - from))).sum()
}

/// What the journal grows by with a walk.
fn bytes_of_a_walk(scale: &Scale) -> usize {
    let dir = scratch(scale);
    runtime().block_on(async {
        let engine = house::quiet(journal(dir.path()));
        pace(&engine, 0, WALK).await;
        engine.close();
    });
    size(dir.path()) as usize
}

/// Starts a run that moves so often and waits for it.
pub(crate) async fn pace(engine: &Engine, spins: u32, moves: u32) {
    let state = Begun { spins, left: moves / 2, text: text() };
    let run = engine.start(state, Budget::new(MOVES_MAX, Amount::NONE)).await;
    let end = run.expect("the bench's journal takes runs").end().await;
    drop(end.expect("a run of the bench ends"));
}

/// Nanoseconds of a hand-written move with its state encoded.
pub(crate) fn encoded_by_hand(moves: u32) -> f64 {
    by_hand(moves, |state, _| drop(black_box(state.encode())))
}

fn journalled_by_hand(moves: u32) -> f64 {
    let mut pending = Vec::new();
    by_hand(moves, |state, seq| {
        let line =
            Line { instance: 7 << 100, seq, state: state.encode(), balance: [1 << 20; 5], at: 1 << 40 };
        by_hand::journal(&line, &mut pending);
        // As much as a writer takes at once.
        if pending.len() > 1 << 16 {
            pending.clear();
        }
    })
}

fn by_hand(moves: u32, mut each: impl FnMut(&Pacing, u64)) -> f64 {
    let mut state = Pacing::There { left: moves / 2, text: text() };
    let mut seq = 0;
    let (took, ()) = timed(|| {
        while !matches!(state, Pacing::Arrived { .. }) {
            state = black_box(std::mem::replace(&mut state, Pacing::Arrived { text: String::new() })).step();
            seq += 1;
            each(&state, seq);
        }
    });
    took / f64::from(moves)
}

/// A typed, async handler called as the engine calls it, against a hand-written enum.
fn dispatch(scale: &Scale) -> Row {
    const MOVES: u32 = 200_000;
    let dir = scratch(scale);
    let runtime = runtime();
    let (tell, told) = mpsc::channel::<Duration>();
    let paced = Paced::telling(move |took| tell.send(took).expect("the bench listens"));
    let engine = runtime.block_on(async { house::engine(journal(dir.path()), Box::new(|_| ()), paced) });
    let typed = || {
        runtime.block_on(pace(&engine, MOVES / 2, 0));
        nanos(told.recv().expect("the handler told how long it took")) / f64::from(MOVES)
    };
    let pairs = Pairs::in_turns(scale.patience(), typed, || by_hand(MOVES, |_, _| ()));
    engine.close();
    Row::new("typed dispatch", Unit::Nanoseconds, &pairs).at_most(1.5).note("vs an enum by hand")
}
