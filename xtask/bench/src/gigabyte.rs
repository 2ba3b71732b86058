//! A journal of a gigabyte, with facts, with runs that have ended and runs that wait: how long it takes to come back from a
//! snapshot, after compaction and without either, against reading its files and summing up the bytes. The page cache is warm
//! for all; the engine itself wrote it.
use crate::{
    Scale,
    house::{journal, runtime},
    measure::{Pairs, Patience, timed},
    recovery::sum,
    scratch,
    table::{Row, Unit},
};
use engine::{
    Amount, Budget, Builder, Engine, Recovered, Retention,
    log::{FileLog, Mode, Options},
};
use futures::future::join_all;
use notes::{Notes, Noting};
use std::path::Path;

/// What is aimed at: a gigabyte in a second.
const BYTES: u64 = 1 << 30;
const NANOSECONDS: f64 = 1e9;

/// The shape of the table, not its numbers.
const BYTES_QUICK: u64 = 32 << 20;

/// Runs that begin together, of which one in [`WAITS_IN`] goes on to wait; enough for large batches.
const RUNS: u32 = 1000;
const WAITS_IN: u32 = 10;
const MOVES: u32 = 10;

/// Of those that have ended, so many pasts are kept.
const KEPT: usize = 5000;

/// Opening is slow work, and the same each time.
const OPENINGS_MAX: usize = 4;

mod notes {
    use domain::{Message, MessageSaid, SessionId, TurnId};
    use engine::prelude::*;

    #[event]
    pub(super) struct Enough;
    #[state]
    pub(super) struct Noting {
        pub(super) left: u32,
        pub(super) waits: bool,
    }
    #[state]
    pub(super) struct Waiting {
        pub(super) text: String,
    }
    #[state]
    pub(super) struct Noted {
        pub(super) text: String,
    }
    graph! {
        /// Notes what an effect says, so many times.
        pub(super) graph Notes v1 {
            start Noting;
            Noting -> Noting | Waiting | Noted;
            Waiting on Enough -> Noted;
            end Noted;
            stop -> Noted;
        }
    }
    impl Step for Noting {
        async fn step(self, cx: &mut Cx<Notes>) -> Next<Self> {
            // Half a page that is said, and what is made of it.
            let id = cx.instance().to_string();
            let session = SessionId::parse(&id).expect("an id of a run is one of a session");
            let turn = TurnId::parse(&id).expect("and one of a turn");
            let note = MessageSaid { session, turn, at: cx.at(), message: Message::user("n".repeat(500)) };
            let said = |_| std::future::ready(Ok(Settled::new("r".repeat(200)).fact(&note)));
            let text = cx.effect("say", Hold::NOTHING, said).await?;
            match self.left.checked_sub(1) {
                Some(left) => go(Noting { left, ..self }),
                None if self.waits => go(Waiting { text }),
                None => go(Noted { text }),
            }
        }
    }
    impl On<Enough> for Waiting {
        async fn on(self, _: Enough, _: &mut Cx<Notes>) -> Next<Self, Enough> {
            go(Noted { text: self.text })
        }
    }
    impl From<Stop> for Noted {
        fn from(stop: Stop) -> Noted {
            Noted { text: stop.why.to_string() }
        }
    }
}

/// Measures openings of one journal, before it is compacted and after.
pub(crate) fn rows(scale: &Scale) -> Vec<Row> {
    let wanted = if scale.quick { BYTES_QUICK } else { BYTES };
    let (dir, runtime) = (scratch(scale), runtime());
    runtime.block_on(make(dir.path(), wanted, MOVES));
    let patience = Patience { pairs_max: OPENINGS_MAX, ..scale.patience() };
    let opened = |open: fn(&Path) -> Engine| {
        let ours = || {
            let (took, engine) = runtime.block_on(async { timed(|| open(dir.path())) });
            engine.close();
            took
        };
        Pairs::in_turns(patience, ours, || sum(dir.path()))
    };
    let megabytes = || format!("{} MB, vs read+crc32c of them", bytes(dir.path()) >> 20);
    let row = |name: &str, pairs: &Pairs| {
        let row = Row::new(format!("open, {name}"), Unit::Nanoseconds, pairs);
        row.at_most_each(NANOSECONDS).note(megabytes())
    };
    let mut rows =
        vec![row("every record", &opened(from_every_record)), row("from a snapshot", &opened(from_snapshot))];
    let raw = sum(dir.path());
    let mut compaction = Pairs::default();
    let took = runtime.block_on(async {
        let engine = from_snapshot(dir.path());
        let began = std::time::Instant::now();
        engine.compact().await.expect("the bench's journal is whole");
        let took = crate::measure::nanos(began.elapsed());
        engine.close();
        took
    });
    compaction.push(took, raw);
    rows.push(Row::new("compaction of all of it", Unit::Nanoseconds, &compaction).note(megabytes()));
    rows.push(row("compacted, every record", &opened(from_every_record)));
    rows.push(row("compacted, from a snapshot", &opened(from_snapshot)));
    rows
}

fn builder() -> Builder {
    Engine::builder().graph::<Notes>(()).retain::<Notes>(Retention::Last(KEPT)).compact_after(u64::MAX)
}

/// Reads every record that is there.
fn from_every_record(dir: &Path) -> Engine {
    let mut recovered = Recovered::default();
    let opened = FileLog::open_with(dir, Mode::Owner, Options::default(), &mut |group| recovered.take(group));
    let (log, _) = opened.expect("the bench's journal is whole, its own, and of this engine");
    builder().open_recovered(log, recovered).expect("the bench's journal holds graphs of this build")
}

/// Opens as a program does.
fn from_snapshot(dir: &Path) -> Engine {
    let mut recovered = Recovered::default();
    let opened = FileLog::open_folding(dir, Mode::Owner, Options::default(), &mut recovered);
    let (log, opened) = opened.expect("the bench's journal is whole, its own, and of this engine");
    assert!(opened.snapshot.is_some(), "an engine that is closed leaves a snapshot");
    builder().open_recovered(log, recovered).expect("the bench's journal holds graphs of this build")
}

/// Has the engine write so many bytes, or a few more: all moves of a thousand runs at least.
pub(crate) async fn make(dir: &Path, wanted: u64, moves: u32) {
    let log = journal(dir);
    let engine = builder().open(log).expect("the bench's journal is empty");
    loop {
        let start = |n: u32| {
            let state = Noting { left: moves - 1, waits: n.is_multiple_of(WAITS_IN) };
            engine.start(state, Budget::new(moves + 1, Amount::NONE))
        };
        let started: Result<Vec<_>, _> = join_all((0..RUNS).map(start)).await.into_iter().collect();
        let started = started.expect("the bench's journal takes runs");
        let ends = started.iter().enumerate().filter(|(n, _)| !(*n as u32).is_multiple_of(WAITS_IN));
        for end in join_all(ends.map(|(_, run)| run.end())).await {
            end.expect("a run of the bench ends");
        }
        if bytes(dir) >= wanted {
            break;
        }
    }
    engine.close();
}

/// The bytes of the journal, without room that was made for more.
fn bytes(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).expect("the journal is there").flatten();
    let journals = files.filter(|file| file.path().extension().is_some_and(|it| it != "snapshot"));
    journals.filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum()
}
