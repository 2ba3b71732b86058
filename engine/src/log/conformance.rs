//! What every log promises, told once and checked for each of them: in memory, in one file, in many files.
use super::{FileLog, Flow, Group, Log, LogFault, Lsn, MemoryLog, Mode, Options};
use std::{
    future::Future,
    sync::{Arc, mpsc},
};

/// Waits for a future without a runtime around it.
pub(super) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// A group of as many records as there are words.
pub(super) fn words(text: &str) -> Vec<Vec<u8>> {
    text.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

/// How a test prints a group: `3: red green`.
pub(super) fn told(group: &Group) -> String {
    let records: Vec<_> = group.records.iter().map(|record| String::from_utf8_lossy(record)).collect();
    format!("{}: {}", group.first.0, records.join(" "))
}

/// Everything that a log holds from `from`.
pub(super) fn all(log: &dyn Log, from: Lsn) -> Result<Vec<String>, LogFault> {
    let mut groups = Vec::new();
    log.scan(from, &mut |group| {
        groups.push(told(group));
        Flow::Continue
    })?;
    Ok(groups)
}

fn check(story: fn(Arc<dyn Log>)) {
    story(Arc::new(MemoryLog::new()));
    for segment_bytes in [Options::default().segment_bytes, 150, 1] {
        let dir = tempfile::tempdir().unwrap();
        let log = FileLog::open_with::<LogFault>(
            dir.path(),
            Mode::Owner,
            Options { segment_bytes, room_bytes: 512, ..Options::default() },
            &mut |_| Ok(()),
        );
        story(log.unwrap().0);
    }
}

#[test]
fn records_have_dense_addresses_and_are_read_once_durable() {
    check(|log| {
        assert_eq!(log.durable_lsn(), Lsn::START);
        assert_eq!(log.append(words("red green")).unwrap(), Lsn(2));
        assert_eq!(log.append(Vec::new()).unwrap(), Lsn(2), "nothing was ordered");
        assert_eq!(log.append(words("blue")).unwrap(), Lsn(3));
        wait(log.durable(Lsn(3))).unwrap();
        assert_eq!(log.durable_lsn(), Lsn(3));
        assert_eq!([1, 2, 3].map(|lsn| log.read(Lsn(lsn)).unwrap()), [&b"red"[..], b"green", b"blue"]);
        for lsn in [0, 4, u64::MAX] {
            let missing = log.read(Lsn(lsn)).unwrap_err();
            assert!(matches!(missing, LogFault::Missing { last: Lsn(3), .. }), "{missing}");
        }
    });
}

#[test]
fn any_bytes_are_a_record() {
    check(|log| {
        let bodies = [Vec::new(), vec![0; 5000], (0..=255).collect(), b"GRP\x01".repeat(20)];
        for body in &bodies {
            log.append(vec![body.clone()]).unwrap();
        }
        wait(log.durable(Lsn(4))).unwrap();
        for (n, body) in bodies.iter().enumerate() {
            assert_eq!(log.read(Lsn(n as u64 + 1)).unwrap(), *body);
        }
    });
}

#[test]
fn a_scan_passes_whole_groups_from_the_one_that_holds_the_first_record() {
    check(|log| {
        for group in ["a b", "c d e", "f"] {
            log.append(words(group)).unwrap();
        }
        wait(log.durable(Lsn(6))).unwrap();
        assert_eq!(all(&*log, Lsn::START).unwrap(), ["1: a b", "3: c d e", "6: f"]);
        assert_eq!(all(&*log, Lsn(4)).unwrap(), ["3: c d e", "6: f"]);
        assert_eq!(all(&*log, Lsn(7)).unwrap(), [""; 0]);
        let mut calls = 0;
        log.scan(Lsn(1), &mut |_| {
            calls += 1;
            Flow::Stop
        })
        .unwrap();
        assert_eq!(calls, 1);
    });
}

#[test]
fn a_subscriber_gets_history_then_what_comes_then_the_end() {
    check(|log| {
        log.append(words("a b")).unwrap();
        wait(log.durable(Lsn(2))).unwrap();
        let (tell, told_by) = mpsc::channel();
        log.subscribe(Lsn(2), follower(tell));
        assert_eq!(told_by.recv().unwrap(), "1: a b");
        log.append(words("c")).unwrap();
        assert_eq!(told_by.recv().unwrap(), "3: c");
        log.append(words("d e")).unwrap();
        log.close();
        assert_eq!(told_by.iter().collect::<Vec<_>>(), ["4: d e"]);
    });
}

#[test]
fn a_slow_subscriber_holds_nobody_up_and_misses_nothing() {
    check(|log| {
        const GROUPS: u64 = 50;
        // No room at all: it waits for the test with each group.
        let (tell, told_by) = mpsc::sync_channel(0);
        let each = move |group: Result<&Group, LogFault>| {
            tell.send(group.unwrap().first.0).expect("the test listens to the end");
            Flow::Continue
        };
        log.subscribe(Lsn::START, Box::new(each));
        for _ in 0..GROUPS {
            let lsn = log.append(words("x")).unwrap();
            wait(log.durable(lsn)).unwrap();
        }
        log.close();
        assert_eq!(told_by.iter().collect::<Vec<_>>(), (1..=GROUPS).collect::<Vec<_>>());
    });
}

#[test]
fn a_subscriber_may_stop_and_may_begin_in_the_future() {
    check(|log| {
        let (tell, told_by) = mpsc::channel();
        let mut follow = follower(tell);
        let once = Box::new(move |group: Result<&Group, LogFault>| {
            follow(group);
            Flow::Stop
        });
        log.subscribe(Lsn(2), once);
        for word in ["a", "b", "c"] {
            log.append(words(word)).unwrap();
        }
        assert_eq!(told_by.iter().collect::<Vec<_>>(), ["2: b"], "and it has ended, the log being open");
    });
}

#[test]
fn a_subscriber_may_append() {
    check(|log| {
        let (tell, told_by) = mpsc::channel();
        let mut follow = follower(tell);
        let appender = Arc::clone(&log);
        let echo = move |group: Result<&Group, LogFault>| {
            if group.as_ref().is_ok_and(|group| group.first == Lsn(1)) {
                appender.append(words("echo")).unwrap();
            }
            follow(group)
        };
        log.subscribe(Lsn(1), Box::new(echo));
        log.append(words("call")).unwrap();
        assert_eq!([told_by.recv().unwrap(), told_by.recv().unwrap()], ["1: call", "2: echo"]);
        log.close();
    });
}

#[test]
fn closing_writes_what_is_pending_and_refuses_what_comes() {
    check(|log| {
        log.append(words("a b")).unwrap();
        let never = log.durable(Lsn(3));
        log.close();
        log.close();
        wait(log.durable(Lsn(2))).unwrap();
        assert!(matches!(wait(never), Err(LogFault::Closed)));
        assert!(matches!(log.append(words("c")), Err(LogFault::Closed)));
        assert!(matches!(log.append(Vec::new()), Err(LogFault::Closed)));
        assert!(matches!(wait(log.durable(Lsn(3))), Err(LogFault::Closed)));
        assert_eq!(log.read(Lsn(2)).unwrap(), b"b");
    });
}

fn follower(tell: mpsc::Sender<String>) -> super::Subscriber {
    Box::new(move |group| {
        let group = group.expect("nothing is wrong with the log");
        match tell.send(told(group)) {
            Ok(()) => Flow::Continue,
            Err(_) => Flow::Stop,
        }
    })
}
