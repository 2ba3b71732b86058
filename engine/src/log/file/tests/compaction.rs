//! Compaction: what is kept is found at its address by everybody who looks, whatever is compacted meanwhile, and whatever is
//! wrong with a compacted file is said.
use super::{
    super::super::{Kept, Shelf},
    super::map::Map,
    *,
};
use expect_test::{Expect, expect};
use std::{
    borrow::Cow,
    fs::File,
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Segments so short that each takes two groups.
const SHORT: Options = Options { segment_bytes: 150, ..EXACT };

const GROUPS: [&str; 7] =
    ["past xx fact", "fact fact", "past xx", "xx", "long xx past fact", "more past", "last fact"];

/// Says of words what becomes of them.
#[derive(Default)]
struct Words {
    /// Words that go, beside `xx`.
    gone: &'static str,
}

impl Sieve for Words {
    fn begin(&mut self) {}
    fn weigh(&mut self, lsn: Lsn, record: &[u8]) -> bool {
        self.sift(lsn, record).is_some_and(|(_, kept)| *kept == *record)
    }
    fn sift<'a>(&mut self, _: Lsn, record: &'a [u8]) -> Kept<'a> {
        match record {
            b"xx" => None,
            word if word == self.gone.as_bytes() => None,
            b"fact" => Some((Shelf::Facts, record.into())),
            b"long" => Some((Shelf::Past, Cow::Owned(b"l".to_vec()))),
            _ => Some((Shelf::Past, record.into())),
        }
    }
}

/// A disk on which one call fails, whatever it is.
struct Once {
    left: AtomicUsize,
}

impl Once {
    fn call<T>(&self, does: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        if left == 0 { Err(io::ErrorKind::StorageFull.into()) } else { does() }
    }
    fn never() -> Arc<Once> {
        Arc::new(Once { left: AtomicUsize::new(usize::MAX) })
    }
    fn fail_after(&self, successes: usize) {
        self.left.store(successes, Ordering::SeqCst);
    }
}

impl Disk for Once {
    fn create(&self, path: &Path) -> io::Result<File> {
        self.call(|| Real.create(path))
    }
    fn write(&self, file: &File, path: &Path, bytes: &[u8], at: u64) -> io::Result<()> {
        self.call(|| Real.write(file, path, bytes, at))
    }
    fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        self.call(|| Real.sync(file, path))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(|| Real.rename(from, to))
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.call(|| Real.sync_dir(dir))
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.call(|| Real.remove(path))
    }
}

fn compact(log: &dyn Log, gone: &'static str) -> Vec<Compacted> {
    let (mut from, mut all) = (Lsn(1), Vec::new());
    while let Some(done) = log.compact(from, &mut Words { gone }).unwrap() {
        from = Lsn(done.last.0 + 1);
        all.push(done);
    }
    all
}

/// A journal of the groups that was compacted and closed.
fn compacted() -> Home {
    let home = Home::new();
    let log = home.log(SHORT);
    home.append(&*log, &GROUPS);
    compact(&*log, "");
    drop(log);
    home
}

fn names(home: &Home) -> Vec<String> {
    let names =
        home.bytes().into_iter().map(|(path, _)| path.file_name().unwrap().to_str().unwrap().to_owned());
    names.map(|name| name.replace("0000000000000000", "…")).collect()
}

const KEPT: &str = "1: past|3: fact|4: fact fact|6: past|9: l|11: past|12: fact|13: more past|15: last fact";

fn joined(groups: &[String]) -> String {
    groups.join("|")
}

/// What an owner and a reader find.
fn check(home: &Home, expected: Expect) {
    let said = [Mode::Reader, Mode::Owner].map(|mode| match home.read(mode) {
        Ok((groups, _)) => joined(&groups),
        Err(fault) => fault.to_string(),
    });
    assert_eq!(said[0], said[1], "a reader and an owner find the same");
    let said = said[0].replace(&format!("{}/", home.path().display()), "").replace("0000000000000000", "…");
    expected.assert_eq(said.split("; nothing was changed").next().unwrap());
}

#[test]
fn what_is_kept_is_found_at_its_address() {
    let home = compacted();
    check(
        &home,
        expect!["1: past|3: fact|4: fact fact|6: past|9: l|11: past|12: fact|13: more past|15: last fact"],
    );
    assert_eq!(
        names(&home),
        ["…0001-0000000001.facts", "…0001-0000000001.past", "…0015.seg", "MANIFEST", "closed", "owner.lock"]
    );
    let log = home.log(SHORT);
    let read = |lsn| {
        log.read(Lsn(lsn)).map(|body| String::from_utf8(body).unwrap()).map_err(|fault| fault.to_string())
    };
    let read: Vec<_> = (1..=17).map(|lsn| read(lsn).unwrap_or_else(|fault| fault)).collect();
    expect![[r#"
        past
        record 2 is not kept any more
        fact
        fact
        fact
        past
        record 7 is not kept any more
        record 8 is not kept any more
        l
        record 10 is not kept any more
        past
        fact
        more
        past
        last
        fact
        there is no record 17: the journal is durable up to 16"#]]
    .assert_eq(&read.join("\n"));
    home.append(&*log, &["and on"]);
    assert_eq!(all(&*log, Lsn(16)).unwrap(), ["15: last fact", "17: and on"]);
}

#[test]
fn a_compacted_stretch_is_left_alone_until_something_in_it_goes() {
    let home = compacted();
    let before = home.bytes();
    let log = home.log(SHORT);
    assert!(compact(&*log, "").iter().all(|done| done.before == done.after));
    drop(log);
    assert_eq!(home.bytes(), before);
    let log = home.log(SHORT);
    assert!(compact(&*log, "fact").iter().any(|done| done.before > done.after));
    drop(log);
    check(&home, expect!["1: past|6: past|9: l|11: past|13: more past|15: last fact"]);
    assert!(!home.bytes().iter().any(|(path, _)| path.extension().is_some_and(|it| it == "facts")));
}

#[test]
fn the_last_record_is_never_compacted() {
    let home = Home::new();
    let log = home.log(SHORT);
    assert_eq!((compact(&*log, ""), log.sealed()), (vec![], Sealed::default()), "nothing is sealed");
    home.append(
        &*log,
        &["past xx fact and some more words to fill the first of all segments to its very end", "xx"],
    );
    let sealed = log.sealed();
    assert!(sealed.raw_bytes > 0 && sealed.compacted == Lsn::START, "{sealed:?}");
    compact(&*log, "");
    let sealed = log.sealed();
    assert!(sealed.raw_bytes == 0 && sealed.compacted == Lsn(18), "{sealed:?}");
    assert_eq!(log.read(Lsn(19)).unwrap(), b"xx");
}

#[test]
fn who_reads_beside_it_goes_on_reading() {
    let home = Home::new();
    let log = home.log(SHORT);
    home.append(&*log, &GROUPS);
    let beside = FileLog::open(home.path(), Mode::Reader).unwrap().0;
    // One that is in the middle of a segment that goes holds it open.
    let mut passed = Vec::new();
    log.scan(Lsn(1), &mut |group| {
        passed.push(told(group));
        if passed.len() == 1 {
            compact(&*log, "");
        }
        Flow::Continue
    })
    .unwrap();
    expect!["1: past xx fact|4: fact fact|6: past|9: l|11: past|12: fact|13: more past|15: last fact"]
        .assert_eq(&joined(&passed));
    // One in another process, which has no file open, looks again.
    let fresh = FileLog::open(home.path(), Mode::Reader).unwrap().0;
    for gone in ["past", "fact"] {
        assert_eq!(joined(&all(&*beside, Lsn(14)).unwrap()), "13: more past|15: last fact");
        assert_eq!(beside.read(Lsn(9)).unwrap(), b"l");
        assert!(matches!(beside.read(Lsn(2)), Err(LogFault::Gone(Lsn(2)))));
        assert_eq!(fresh.read(Lsn(9)).unwrap(), b"l");
        compact(&*log, gone);
    }
    assert!(
        matches!(beside.read(Lsn(17)), Err(LogFault::Missing { .. })),
        "it sees what there was when it opened"
    );
}

/// Opens a journal beside its owner, who compacts in front of the nth group.
struct Beside<'a> {
    log: &'a dyn Log,
    gone: &'static str,
    compacts_at: usize,
    passed: usize,
    found: snapshots::Found,
    beginnings: usize,
}

impl Fold<LogFault> for Beside<'_> {
    fn begin(&mut self, kept: Option<&[u8]>) -> Result<(), String> {
        self.beginnings += 1;
        self.found.begin(kept)
    }
    fn take(&mut self, group: &Group) -> Result<(), LogFault> {
        if self.passed == self.compacts_at {
            compact(self.log, self.gone);
        }
        self.passed += 1;
        self.found.take(group)
    }
}

#[test]
fn who_opens_beside_a_compaction_that_swaps_finds_the_old_or_the_new_whole() {
    let (mut old, mut new, mut again) = (0, 0, 0);
    for (gone, then) in [("", None), ("fact", Some("")), ("past", Some("fact"))] {
        for compacts_at in 0..GROUPS.len() + 2 {
            let home = Home::new();
            let log = home.log(SHORT);
            home.append(&*log, &GROUPS);
            // What was compacted before is compacted once more.
            then.into_iter().for_each(|gone| drop(compact(&*log, gone)));
            let before = all(&*log, Lsn(1)).unwrap();
            let mut beside = Beside {
                log: &*log,
                gone,
                compacts_at,
                passed: 0,
                found: snapshots::Found::default(),
                beginnings: 0,
            };
            let (reader, opened) =
                FileLog::open_folding(home.path(), Mode::Reader, SHORT, &mut beside).unwrap();
            let after = all(&*log, Lsn(1)).unwrap();
            let found = joined(&beside.found.groups);
            assert!(found == joined(&before) || found == joined(&after), "{gone} at {compacts_at}: {found}");
            (old, new) =
                (old + usize::from(found == joined(&before)), new + usize::from(found == joined(&after)));
            again += beside.beginnings - 1;
            assert_eq!((reader.durable_lsn(), opened.records, opened.torn), (Lsn(16), 16, None));
            assert_eq!(all(&*reader, Lsn(1)).unwrap(), after, "and reads on in what is there now");
        }
    }
    assert!(old > 5 && new > 5 && again > 2, "{old} old, {new} new, {again} began again");
}

#[test]
fn who_opens_over_stretches_that_become_one_finds_the_old_or_the_new_whole() {
    let mut new = 0;
    for compacts_at in 0..GROUPS.len() {
        let home = Home::new();
        let log = home.log(SHORT);
        home.append(&*log, &GROUPS[..4]);
        let first = compact(&*log, "");
        home.append(&*log, &GROUPS[4..]);
        let behind = Lsn(first[0].last.0 + 1);
        log.compact(behind, &mut Words::default()).unwrap().unwrap();
        let manifest = super::super::manifest::read(home.path()).unwrap().unwrap();
        assert_eq!(manifest.stretches.len(), 2);
        let before = joined(&all(&*log, Lsn(1)).unwrap());
        let found = snapshots::Found::default();
        let mut beside = Beside { log: &*log, gone: "fact", compacts_at, passed: 0, found, beginnings: 0 };
        FileLog::open_folding(home.path(), Mode::Reader, SHORT, &mut beside).unwrap();
        let (after, found) = (joined(&all(&*log, Lsn(1)).unwrap()), joined(&beside.found.groups));
        assert!(found == before || found == after, "at {compacts_at}: {found}");
        new += usize::from(found == after);
    }
    assert!(new > 0, "some begin again");
}

#[test]
fn what_is_opened_is_the_journal_of_one_moment() {
    let home = compacted();
    let log = home.log(SHORT);
    let manifest = super::super::manifest::read(home.path()).unwrap().unwrap();
    let stretches = || manifest.open(home.path()).unwrap().into_iter().map(Arc::new).collect();
    let maps = [Map::new(home.path(), stretches()), Map::fixed(home.path(), stretches())];
    compact(&*log, "fact");
    let [looks_again, fixed] = maps.map(|map| map.open_holding(Lsn(1), None).map(|found| found.is_some()));
    assert!(matches!(looks_again, Ok(true)), "{looks_again:?}");
    let Err(LogFault::Io { act: "open", .. }) = fixed else { panic!("{fixed:?}") };
}

#[test]
fn a_follower_of_facts_need_not_see_the_past() {
    let home = compacted();
    let log = home.log(SHORT);
    let (tell, told_of) = std::sync::mpsc::channel();
    log.subscribe_to_facts(
        Lsn(1),
        Box::new(move |group| {
            tell.send(told(group.unwrap())).unwrap();
            Flow::Continue
        }),
    );
    let mut seen = Vec::new();
    while seen.last().is_none_or(|last| last != "15: last fact") {
        seen.push(told_of.recv().unwrap());
    }
    assert_eq!(joined(&seen), "3: fact|4: fact fact|12: fact|15: last fact");
}

#[test]
fn an_older_snapshot_is_used_over_what_was_compacted_since() {
    for kept_behind in [2, 5] {
        let home = Home::new();
        let log = home.log(SHORT);
        home.append(&*log, &GROUPS[..kept_behind]);
        let at = log.durable_lsn();
        log.keep(at, &mut |out| out.write_all(b"some groups").map(|()| at)).unwrap();
        home.append(&*log, &GROUPS[kept_behind..]);
        compact(&*log, "");
        drop(log);
        let mut found = snapshots::Found::default();
        let (log, opened) = FileLog::open_folding(home.path(), Mode::Owner, SHORT, &mut found).unwrap();
        assert_eq!((opened.snapshot, opened.unused.len()), (Some(at), 0));
        assert_eq!(found.kept.as_deref(), Some("some groups"));
        let behind = joined(&all(&*log, Lsn(at.0 + 1)).unwrap());
        assert_eq!(joined(&found.groups), behind);
    }
}

#[test]
fn whatever_fails_while_it_compacts_nothing_is_lost() {
    let mut failures = 0;
    loop {
        let (home, disk) = (Home::new(), Once::never());
        let opened = FileLog::open_on::<LogFault>(
            disk.clone(),
            home.path(),
            Mode::Owner,
            SHORT,
            &mut Each::new(&mut |_| Ok(())),
        );
        let log = opened.unwrap().0;
        home.append(&*log, &GROUPS);
        let before = all(&*log, Lsn(1)).unwrap();
        disk.fail_after(failures);
        let failed = log.compact(Lsn(1), &mut Words::default()).is_err();
        disk.fail_after(usize::MAX);
        if failed {
            assert_eq!(all(&*log, Lsn(1)).unwrap(), before, "nothing has happened to this process");
        }
        // A process that dies now leaves either the old or the new behind.
        let left = joined(&home.copy().read(Mode::Owner).unwrap().0);
        assert!(left == joined(&before) || left == KEPT, "{left}");
        // Nothing else stops, and the next attempt succeeds.
        home.append(&*log, &["and on"]);
        log.compact(Lsn(1), &mut Words::default()).unwrap();
        let now = all(&*log, Lsn(1)).unwrap();
        drop(log);
        assert_eq!(home.read(Mode::Owner).unwrap().0, now);
        assert_eq!(joined(&now), format!("{}|17: and on", KEPT.replace("last fact", "last|16: fact")));
        if disk.left.load(Ordering::SeqCst) > usize::MAX / 2 && !failed && failures > 20 {
            break;
        }
        failures += 1;
    }
    assert!(failures > 10, "two files, their directory, a manifest: {failures}");
}

#[test]
fn a_missing_file_is_named() {
    let home = compacted();
    let part = home.path().join("00000000000000000001-0000000001.facts");
    fs::remove_file(&part).unwrap();
    check(
        &home,
        expect![
            "the journal is damaged: …0001-0000000001.facts at byte 0: it is missing, but MANIFEST names it"
        ],
    );

    let home = compacted();
    fs::remove_file(home.path().join("MANIFEST")).unwrap();
    check(
        &home,
        expect![
            "the journal is damaged: MANIFEST at byte 0: it is missing, but there are compacted files, which only it names, and …0015.seg"
        ],
    );

    let home = compacted();
    fs::remove_file(home.path().join("MANIFEST")).unwrap();
    fs::remove_file(home.last_segment()).unwrap();
    let files = || fs::read_dir(home.path()).unwrap().count();
    let before = files();
    check(
        &home,
        expect![
            "the journal is damaged: MANIFEST at byte 0: it is missing, but there are compacted files, which only it names, and no segment"
        ],
    );
    assert_eq!(files(), before, "none of them is deleted");

    let home = compacted();
    fs::remove_file(home.last_segment()).unwrap();
    check(
        &home,
        expect![
            "the journal is damaged: …0015.seg at byte 0: record 15 is missing, which was there before MANIFEST said what is before it"
        ],
    );
}

#[test]
fn a_file_of_another_compaction_is_no_substitute() {
    let (home, other) = (compacted(), compacted());
    let part = "00000000000000000001-0000000001.past";
    fs::copy(other.path().join(part), home.path().join(part)).unwrap();
    check(
        &home,
        expect![
            "the journal is damaged: …0001-0000000001.past at byte 0: its header is not the one of the file that MANIFEST names"
        ],
    );
}

#[test]
fn every_flipped_bit_is_said_or_does_no_harm() {
    let home = compacted();
    let right = joined(&home.read(Mode::Reader).unwrap().0);
    let mut said = 0;
    for file in ["MANIFEST", "00000000000000000001-0000000001.facts", "00000000000000000001-0000000001.past"]
    {
        let path = home.path().join(file);
        let whole = fs::read(&path).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &flipped).unwrap();
            match home.read(Mode::Reader) {
                Ok((groups, _)) => assert_eq!(joined(&groups), right, "bit {bit} of {file}"),
                Err(LogFault::Damaged { .. } | LogFault::Foreign { .. }) => said += 1,
                Err(fault) => panic!("{fault}"),
            }
        }
        for page in (0..whole.len()).step_by(64) {
            let mut zeroed = whole.clone();
            zeroed[page..whole.len().min(page + 64)].fill(0);
            fs::write(&path, &zeroed).unwrap();
            match home.read(Mode::Reader) {
                Ok((groups, _)) => assert_eq!(joined(&groups), right, "page {page} of {file}"),
                Err(fault) => {
                    assert!(matches!(fault, LogFault::Damaged { .. } | LogFault::Foreign { .. }), "{fault}")
                }
            }
        }
        fs::write(&path, &whole).unwrap();
    }
    assert!(said > 1000, "{said}");
}

#[test]
fn leftovers_of_an_interruption_are_cleared_away_by_the_owner() {
    let home = compacted();
    let (before, right) = (names(&home), home.read(Mode::Owner).unwrap().0);
    let fresh = Home::new();
    fresh.append(&*fresh.log(SHORT), &GROUPS);
    // Old segments that were not removed yet, new files that are not named yet.
    for path in &fresh.segments()[..2] {
        fs::copy(path, home.path().join(path.file_name().unwrap())).unwrap();
    }
    for file in ["00000000000000000001-0000000002.facts", "MANIFEST.tmp"] {
        fs::write(home.path().join(file), b"half").unwrap();
    }
    fs::write(home.path().join("notes.facts"), b"somebody else's").unwrap();
    assert_eq!(home.read(Mode::Reader).unwrap().0, right);
    assert!(names(&home).len() > before.len() + 3, "a reader changes nothing");
    assert_eq!(home.read(Mode::Owner).unwrap().0, right);
    let after: Vec<_> = names(&home).into_iter().filter(|name| name != "notes.facts").collect();
    assert_eq!(after, before);
}

#[test]
fn readers_beside_an_owner_that_compacts_see_all_that_was_acknowledged_and_no_damage() {
    let home = Home::new();
    let log = home.log(SHORT);
    std::thread::scope(|scope| {
        let owner = scope.spawn(|| {
            for n in 0..150 {
                wait(log.durable(log.append(words(&format!("group {n}"))).unwrap())).unwrap();
                if n % 7 == 0 {
                    compact(&*log, "");
                }
            }
        });
        let held = FileLog::open(home.path(), Mode::Reader).unwrap().0;
        while !owner.is_finished() {
            let acknowledged = log.durable_lsn();
            let (groups, opened) = home.read(Mode::Reader).unwrap();
            assert!(opened.records >= acknowledged.0, "{opened:?}");
            for (n, group) in groups.iter().enumerate() {
                assert_eq!(*group, format!("{}: group {n}", n * 2 + 1));
            }
            assert_eq!(all(&*held, Lsn(1)).unwrap().len() as u64, held.durable_lsn().0 / 2);
        }
    });
    assert_eq!(home.read(Mode::Reader).unwrap().1.records, 300);
    let compacted = log.sealed();
    assert!(compacted.compacted > Lsn(280) && compacted.raw_bytes < 1000, "{compacted:?}");
}
