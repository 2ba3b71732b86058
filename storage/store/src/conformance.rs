//! What every view must do, whatever stands behind it. A view that passes here can carry the store.
//!
//! Each case gets a view of its own. A failure names the case and what was expected; nothing is timed.
use crate::{Batch, BootId, Keys, Row, Stamp, Table, View, ViewFault};
use engine::log::Lsn;
use std::{collections::BTreeMap, thread};

/// So many batches are compared with a plain map.
const RANDOM_BATCHES: u64 = 300;

/// So many batches are applied beside a reader.
const RACED_BATCHES: u64 = 200;

type Case = (&'static str, fn(&dyn View));

type KeptCase = (&'static str, fn(&dyn Fn() -> Box<dyn View>));

const CASES: [Case; 10] = [
    ("a new view is empty", empty),
    ("a batch puts and deletes", puts_and_deletes),
    ("tables are apart", tables_are_apart),
    ("rows come in the order of their keys, inside their bounds, up to the limit", ranges),
    ("the position moves with its batch", position),
    ("the boot and the clean mark", stamps),
    ("a wiped view is a new one", wiped),
    ("large values and many rows", large),
    ("random batches leave what they leave in a map", like_a_map),
    ("a reader sees whole batches", whole_batches),
];

const KEPT_CASES: [KeptCase; 4] = [
    ("a closed view is what it was", closed_and_reopened),
    ("a view that was not closed holds whole batches, without gaps", left_and_reopened),
    ("a wiped view stays wiped", wiped_and_reopened),
    ("a view goes on where it was, again and again", reopened_often),
];

/// Runs the suite on views that `make` makes, each new and empty.
///
/// # Panics
/// When a view does not do what a view must do.
pub fn check(make: impl Fn() -> Box<dyn View>) {
    for (name, case) in CASES {
        println!("view: {name}");
        case(&*make());
    }
}

/// Runs the suite for views that outlive the process on places that `place` makes, each new: what a place returns opens
/// the view there, again and again, one at a time.
///
/// # Panics
/// When a view does not do what a view must do.
pub fn check_kept(place: impl Fn() -> Box<dyn Fn() -> Box<dyn View>>) {
    for (name, case) in KEPT_CASES {
        println!("view: {name}");
        case(&*place());
    }
}

fn closed_and_reopened(open: &dyn Fn() -> Box<dyn View>) {
    let view = open();
    ok(view.begin(Some(BootId(1))));
    apply(&*view, 7, &[("a", Some("1")), ("b", Some("2"))]);
    ok(view.close());
    drop(view);
    let view = open();
    assert_eq!(ok(view.stamp()), Stamp { position: Lsn(7), boot: Some(BootId(1)), clean: true });
    assert_eq!(all(&*view, Table::Usage), [row("a", "1"), row("b", "2")]);
}

fn left_and_reopened(open: &dyn Fn() -> Box<dyn View>) {
    let view = open();
    ok(view.begin(Some(BootId(1))));
    ok(view.close());
    ok(view.begin(Some(BootId(2))));
    for n in 1..=20 {
        apply(&*view, n, &[(&format!("{n:02}"), Some("a")), (&format!("{n:02} again"), Some("b"))]);
    }
    drop(view);
    let view = open();
    let Stamp { position: Lsn(position), boot, clean } = ok(view.stamp());
    let kept = all(&*view, Table::Usage);
    assert_eq!(kept.len() as u64, 2 * position, "the rows are those of the position: {kept:?}");
    // An engine may lose everything since it was last put on disk: then the mark that stood there is right again.
    assert!((boot, clean) == (Some(BootId(2)), false) || position == 0);
}

fn wiped_and_reopened(open: &dyn Fn() -> Box<dyn View>) {
    let view = open();
    apply(&*view, 1, &[("a", Some("1"))]);
    ok(view.close());
    ok(view.wipe());
    ok(view.close());
    drop(view);
    let view = open();
    assert_eq!(ok(view.stamp()), Stamp { clean: true, ..Stamp::EMPTY });
    assert_eq!(all(&*view, Table::Usage), []);
}

fn reopened_often(open: &dyn Fn() -> Box<dyn View>) {
    for n in 1..=5_u64 {
        let view = open();
        assert_eq!(ok(view.stamp()).position, Lsn(n - 1));
        ok(view.begin(Some(BootId(u128::from(n)))));
        apply(&*view, n, &[(&n.to_string(), Some("x"))]);
        assert_eq!(all(&*view, Table::Usage).len() as u64, n);
        ok(view.close());
    }
}

fn empty(view: &dyn View) {
    assert_eq!(ok(view.stamp()), Stamp::EMPTY);
    assert_eq!(ok(view.get(Table::Usage, b"a")), None);
    assert_eq!(all(view, Table::Usage), []);
}

fn puts_and_deletes(view: &dyn View) {
    apply(view, 1, &[("a", Some("1")), ("b", Some(""))]);
    assert_eq!(all(view, Table::Usage), [row("a", "1"), row("b", "")]);
    apply(view, 2, &[("a", Some("2")), ("b", None), ("never there", None)]);
    assert_eq!(all(view, Table::Usage), [row("a", "2")]);
    assert_eq!(ok(view.get(Table::Usage, b"a")), Some(b"2".to_vec()));
    assert_eq!(ok(view.get(Table::Usage, b"b")), None);
}

fn tables_are_apart(view: &dyn View) {
    let mut batch = Batch::default();
    for table in Table::ALL {
        batch.put(table, b"key".to_vec(), table.name().into());
    }
    ok(view.apply(&batch, Lsn(1)));
    for table in Table::ALL {
        assert_eq!(all(view, table), [row("key", table.name())]);
    }
}

fn ranges(view: &dyn View) {
    let keys: [&[u8]; 7] = [&[0], &[1], &[1, 0], &[1, 255], &[2], &[255], &[255, 255]];
    let mut batch = Batch::default();
    // Not in order: the view orders.
    keys.iter().rev().for_each(|key| batch.put(Table::Turns, key.to_vec(), Vec::new()));
    ok(view.apply(&batch, Lsn(1)));
    let found = |keys: Keys, limit| {
        let rows = ok(view.range(Table::Turns, &keys, limit));
        rows.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    let everything = || Keys::starting_with(&[]);
    assert_eq!(found(everything(), usize::MAX), keys);
    assert_eq!(found(everything(), 3), keys[..3]);
    assert_eq!(found(everything(), 0), keys[..0]);
    assert_eq!(found(Keys::starting_with(&[1]), 9), keys[1..4]);
    assert_eq!(found(Keys::starting_with(&[255]), 9), keys[5..]);
    assert_eq!(found(Keys::starting_with(&[3]), 9), keys[..0]);
    assert_eq!(found(everything().through(&[1, 0]), 9), keys[..3]);
    assert_eq!(found(everything().after(&[1, 0]), 9), keys[3..]);
    assert_eq!(found(Keys::starting_with(&[1]).after(&[2]), 9), keys[..0], "it ends before it begins");
}

fn position(view: &dyn View) {
    apply(view, 7, &[("a", Some("1"))]);
    assert_eq!(ok(view.stamp()).position, Lsn(7));
    ok(view.apply(&Batch::default(), Lsn(9)));
    assert_eq!(ok(view.stamp()).position, Lsn(9), "an empty batch moves it too");
    assert_eq!(all(view, Table::Usage), [row("a", "1")]);
}

fn stamps(view: &dyn View) {
    let stamp =
        |position, boot: u128, clean| Stamp { position: Lsn(position), boot: Some(BootId(boot)), clean };
    ok(view.begin(Some(BootId(1))));
    assert_eq!(ok(view.stamp()), stamp(0, 1, false));
    apply(view, 3, &[("a", Some("1"))]);
    assert_eq!(ok(view.stamp()), stamp(3, 1, false));
    ok(view.close());
    assert_eq!(ok(view.stamp()), stamp(3, 1, true));
    ok(view.begin(Some(BootId(2))));
    assert_eq!(ok(view.stamp()), stamp(3, 2, false));
    ok(view.begin(None));
    assert_eq!(ok(view.stamp()), Stamp { position: Lsn(3), boot: None, clean: false });
    assert_eq!(all(view, Table::Usage), [row("a", "1")], "stamps do not touch rows");
}

fn wiped(view: &dyn View) {
    ok(view.begin(Some(BootId(1))));
    apply(view, 1, &[("a", Some("1"))]);
    ok(view.wipe());
    empty(view);
    apply(view, 1, &[("b", Some("2"))]);
    assert_eq!(all(view, Table::Usage), [row("b", "2")]);
}

fn large(view: &dyn View) {
    let mut batch = Batch::default();
    for n in 0..2_000_u32 {
        batch.put(Table::Conversation, n.to_be_bytes().to_vec(), vec![n as u8; 24]);
    }
    let value = vec![7; 256 << 10];
    batch.put(Table::Sessions, b"large".to_vec(), value.clone());
    ok(view.apply(&batch, Lsn(1)));
    assert_eq!(ok(view.get(Table::Sessions, b"large")), Some(value));
    let rows = all(view, Table::Conversation);
    assert!(rows.len() == 2_000 && rows.iter().map(|(key, _)| key).is_sorted());
}

fn like_a_map(view: &dyn View) {
    let mut map: BTreeMap<(Table, Vec<u8>), Vec<u8>> = BTreeMap::new();
    let mut dice = Dice(42);
    for position in 1..=RANDOM_BATCHES {
        let mut batch = Batch::default();
        for _ in 0..dice.below(6) {
            let table = Table::ALL[dice.below(Table::ALL.len() as u64) as usize];
            let key = vec![dice.below(4) as u8; 1 + dice.below(3) as usize];
            if dice.below(3) == 0 {
                batch.delete(table, key);
            } else {
                batch.put(table, key, dice.below(1 << 40).to_be_bytes().to_vec());
            }
        }
        for (table, key, value) in batch.changes() {
            let key = (table, key.to_vec());
            match value {
                Some(value) => map.insert(key, value.to_vec()),
                None => map.remove(&key),
            };
        }
        ok(view.apply(&batch, Lsn(position)));
    }
    for table in Table::ALL {
        let expected: Vec<Row> = map
            .iter()
            .filter(|((of, _), _)| *of == table)
            .map(|((_, k), v)| (k.clone(), v.clone()))
            .collect();
        assert_eq!(all(view, table), expected, "{table}");
    }
}

fn whole_batches(view: &dyn View) {
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for n in 1..=RACED_BATCHES {
                let text = n.to_string();
                apply(view, n, &[("a", Some(&text)), ("b", Some(&text)), ("c", Some(&text))]);
            }
        });
        while !writer.is_finished() {
            let rows = all(view, Table::Usage);
            assert!(rows.is_empty() || rows.len() == 3, "half a batch: {rows:?}");
            assert!(rows.iter().all(|(_, value)| *value == rows[0].1), "half a batch: {rows:?}");
        }
    });
    assert_eq!(ok(view.stamp()).position, Lsn(RACED_BATCHES));
}

fn apply(view: &dyn View, position: u64, changes: &[(&str, Option<&str>)]) {
    let mut batch = Batch::default();
    for (key, value) in changes {
        match value {
            Some(value) => batch.put(Table::Usage, (*key).into(), (*value).into()),
            None => batch.delete(Table::Usage, (*key).into()),
        }
    }
    ok(view.apply(&batch, Lsn(position)));
}

fn all(view: &dyn View, table: Table) -> Vec<Row> {
    ok(view.range(table, &Keys::starting_with(&[]), usize::MAX))
}

fn row(key: &str, value: &str) -> Row {
    (key.into(), value.into())
}

fn ok<T>(result: Result<T, ViewFault>) -> T {
    result.expect("a healthy view does what it is asked")
}

/// The same dice at every run, without a crate that only tests need.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}
