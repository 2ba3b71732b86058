//! Tails: what a crash in the middle of a write leaves behind is cut, said, and never taken for damage.
use super::*;
use expect_test::expect;

const GROUPS: [&str; 3] = ["a b", "c", "the last group"];
const BEFORE: [&str; 2] = ["1: a b", "3: c"];

#[test]
fn a_last_frame_that_is_cut_at_any_byte_is_gone_whole() {
    let killed = Home::killed(1 << 20, &GROUPS);
    let path = killed.last_segment();
    let whole = fs::read(&path).unwrap();
    let start = *places(&path).last().unwrap() as usize;
    for cut in start..whole.len() {
        for zeroed in [0, 1, 100] {
            let mut bytes = whole[..cut].to_vec();
            bytes.resize(cut + zeroed, 0);
            fs::write(&path, &bytes).unwrap();
            let (groups, opened) = killed.read(Mode::Reader).unwrap();
            assert_eq!(
                (groups, opened.torn),
                (BEFORE.map(str::to_owned).to_vec(), None),
                "a reader is silent"
            );
            assert_eq!(fs::read(&path).unwrap(), bytes, "and changes nothing");

            let (groups, opened) = killed.read(Mode::Owner).unwrap();
            assert_eq!(groups, BEFORE, "cut at {cut}");
            // Zeroes are room that was made; what is cut is what was written.
            let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            let (byte, left) = (start as u64, written.saturating_sub(start) as u64);
            assert_eq!(opened.torn, (left > 0).then(|| Torn { file: path.clone(), byte, bytes: left }));
            fs::remove_file(killed.path().join(closed::FILE)).unwrap();
        }
    }
}

#[test]
fn a_journal_goes_on_behind_a_cut() {
    let killed = Home::killed(1 << 20, &GROUPS);
    let path = killed.last_segment();
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(fs::metadata(&path).unwrap().len() - 1)
        .unwrap();
    let log = killed.log(EXACT);
    killed.append(&*log, &["d e"]);
    log.close();
    let (groups, opened) = killed.read(Mode::Owner).unwrap();
    expect![[r#"["1: a b", "3: c", "4: d e"] None"#]].assert_eq(&format!("{groups:?} {:?}", opened.torn));
}

#[test]
fn room_that_was_made_is_no_tear_and_goes_when_the_journal_is_closed_or_a_segment_is_full() {
    let length = |path: &Path| fs::metadata(path).unwrap().len();
    let home = Home::new();
    let log = home.log(Options { room_bytes: 4096, ..EXACT });
    home.append(&*log, &GROUPS);
    let killed = home.copy();
    log.close();
    let exact = length(&home.last_segment());
    assert!(
        exact < 4096 && length(&killed.last_segment()) > 4096,
        "there is room, and none when it is closed"
    );

    let before = killed.bytes();
    let (groups, opened) = killed.read(Mode::Reader).unwrap();
    assert_eq!((groups.len(), opened.torn), (3, None));
    assert_eq!(killed.bytes(), before, "a reader changes nothing");
    let (groups, opened) = killed.read(Mode::Owner).unwrap();
    assert_eq!((groups.len(), opened.torn), (3, None));
    assert_eq!(length(&killed.last_segment()), exact);

    let home = Home::new();
    let log = home.log(Options { segment_bytes: 300, room_bytes: 100, ..EXACT });
    home.append(&*log, &["a", "b", "c", "d", "e", "f", "g", "h"]);
    let killed = home.copy();
    assert!(killed.segments().len() > 1);
    assert_eq!(killed.read(Mode::Owner).unwrap().0.len(), 8);
}

#[test]
fn a_power_cut_may_keep_the_end_of_a_write_and_lose_its_beginning() {
    let disk = faults::Gate::new();
    let home = Home::new();
    let log = faults::open(Arc::clone(&disk) as _, &home);
    disk.shut();
    // The writer hangs in the sync of the first; the other three are its next batch.
    log.append(words("a")).unwrap();
    disk.wait_for_sync();
    for word in ["b", "c", "d"] {
        log.append(words(word)).unwrap();
    }
    disk.open();
    wait(log.durable(Lsn(4))).unwrap();
    assert_eq!(disk.writes(), 3, "the header of the segment, then two batches");
    let killed = home.copy();
    let path = killed.last_segment();
    let places = places(&path);
    touch(&path, places[1] + 20, 1);
    let (groups, opened) = killed.read(Mode::Owner).unwrap();
    assert_eq!((groups, opened.torn.unwrap().byte), (vec!["1: a".to_owned()], places[1]));
    // But the first was on disk before the second was written.
    let killed = home.copy();
    touch(&killed.last_segment(), places[0] + 20, 1);
    let damaged = killed.read(Mode::Owner).unwrap_err().to_string();
    assert!(
        damaged.contains("the frame of record 2 at byte 89 was written after record 1 was on disk"),
        "{damaged}"
    );
}

#[test]
fn what_a_crash_in_a_rotation_leaves_is_swept_away_by_the_owner() {
    for stub in [&b""[..], b"journal\n", &[0; segment::HEADER_BYTES - 1]] {
        let killed = Home::killed(1 << 20, &GROUPS);
        let files = killed.segments();
        let next = segment::name(Lsn(7));
        fs::write(killed.path().join(&next), stub).unwrap();
        fs::write(killed.path().join(format!("{next}.tmp")), "half").unwrap();
        fs::write(killed.path().join("closed.tmp"), "half").unwrap();
        fs::write(killed.path().join("notes.tmp"), "not ours").unwrap();
        let before = killed.bytes();
        assert_eq!(killed.read(Mode::Reader).unwrap().0.len(), 3);
        assert_eq!(killed.bytes(), before, "a reader sweeps nothing");
        let (groups, opened) = killed.read(Mode::Owner).unwrap();
        assert_eq!((groups.len(), opened.segments), (3, 1));
        assert_eq!(killed.segments(), files);
        assert!(
            !killed.path().join(format!("{next}.tmp")).exists() && !killed.path().join("closed.tmp").exists()
        );
        assert!(killed.path().join("notes.tmp").exists());
    }
}

#[test]
fn a_copy_of_the_journal_inside_a_record_proves_nothing() {
    let home = Home::killed(1 << 20, &["a", "b"]);
    let log = home.log(EXACT);
    let copy = fs::read(home.last_segment()).unwrap();
    wait(log.durable(log.append(vec![copy]).unwrap())).unwrap();
    let killed = home.copy();
    let path = killed.last_segment();
    touch(&path, places(&path)[2] + 20, 1);
    assert_eq!(killed.read(Mode::Owner).unwrap().0, ["1: a", "2: b"]);
}
