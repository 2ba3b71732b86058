//! How long a list takes that is read beside whoever owns the journal, as `oxydra instances` and `oxydra sessions` do: a thousand
//! runs, a session each, of a hundred records each. Against reading the files and summing up their bytes.
use crate::{
    Scale, gigabyte,
    house::runtime,
    measure::{Pairs, Patience, timed},
    recovery::sum,
    scratch,
    table::{Row, Unit},
};
use engine::{
    Journal,
    follow::{Broken, Entry, FactType, Follower, Wants},
    log::{FileLog, Lsn, Mode},
};
use std::{path::Path, sync::mpsc};

/// With three records for each, and one more, a run has a hundred.
const MOVES: u32 = 33;

/// A person feels what takes longer.
const NANOSECONDS: f64 = 150e6;

/// Reading is slow work, and the same each time.
const READINGS_MAX: usize = 12;

/// Takes facts and makes nothing of them.
struct Deaf {
    upto: Lsn,
    done: mpsc::Sender<()>,
}

impl Follower for Deaf {
    fn knows(&self) -> Vec<FactType> {
        Vec::new()
    }
    fn applied(&self) -> Lsn {
        Lsn::START
    }
    fn wants(&self) -> Wants {
        Wants::Facts
    }
    fn apply(&mut self, last: Lsn, entries: &[Entry]) -> Result<(), Broken> {
        std::hint::black_box(entries);
        if last >= self.upto {
            // Who waited too long has gone.
            let _gone = self.done.send(());
        }
        Ok(())
    }
}

/// Measures both lists, and the first over a log of which nothing is known.
pub(crate) fn rows(scale: &Scale) -> Vec<Row> {
    let (dir, runtime) = (scratch(scale), runtime());
    runtime.block_on(gigabyte::make(dir.path(), 1, MOVES));
    let patience = Patience { pairs_max: READINGS_MAX, ..scale.patience() };
    let took =
        |list: fn(&Path)| Pairs::in_turns(patience, || timed(|| list(dir.path())).0, || sum(dir.path()));
    let row = |name: &str, list: fn(&Path)| {
        Row::new(name, Unit::Nanoseconds, &took(list)).at_most_each(NANOSECONDS).note("vs read+crc32c")
    };
    vec![
        row("list of 1,000 instances, 100 records each", |dir| instances(&beside(dir))),
        row("the same, over a log of which nothing is known", |dir| instances(&unknown(dir))),
        row("feed of 1,000 sessions, 100 records each", |dir| sessions(&beside(dir))),
    ]
}

fn beside(dir: &Path) -> Journal {
    Journal::beside(dir).expect("the bench's journal is whole and of this engine")
}

fn unknown(dir: &Path) -> Journal {
    Journal::of(FileLog::open(dir, Mode::Reader).expect("the bench's journal is whole").0)
}

fn instances(journal: &Journal) {
    let mut facts = 0;
    journal.facts(&mut |_| facts += 1).expect("the bench's journal is whole");
    std::hint::black_box((facts, journal.runs().expect("the bench's journal is whole")));
}

fn sessions(journal: &Journal) {
    let (done, arrived) = mpsc::channel();
    journal.feed(Deaf { upto: journal.durable(), done });
    arrived.recv().expect("the feed comes to the end of the journal");
}
