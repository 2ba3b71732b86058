//! One owner, many readers, many threads, many segments.
use super::*;
use std::{os::unix::fs::PermissionsExt, thread};

#[test]
fn a_second_owner_is_refused_and_a_reader_is_not() {
    let home = Home::new();
    let log = home.log(EXACT);
    home.append(&*log, &["a b"]);
    let refused = home.read(Mode::Owner).unwrap_err();
    let LogFault::Owned { path, owner } = refused else { panic!("{refused}") };
    assert_eq!((path.as_path(), owner), (home.path(), format!("this process ({})", std::process::id())));
    let (reader, opened) = FileLog::open(home.path(), Mode::Reader).unwrap();
    assert_eq!((opened.records, opened.groups, opened.segments), (2, 1, 1));
    home.append(&*log, &["c"]);
    assert_eq!(reader.durable_lsn(), Lsn(2), "a reader keeps what it saw when it opened");
    assert_eq!(home.read(Mode::Reader).unwrap().0, ["1: a b", "3: c"]);
    log.close();
    home.read(Mode::Owner).unwrap();
}

#[test]
fn a_reader_writes_nothing_and_needs_no_right_to() {
    let home = Home::killed(150, &["a b", "c", "d e f"]);
    let before = home.bytes();
    let mode = |mode| fs::set_permissions(home.path(), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o500);
    let (reader, _) = FileLog::open(home.path(), Mode::Reader).unwrap();
    assert!(matches!(reader.append(words("x")), Err(LogFault::ReadOnly)));
    assert!(matches!(wait(reader.durable(Lsn(7))), Err(LogFault::ReadOnly)));
    wait(reader.durable(Lsn(6))).unwrap();
    assert_eq!(reader.read(Lsn(6)).unwrap(), b"f");
    let (tell, told_by) = std::sync::mpsc::channel();
    let each = move |group: Result<&Group, LogFault>| {
        tell.send(group.unwrap().first).unwrap();
        Flow::Continue
    };
    reader.subscribe(Lsn(3), Box::new(each));
    assert_eq!(told_by.iter().collect::<Vec<_>>(), [Lsn(3), Lsn(4)], "and that is all there will be");
    reader.close();
    mode(0o700);
    assert_eq!(home.bytes(), before);
}

#[test]
fn a_reader_of_nothing_says_so_and_of_an_empty_journal_reads_nothing() {
    let home = Home::new();
    assert_eq!(home.read(Mode::Reader).unwrap().0.len(), 0);
    let missing = FileLog::open(&home.path().join("none"), Mode::Reader).err().unwrap();
    assert!(matches!(missing, LogFault::Io { act: "list", .. }), "{missing}");
}

#[test]
fn an_owner_makes_its_directory() {
    let home = Home::new();
    let dir = home.path().join("deep/journal");
    let (log, opened) = FileLog::open(&dir, Mode::Owner).unwrap();
    assert_eq!(opened, Opened::default());
    log.append(words("a")).unwrap();
    drop(log);
    assert_eq!(FileLog::open(&dir, Mode::Reader).unwrap().1.records, 1);
    let of = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((of(&dir), of(&dir.join(segment::name(Lsn(1))))), (0o700, 0o600));
}

#[test]
fn what_the_caller_says_while_it_is_opened_ends_the_opening() {
    let home = Home::killed(1 << 20, &["a", "b", "c"]);
    let mut heard = 0;
    let mut each = |group: &Group| {
        heard += 1;
        if group.first == Lsn(2) { Err(LogFault::ReadOnly) } else { Ok(()) }
    };
    let ended = FileLog::open_with(home.path(), Mode::Owner, EXACT, &mut each);
    assert!(matches!(ended, Err(LogFault::ReadOnly)));
    assert_eq!(heard, 2);
    home.read(Mode::Owner).unwrap();
}

#[test]
fn eight_threads_append_and_all_is_there_in_order_after_reopening() {
    const EACH: usize = 60;
    let home = Home::new();
    let log = home.log(Options { segment_bytes: 4096, ..EXACT });
    let acknowledged: Vec<(Lsn, String)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let log = &log;
                scope.spawn(move || {
                    let append = |n| {
                        let text = format!("{thread} {n} of {EACH}");
                        let last = log.append(words(&text)).unwrap();
                        wait(log.durable(last)).unwrap();
                        (Lsn(last.0 - 3), text)
                    };
                    (0..EACH).map(append).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let killed = home.copy();
    let mut expected: Vec<_> = acknowledged.clone();
    expected.sort();
    let expected: Vec<_> = expected.into_iter().map(|(first, text)| format!("{}: {text}", first.0)).collect();
    let (groups, opened) = killed.read(Mode::Owner).unwrap();
    assert_eq!(groups, expected);
    assert!(opened.segments > 3, "{opened:?}");
    for (first, text) in acknowledged {
        assert_eq!(log.read(first).unwrap(), &text.as_bytes()[..1]);
    }
}

#[test]
fn readers_beside_a_writing_owner_see_all_that_was_acknowledged_and_no_damage() {
    let home = Home::new();
    let log = home.log(Options { segment_bytes: 300, ..EXACT });
    thread::scope(|scope| {
        let owner = scope.spawn(|| {
            for n in 0..100 {
                log.append(words(&format!("group {n}"))).unwrap();
            }
            wait(log.durable(Lsn(200))).unwrap();
        });
        while !owner.is_finished() {
            let acknowledged = log.durable_lsn();
            let (groups, opened) = home.read(Mode::Reader).unwrap();
            assert!(opened.records >= acknowledged.0 && opened.torn.is_none());
            for (n, group) in groups.iter().enumerate() {
                assert_eq!(*group, format!("{}: group {n}", n * 2 + 1));
            }
        }
    });
    assert_eq!(home.read(Mode::Reader).unwrap().1.records, 200);
}

#[test]
fn a_group_fills_a_segment_of_its_own_and_one_that_is_too_large_orders_nothing() {
    let home = Home::new();
    let log = home.log(Options { segment_bytes: 1000, ..EXACT });
    let large = vec![vec![7; 3000], vec![8; 3000]];
    for group in [words("a"), large.clone(), words("b")] {
        log.append(group).unwrap();
    }
    let refused = log.append(vec![vec![0; GROUP_BYTES_MAX]]);
    assert!(matches!(refused, Err(LogFault::TooLarge { max: GROUP_BYTES_MAX, .. })));
    assert_eq!(log.append(words("c")).unwrap(), Lsn(5));
    wait(log.durable(Lsn(5))).unwrap();
    assert_eq!(log.read(Lsn(3)).unwrap(), large[1]);
    let firsts = [1, 2, 4].map(|first| home.path().join(segment::name(Lsn(first))));
    assert_eq!(home.segments(), firsts);
}

#[test]
fn more_segments_than_are_kept_open_are_read() {
    let home = Home::new();
    let log = home.log(Options { segment_bytes: 1, ..EXACT });
    let texts: Vec<_> = (0..80).map(|n| format!("{n}")).collect();
    home.append(&*log, &texts.iter().map(String::as_str).collect::<Vec<_>>());
    for (n, text) in texts.iter().enumerate().rev() {
        assert_eq!(log.read(Lsn(n as u64 + 1)).unwrap(), text.as_bytes());
    }
}
