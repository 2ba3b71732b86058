//! Three engines, one behaviour: the suite on each, and the same batches into all of them.
use crate::{
    Batch, Keys, MemoryView, Row, SledView, Stamp, Table, View,
    conformance::{check, check_kept},
    referee::RedbView,
};
use engine::log::Lsn;
use proptest::prelude::*;
use std::{
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};
use tempfile::TempDir;

fn sled(dir: &Path) -> Box<dyn View> {
    Box::new(SledView::open(&dir.join("sled")).expect("a view that opens"))
}

fn redb(dir: &Path) -> Box<dyn View> {
    Box::new(RedbView::open(&dir.join("redb")))
}

type Open = fn(&Path) -> Box<dyn View>;

/// Gives each case a directory of its own.
struct Places {
    root: TempDir,
    made: AtomicU32,
}

impl Places {
    fn new() -> Places {
        Places { root: tempfile::tempdir().expect("a directory"), made: AtomicU32::new(0) }
    }

    fn place(&self) -> std::path::PathBuf {
        let place = self.root.path().join(self.made.fetch_add(1, Ordering::Relaxed).to_string());
        std::fs::create_dir(&place).expect("a directory");
        place
    }

    fn check(&self, open: Open) {
        check(|| open(&self.place()));
        check_kept(|| {
            let place = self.place();
            Box::new(move || open(&place))
        });
    }
}

#[test]
fn the_sled_view_is_a_view() {
    Places::new().check(sled);
}

#[test]
fn the_referee_is_a_view() {
    Places::new().check(redb);
}

type Change = (Table, Vec<u8>, Option<Vec<u8>>);

#[derive(Debug, Clone)]
enum Act {
    Apply(Vec<Change>),
    Reopen,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let table = prop::sample::select(&Table::ALL[..]);
    let key = prop::collection::vec(prop::sample::select(&[0_u8, 1, 254, 255][..]), 0..4);
    let value = prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..600));
    let apply = prop::collection::vec((table, key, value), 0..12).prop_map(Act::Apply);
    prop::collection::vec(prop_oneof![8 => apply, 1 => Just(Act::Reopen)], 1..40)
}

/// All that can be seen of a view: every row, and windows into the tables.
fn seen(view: &dyn View) -> (Stamp, Vec<Vec<Row>>) {
    let windows = [
        (Keys::starting_with(&[]), usize::MAX),
        (Keys::starting_with(&[255]), 3),
        (Keys::starting_with(&[0]).after(&[0, 1]), 9),
        (Keys::starting_with(&[]).through(&[1, 254]), 5),
    ];
    let read =
        |table| windows.clone().map(|(keys, limit)| view.range(table, &keys, limit).expect("readable"));
    (view.stamp().expect("readable"), Table::ALL.into_iter().flat_map(read).collect())
}

fn batch_of(changes: &[Change]) -> Batch {
    let mut batch = Batch::default();
    for (table, key, value) in changes {
        match value {
            Some(value) => batch.put(*table, key.clone(), value.clone()),
            None => batch.delete(*table, key.clone()),
        }
    }
    batch
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn three_engines_agree(acts in acts()) {
        let dir = tempfile::tempdir().expect("a directory");
        let memory = MemoryView::new();
        let mut others = [sled, redb].map(|open: Open| (open, Some(open(dir.path()))));
        let mut position = Lsn::START;
        for act in acts {
            match act {
                Act::Apply(changes) => {
                    position.0 += 1 + changes.len() as u64;
                    let batch = batch_of(&changes);
                    memory.apply(&batch, position).expect("memory");
                    for (_, view) in &others {
                        view.as_ref().expect("open").apply(&batch, position).expect("healthy");
                    }
                }
                Act::Reopen => {
                    memory.close().expect("memory");
                    for (open, view) in &mut others {
                        view.take().expect("open").close().expect("healthy");
                        *view = Some(open(dir.path()));
                    }
                }
            }
            for (_, view) in &others {
                prop_assert_eq!(seen(&**view.as_ref().expect("open")), seen(&memory));
            }
        }
    }
}
