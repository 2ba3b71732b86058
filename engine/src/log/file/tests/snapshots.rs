//! Snapshots: whatever became of one, a start finds what the journal says, and says what it left unused.
use super::{faults::Failing, *};
use expect_test::{Expect, expect};

const GROUPS: [&str; 6] = ["a b", "c", "a longer group of seven records", "d", "e f g", "the end"];

/// Segments so short that the six groups need several.
const SHORT: Options = Options { segment_bytes: 150, ..EXACT };

/// What a start found: the words that a snapshot kept, and the groups behind it.
#[derive(Default)]
pub(super) struct Found {
    pub(super) kept: Option<String>,
    pub(super) groups: Vec<String>,
}

impl Fold<LogFault> for Found {
    fn begin(&mut self, kept: Option<&[u8]>) -> Result<(), String> {
        let kept = kept.map(|kept| String::from_utf8_lossy(kept).into_owned());
        if kept.as_deref() == Some("refused") {
            return Err("the user does not want it".to_owned());
        }
        *self = Found { kept, groups: Vec::new() };
        Ok(())
    }
    fn take(&mut self, group: &Group) -> Result<(), LogFault> {
        self.groups.push(told(group));
        Ok(())
    }
}

fn keep(log: &dyn Log, at: Lsn, body: &str) -> Result<(), LogFault> {
    log.keep(at, &mut |out| out.write_all(body.as_bytes()).map(|()| at))
}

/// A journal with a snapshot behind its fifth group, which was closed.
fn kept() -> Home {
    let home = Home::new();
    let log = home.log(SHORT);
    home.append(&*log, &GROUPS[..5]);
    keep(&*log, log.durable_lsn(), "five groups").unwrap();
    home.append(&*log, &GROUPS[5..]);
    drop(log);
    home
}

/// Opens a journal and prints what was found, with paths shortened.
fn check(home: &Home, expected: Expect) {
    let said = [Mode::Reader, Mode::Owner].map(|mode| {
        let mut found = Found::default();
        match FileLog::open_folding(home.path(), mode, SHORT, &mut found) {
            Ok((_, opened)) => {
                assert_eq!(opened.groups, 6);
                let unused =
                    opened.unused.iter().map(|unused| format!("\n{}: {}", unused.file.display(), unused.why));
                let unused: String = unused.collect();
                format!("{:?} {:?} {:?}{unused}", opened.snapshot.map(|at| at.0), found.kept, found.groups)
            }
            Err(fault) => fault.to_string(),
        }
    });
    assert_eq!(said[0], said[1], "a reader and an owner find the same");
    let said = said[0].replace(&format!("{}/", home.path().display()), "").replace("0000000000000000", "…");
    expected.assert_eq(said.split("; nothing was changed").next().unwrap());
}

fn snapshot_of(home: &Home) -> PathBuf {
    snapshot::list(home.path()).remove(0)
}

#[test]
fn a_start_reads_the_snapshot_and_what_is_behind_it() {
    check(&kept(), expect![[r#"Some(13) Some("five groups") ["14: the end"]"#]]);
    // And every record is still read, sealed segments that the start did not look into included.
    let home = kept();
    let (log, opened) =
        FileLog::open_folding(home.path(), Mode::Owner, SHORT, &mut Found::default()).unwrap();
    assert!(opened.segments > 2, "{opened:?}");
    assert_eq!(all(&*log, Lsn::START).unwrap().len(), 6);
    assert_eq!(log.read(Lsn(4)).unwrap(), b"a");
    home.append(&*log, &["and on"]);
    assert_eq!(all(&*log, Lsn(14)).unwrap(), ["14: the end", "16: and on"]);
    drop(log);
    assert_eq!(home.read(Mode::Owner).unwrap().0.len(), 7, "and nothing is wrong with the chain");
}

#[test]
fn whoever_wants_all_groups_gets_them_and_is_told_why() {
    let (groups, opened) = kept().read(Mode::Owner).unwrap();
    assert_eq!(
        (groups.len(), opened.snapshot, &*opened.unused[0].why),
        (6, None, "all groups are asked for")
    );
}

#[test]
fn a_snapshot_that_was_touched_anywhere_is_left_unused() {
    let home = kept();
    let path = snapshot_of(&home);
    let whole = fs::read(&path).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &flipped).unwrap();
        let mut found = Found::default();
        let (_, opened) = FileLog::open_folding(home.path(), Mode::Reader, SHORT, &mut found).unwrap();
        // The last four bytes of the header mean nothing.
        let is_used = (60..64).contains(&(bit / 8));
        assert_eq!((opened.snapshot.is_some(), opened.unused.len()), (is_used, usize::from(!is_used)));
        assert_eq!(found.groups.len(), if is_used { 1 } else { 6 }, "bit {bit}");
    }
}

#[test]
fn a_snapshot_that_is_half_written_is_left_unused() {
    let home = kept();
    let path = snapshot_of(&home);
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let mut found = Found::default();
        let (_, opened) = FileLog::open_folding(home.path(), Mode::Reader, SHORT, &mut found).unwrap();
        assert_eq!((opened.snapshot, opened.unused.len(), found.groups.len()), (None, 1, 6), "{length}");
    }
    let mut headless = whole;
    headless[..64].fill(0);
    fs::write(&path, headless).unwrap();
    check(
        &home,
        expect![[r#"
            None None ["1: a b", "3: c", "4: a longer group of seven records", "10: d", "11: e f g", "14: the end"]
            …0013.snapshot: it was not finished"#]],
    );
}

#[test]
fn a_snapshot_that_is_newer_than_the_journal_is_left_unused() {
    // A journal that was put back from a backup, with the snapshot still there.
    let home = Home::new();
    let log = home.log(EXACT);
    home.append(&*log, &GROUPS);
    let before = home.copy();
    home.append(&*log, &["more", "still more"]);
    keep(&*log, log.durable_lsn(), "eight groups").unwrap();
    fs::copy(snapshot_of(&home), before.path().join(snapshot_of(&home).file_name().unwrap())).unwrap();
    check(
        &before,
        expect![[r#"
        None None ["1: a b", "3: c", "4: a longer group of seven records", "10: d", "11: e f g", "14: the end"]
        …0018.snapshot: it is newer than the journal: it reflects record 18, the journal ends with 15"#]],
    );
    // Nor is it used once other records have taken the addresses of those that it knows.
    assert!(snapshot::list(before.path()).is_empty(), "the owner has removed it");
    before.append(&*before.log(EXACT), &["another", "end", "and some words behind it"]);
    let mut found = Found::default();
    let (_, opened) = FileLog::open_folding(before.path(), Mode::Owner, EXACT, &mut found).unwrap();
    assert_eq!((opened.snapshot, found.kept, found.groups.len()), (None, None, 9));
}

#[test]
fn a_snapshot_of_another_journal_is_left_unused() {
    let (home, other) = (kept(), kept());
    fs::copy(snapshot_of(&other), snapshot_of(&home)).unwrap();
    check(
        &home,
        expect![[r#"
        None None ["1: a b", "3: c", "4: a longer group of seven records", "10: d", "11: e f g", "14: the end"]
        …0013.snapshot: …0011.seg is not the segment that it was taken of: it may be of another journal"#]],
    );
}

#[test]
fn of_two_snapshots_the_newest_that_is_right_is_used() {
    let home = kept();
    let older = fs::read(snapshot_of(&home)).unwrap();
    let log = home.log(SHORT);
    keep(&*log, log.durable_lsn(), "six groups").unwrap();
    assert_eq!(snapshot::list(home.path()).len(), 1, "the older one goes");
    drop(log);
    fs::write(home.path().join("00000000000000000013.snapshot"), &older).unwrap();
    check(&home, expect![[r#"Some(15) Some("six groups") []"#]]);
    touch(&snapshot_of(&home), 70, 1);
    check(
        &home,
        expect![[r#"
        Some(13) Some("five groups") ["14: the end"]
        …0015.snapshot: its checksum is wrong"#]],
    );
}

#[test]
fn a_snapshot_that_its_user_refuses_is_left_unused() {
    let home = kept();
    let log = home.log(SHORT);
    keep(&*log, log.durable_lsn(), "refused").unwrap();
    drop(log);
    check(
        &home,
        expect![[r#"
        None None ["1: a b", "3: c", "4: a longer group of seven records", "10: d", "11: e f g", "14: the end"]
        …0015.snapshot: the user does not want it"#]],
    );
}

#[test]
fn a_missing_segment_is_named_although_the_snapshot_covers_it() {
    let home = kept();
    fs::remove_file(&home.segments()[1]).unwrap();
    check(
        &home,
        expect![
            "the journal is damaged: …0001.seg at byte 143: it ends with record 3, the next segment begins with 10: its end is missing, or …0004.seg is"
        ],
    );
}

#[test]
fn a_sealed_segment_that_was_damaged_is_noticed_by_whoever_reads_it() {
    let home = kept();
    touch(&home.segments()[0], 100, 1);
    let (log, opened) =
        FileLog::open_folding(home.path(), Mode::Owner, SHORT, &mut Found::default()).unwrap();
    assert_eq!(opened.snapshot, Some(Lsn(13)), "a start does not look into it");
    let fault = log.scan(Lsn(1), &mut |_| Flow::Continue).unwrap_err();
    assert!(matches!(fault, LogFault::Damaged { .. }), "{fault}");
    assert_eq!(log.read(Lsn(11)).unwrap(), b"e", "and the rest is read");
}

#[test]
fn a_snapshot_that_cannot_be_written_does_no_harm() {
    // A new journal takes one of each call, with two syncs of the directory, and each group a write and a sync.
    for (call, successes) in [("create", 1), ("write", 7), ("sync", 7), ("rename", 1), ("sync_dir", 2)] {
        let home = Home::new();
        let log = faults::open(Failing::after(successes, call), &home);
        let acknowledged = ["a", "b", "c"].map(|word| {
            let lsn = log.append(words(word)).unwrap();
            wait(log.durable(lsn)).unwrap();
            lsn
        });
        let kept = (0..9).map(|_| keep(&*log, acknowledged[2], "three groups")).find_map(Result::err);
        let fault = kept.expect(call);
        assert!(matches!(&fault, LogFault::Io { .. }), "{call}: {fault}");
        drop(log);
        let mut found = Found::default();
        let (_, opened) = FileLog::open_folding(home.path(), Mode::Owner, EXACT, &mut found).unwrap();
        let kept = found.kept.map_or(3, |_| 0);
        assert_eq!((opened.groups, found.groups.len()), (3, kept), "{call}");
        let left = fs::read_dir(home.path()).unwrap().filter(|entry| {
            entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "tmp")
        });
        assert_eq!(left.count(), 0, "{call}: what was begun is swept away");
    }
}

#[test]
fn a_snapshot_reflects_nothing_that_is_not_on_disk() {
    let disk = faults::Gate::new();
    let home = Home::new();
    let log = faults::open(Arc::clone(&disk) as _, &home);
    home.append(&*log, &["a"]);
    let (begin, begun) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let (log, gate) = (&log, &disk);
        let writing = scope.spawn(move || {
            log.keep(Lsn(1), &mut |out| {
                // While it is written, more is ordered, and reflected.
                gate.shut();
                log.append(words("b"))?;
                begin.send(()).expect("the test waits for it");
                out.write_all(b"two groups").map(|()| Lsn(2))
            })
        });
        begun.recv().unwrap();
        disk.wait_for_sync();
        assert!(snapshot::list(home.path()).is_empty(), "it has no name yet");
        disk.open();
        writing.join().unwrap().unwrap();
    });
    assert_eq!(log.durable_lsn(), Lsn(2));
    // The journal without the second group is older than what the snapshot reflects.
    let copy = home.copy();
    let path = copy.last_segment();
    fs::File::options().write(true).open(&path).unwrap().set_len(places(&path)[1]).unwrap();
    let mut found = Found::default();
    let (_, opened) = FileLog::open_folding(copy.path(), Mode::Owner, EXACT, &mut found).unwrap();
    assert_eq!((opened.snapshot, found.kept, found.groups), (None, None, vec!["1: a".to_owned()]));
    assert!(opened.unused[0].why.starts_with("it is newer than the journal"), "{:?}", opened.unused);
}
