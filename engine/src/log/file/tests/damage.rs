//! Damage: whatever happens to the bytes, the answer is right or an error, and an error changes nothing.
use super::*;
use expect_test::{Expect, expect};

const GROUPS: [&str; 6] = ["a b", "c", "a longer group of seven records", "d", "e f g", "the end"];

/// Opens a journal that is damaged and compares what is said; paths are shortened.
fn check(home: &Home, said: Expect) {
    let before = home.bytes();
    let [fault, owners] = [Mode::Reader, Mode::Owner].map(|mode| home.read(mode).unwrap_err().to_string());
    assert_eq!(fault, owners, "both say the same");
    let fault = fault.replace(&format!("{}/", home.path().display()), "").replace("0000000000000000", "…");
    said.assert_eq(fault.split("; nothing was changed").next().unwrap());
    let without_lock = |files: Vec<(PathBuf, Vec<u8>)>| {
        files.into_iter().filter(|(path, _)| !path.ends_with(lock::LOCK_FILE)).collect::<Vec<_>>()
    };
    assert_eq!(without_lock(home.bytes()), without_lock(before), "nothing was changed");
}

#[test]
fn a_bad_spot_before_a_good_frame_is_damage() {
    let home = Home::killed(1 << 20, &GROUPS);
    let path = home.last_segment();
    touch(&path, places(&path)[1] + 44, 4);
    check(
        &home,
        expect![
            "the journal is damaged: …0001.seg at byte 98: the checksum of record 3 is wrong, but the frame of record 4 at byte 143 was written after record 3 was on disk"
        ],
    );
}

#[test]
fn a_bad_end_of_a_closed_journal_is_damage() {
    let home = Home::closed(1 << 20, &GROUPS);
    let path = home.last_segment();
    let length = fs::metadata(&path).unwrap().len();
    touch(&path, length - 1, 1);
    check(
        &home,
        expect![
            "the journal is damaged: …0001.seg at byte 361: the checksum of record 15 is wrong, but record 14 was on disk when the journal was closed, says the file `closed`"
        ],
    );
    let start = *places(&path).last().unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_len(start).unwrap();
    check(
        &home,
        expect![
            "the journal is damaged: …0001.seg at byte 361: it ends here, but record 15 was on disk when the journal was closed, says the file `closed` (without that file, what is cut off is given up and the rest goes on)"
        ],
    );
}

#[test]
fn a_bad_end_of_a_sealed_segment_is_damage() {
    let home = Home::killed(150, &GROUPS);
    let path = &home.segments()[0];
    touch(path, fs::metadata(path).unwrap().len() - 1, 1);
    check(
        &home,
        expect![
            "the journal is damaged: …0001.seg at byte 98: the checksum of record 3 is wrong, but …0004.seg was begun after record 3 was on disk"
        ],
    );
}

#[test]
fn segments_are_missed_and_strangers_are_refused() {
    let home = Home::killed(1, &GROUPS);
    let segments = home.segments();
    let (second, aside) = (&segments[1], home.path().join("aside"));
    fs::rename(second, &aside).unwrap();
    check(
        &home,
        expect![
            "the journal is damaged: …0001.seg at byte 98: it ends with record 2, the next segment begins with 4: its end is missing, or …0003.seg is"
        ],
    );
    fs::rename(&segments[0], home.path().join("first")).unwrap();
    check(
        &home,
        expect!["the journal is damaged: …0001.seg at byte 0: it is missing, but …0004.seg is there"],
    );
    fs::rename(home.path().join("first"), &segments[0]).unwrap();

    let stranger = Home::killed(1, &["x y", "z"]);
    fs::copy(&stranger.segments()[1], second).unwrap();
    check(
        &home,
        expect![
            "the journal is damaged: …0003.seg at byte 0: it does not continue the segment before it: one of them is of another journal, or older"
        ],
    );
    fs::copy(&segments[2], second).unwrap();
    check(
        &home,
        expect![
            "…0003.seg is no segment of a journal that this version reads: its name says record 3, its header 4"
        ],
    );
    fs::write(second, "a text that somebody put here, longer than a header").unwrap();
    check(
        &home,
        expect![
            "…0003.seg is no segment of a journal that this version reads: it does not begin like one (a foreign file, or its first bytes are damaged)"
        ],
    );
    fs::write(second, "short").unwrap();
    check(
        &home,
        expect!["the journal is damaged: …0003.seg at byte 5: the file ends inside the segment's header"],
    );
    fs::rename(&aside, second).unwrap();
    assert_eq!(home.read(Mode::Reader).unwrap().0.len(), GROUPS.len());

    fs::write(home.path().join("notes.seg"), "").unwrap();
    check(
        &home,
        expect![
            "notes.seg is no segment of a journal that this version reads: it is not named by its first record"
        ],
    );
}

#[test]
fn another_format_is_refused_by_name() {
    let home = Home::killed(1 << 20, &GROUPS);
    touch(&home.last_segment(), 8, 3);
    check(
        &home,
        expect![
            "…0001.seg is no segment of a journal that this version reads: its format is 2, this version reads 1"
        ],
    );
}

/// Flips bits here and there, one at a time.
fn flip(home: &Home, flips: u64, seed: u64, mut look: impl FnMut(&str)) {
    let files: Vec<_> =
        home.bytes().into_iter().filter(|(path, _)| !path.ends_with(lock::LOCK_FILE)).collect();
    let mut random = seed;
    for _ in 0..flips {
        let mut draw = |below: usize| {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (random >> 33) as usize % below
        };
        let (path, bytes) = &files[draw(files.len())];
        let (at, mask) = (draw(bytes.len()) as u64, 1 << draw(8));
        touch(path, at, mask);
        look(&format!("seed {seed}: {} at {at} ^ {mask}", path.display()));
        touch(path, at, mask);
    }
}

fn expected() -> Vec<String> {
    let mut first = 1;
    let told = |group: &&str| {
        let records = words(group);
        let group = Group { first: Lsn(first), records };
        first = group.last().0 + 1;
        told(&group)
    };
    GROUPS.iter().map(told).collect()
}

#[test]
fn a_flipped_bit_in_a_closed_journal_is_an_error_or_harmless() {
    for segment_bytes in [1 << 20, 150] {
        let home = Home::closed(segment_bytes, &GROUPS);
        flip(&home, 400, 1, |which| match home.read(Mode::Reader) {
            Ok((groups, _)) => assert_eq!(groups, expected(), "{which}"),
            Err(LogFault::Damaged { .. } | LogFault::Foreign { .. }) => {}
            Err(other) => panic!("{which}: {other}"),
        });
    }
}

#[test]
fn a_flipped_bit_in_an_unclosed_journal_loses_the_last_write_at_most() {
    for segment_bytes in [1 << 20, 150] {
        let home = Home::killed(segment_bytes, &GROUPS);
        let all = expected();
        flip(&home, 400, 2, |which| match home.read(Mode::Reader) {
            Ok((groups, _)) => {
                assert!(groups == all || groups == all[..all.len() - 1], "{which}: {groups:?}")
            }
            Err(LogFault::Damaged { .. } | LogFault::Foreign { .. }) => {}
            Err(other) => panic!("{which}: {other}"),
        });
    }
}

#[test]
fn a_bit_that_flips_while_it_is_open_is_an_error_or_harmless() {
    let home = Home::closed(150, &GROUPS);
    let log = home.log(EXACT);
    let bodies: Vec<_> = GROUPS.iter().flat_map(|group| words(group)).collect();
    let all_groups = expected();
    flip(&home, 300, 3, |which| {
        for (n, body) in bodies.iter().enumerate() {
            match log.read(Lsn(n as u64 + 1)) {
                Ok(read) => assert_eq!(read, *body, "{which}"),
                Err(LogFault::Damaged { .. }) => {}
                Err(other) => panic!("{which}: {other}"),
            }
        }
        match all(&*log, Lsn::START) {
            Ok(groups) => assert_eq!(groups, all_groups, "{which}"),
            Err(LogFault::Damaged { .. }) => {}
            Err(other) => panic!("{which}: {other}"),
        }
    });
}

#[test]
fn a_follower_is_told_of_damage_and_gets_nothing_behind_it() {
    let home = Home::closed(150, &GROUPS);
    let log = home.log(EXACT);
    let path = &home.segments()[1];
    touch(path, fs::metadata(path).unwrap().len() - 1, 1);
    let (tell, told_by) = std::sync::mpsc::channel();
    let each = move |group: Result<&Group, LogFault>| {
        tell.send(group.map(told).map_err(|fault| matches!(fault, LogFault::Damaged { .. }))).unwrap();
        Flow::Continue
    };
    log.subscribe(Lsn(1), Box::new(each));
    let heard: Vec<_> = told_by.iter().collect();
    let (last, before) = heard.split_last().unwrap();
    assert_eq!(*last, Err(true));
    assert!(before.iter().zip(expected()).all(|(heard, told)| *heard == Ok(told)));
}
