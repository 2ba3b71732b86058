//! The program as whoever starts guests meets it: in its jail, with its filters, over its sockets. Guests are a few
//! instructions, so that they run wherever `/dev/kvm` opens; elsewhere each test says loudly that it did nothing.
#[cfg(test)]
#[path = "../../src/machine/code.rs"]
#[expect(dead_code, reason = "some of it is for tests within the monitor")]
mod code;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod hostile;
#[cfg(test)]
#[path = "../../src/layout.rs"]
#[expect(dead_code, reason = "a guest of a few instructions meets few addresses")]
mod layout;
#[cfg(test)]
mod place;
#[cfg(test)]
mod talker;

use expect_test::expect;
use place::{Place, counter, ended};
use std::{
    fs,
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
};

const POWER_OFF: &[u8] = &[0x66, 0xba, 0x00, 0x06, 0xb0, 0x34, 0xee, 0xeb, 0xfe];
const RESET: &[u8] = &[0x66, 0xba, 0x02, 0x06, 0xb0, 0x01, 0xee, 0xeb, 0xfe];
const UNDEFINED: &[u8] = &[0x0f, 0x0b];

#[test]
fn the_exit_code_says_how_the_guest_ended() {
    for (code, expected) in [(POWER_OFF, 0), (RESET, 3), (UNDEFINED, 4)] {
        let Some(place) = Place::new(code) else { return };
        assert_eq!(ended(place.run(&[])), (Some(expected), None), "{}", place.said());
        assert_eq!(place.left(), ["err", "kernel"], "sockets go with the guest");
    }
}

#[test]
fn a_guest_lives_its_whole_life_in_the_jail_and_under_the_filters() {
    let Some(place) = Place::new(&counter()) else { return };
    let snapshots = place.path("snapshots");
    let flags = ["--snapshots", snapshots.as_str(), "--vcpus", "2"];
    let mut monitor = place.run(&flags);
    assert_eq!(place.ask(&["wait", "booted"]), r#"{"v":1,"ok":{"phase":"booted"}}"#);
    assert_eq!(place.ask(&["pause"]), r#"{"v":1,"ok":{"phase":"paused"}}"#);
    assert_eq!(place.ask(&["snapshot", "first"]), r#"{"v":1,"ok":{"phase":"paused"}}"#);
    assert_eq!(place.ask(&["resume"]), r#"{"v":1,"ok":{"phase":"booted"}}"#);
    assert_eq!(place.ask(&["balloon", "8"]), r#"{"v":1,"ok":{"phase":"booted"}}"#);
    assert!(place.ask(&["stats"]).contains(r#""phase":"booted","memory_mib":48,"vcpus":2"#));
    assert!(place.ask(&["log"]).starts_with(r#"{"v":1,"ok":{"log":""#));
    expect![[r#"{"v":1,"error":{"kind":"unavailable","message":"cannot begin the snapshot `first`: File exists (os error 17)"}}"#]]
        .assert_eq(&place.ask(&["snapshot", "first"]));
    expect![[r#"{"v":1,"error":{"kind":"refused","message":"a difference needs a guest that was restored from a full snapshot: take a full one"}}"#]]
        .assert_eq(&place.ask(&["snapshot", "more", "difference"]));
    expect![[
        r#"{"v":1,"error":{"kind":"refused","message":"that cannot be done with a guest that is booted"}}"#
    ]]
    .assert_eq(&place.ask(&["boot"]));
    assert_eq!(place.ask(&["stop"]), r#"{"v":1,"ok":{"phase":"ended"}}"#);
    assert_eq!(ended(monitor.take()), (Some(0), None), "{}", place.said());

    // Another process goes on with it, and what that one writes down is only what changed, into a directory of its own.
    let outbox = place.path("outbox");
    let flags = ["--snapshots", &snapshots, "--outbox", &outbox, "--vcpus", "2", "--start", "restore=first"];
    let mut monitor = place.run(&flags);
    assert_eq!(place.ask(&["wait", "booted"]), r#"{"v":1,"ok":{"phase":"booted"}}"#);
    assert_eq!(place.ask(&["snapshot", "more", "difference"]), r#"{"v":1,"ok":{"phase":"booted"}}"#);
    assert_eq!(place.ask(&["stop"]), r#"{"v":1,"ok":{"phase":"ended"}}"#);
    assert_eq!(ended(monitor.take()), (Some(0), None), "{}", place.said());
    let size = |name: &str| fs::metadata(format!("{name}/memory")).unwrap().len();
    assert!(size(&format!("{outbox}/more")) < size(&format!("{snapshots}/first")) / 100);
    assert_eq!(fs::read_dir(&snapshots).unwrap().count(), 1);
}

#[test]
fn a_golden_snapshot_is_written_at_the_knock_and_taken_while_it_fits() {
    let Some(place) = Place::new(&talker::knocks()) else { return };
    let snapshots = place.path("snapshots");
    let state = format!("{snapshots}/gold/state");
    let memory = format!("{snapshots}/gold/memory");
    // Whether it was taken, and what is there now: only a restored guest knows what it differs from.
    let begun = |agent: &str| {
        let mut monitor = place.run(&["--snapshots", &snapshots, "--start", "golden=gold", "--agent", agent]);
        place.ask(&["wait", "booted"]);
        let is_taken = !place.ask(&["snapshot", "more", "difference"]).contains("a difference needs a guest");
        if !is_taken {
            place.ask(&["wait", "agent_ready"]);
        }
        // Whoever writes it down answers when it is written.
        assert!(place.ask(&["stop"]).contains("ended"));
        assert_eq!(ended(monitor.take()), (Some(0), None), "{}", place.said());
        let _ = fs::remove_dir_all(format!("{snapshots}/more"));
        (is_taken, fs::read(&state).unwrap())
    };
    let (is_taken, first) = begun("a");
    assert!(!is_taken);
    assert_eq!(begun("a"), (true, first.clone()));
    let changes: [(&str, &str, &dyn Fn()); 7] = [
        ("another agent", "b", &|| {}),
        ("another kernel", "b", &|| place.put_kernel(&talker::knocks())),
        ("another processor", "b", &|| place::sealed_with(&state, 2, "another")),
        ("another monitor", "b", &|| place::sealed_with(&state, 3, "0.0.1")),
        ("a cut memory", "b", &|| {
            fs::File::options().write(true).open(&memory).unwrap().set_len(4096).unwrap()
        }),
        ("no memory", "b", &|| fs::remove_file(&memory).unwrap()),
        ("a state of nothing", "b", &|| fs::write(&state, "").unwrap()),
    ];
    let mut before = first;
    for (what, agent, change) in changes {
        change();
        let (is_taken, anew) = begun(agent);
        assert!(!is_taken && anew != before, "{what}");
        // One that is not there needs no word.
        assert_eq!(place.said().contains("snapshot `gold` is made anew: "), what != "no memory", "{what}");
        assert_eq!(begun(agent), (true, anew.clone()), "{what}");
        before = anew;
    }
    // One that only cannot be looked at is as good as it was.
    let aside = place.path("aside");
    fs::rename(&memory, &aside).unwrap();
    std::os::unix::fs::symlink(&aside, &memory).unwrap();
    assert_eq!(begun("b"), (false, before.clone()));
    let why = "`gold` stays, and the guest boots without it: cannot open the memory of the snapshot `gold`: ";
    assert!(place.said().contains(why), "{}", place.said());
    fs::rename(&aside, &memory).unwrap();
    assert_eq!(begun("b"), (true, before));
}

#[test]
fn a_monitor_that_was_stopped_goes_on() {
    let Some(place) = Place::new(&counter()) else { return };
    let mut monitor = place.run(&["--vcpus", "2"]);
    place.ask(&["wait", "booted"]);
    for (before, after) in [("pause", "resume"), ("pause", "resume")] {
        place.ask(&[before]);
        monitor.interrupt();
        assert!(place.ask(&[after]).starts_with(r#"{"v":1,"ok":"#), "{}", place.said());
        monitor.interrupt();
    }
    assert_eq!(place.ask(&["stop"]), r#"{"v":1,"ok":{"phase":"ended"}}"#);
    assert_eq!(ended(monitor.take()), (Some(0), None), "{}", place.said());
}

#[test]
fn every_call_that_a_thread_makes_is_on_its_list() {
    let Some(place) = Place::new(&talker::talks()) else { return };
    let (snapshots, disk) = (place.path("snapshots"), place.path("disk"));
    fs::write(&disk, [7; 1 << 16]).unwrap();
    let called = UnixListener::bind(place.path(&format!("v_{}", code::CALLED))).unwrap();
    let port = code::CALLED.to_string();
    let flags = ["--snapshots", &snapshots, "--vcpus", "2", "--disk-rw", &disk, "--guest-port", &port];
    let Some(mut monitor) = place.run_traced(&flags) else { return };
    place.ask(&["wait", "agent_ready"]);
    place.line(b"garbage\n");
    let mut caller = UnixStream::connect(place.path("v")).unwrap();
    caller.write_all(format!("CONNECT {}\n", talker::LISTENS).as_bytes()).unwrap();
    assert_eq!(place::line_of(&mut caller), format!("OK {}", 1 << 30));
    let mut said = [0; talker::SAYS.len()];
    caller.read_exact(&mut said).unwrap();
    assert_eq!(said, talker::SAYS.as_bytes());
    caller.write_all(b"and so on").unwrap();
    assert_eq!(caller.read(&mut said).unwrap(), 0, "its half of the conversation is over");
    drop((called.accept().unwrap(), caller));
    while !place.ask(&["log"]).contains(talker::SAYS) {}
    for words in [
        &["pause"][..],
        &["snapshot", "first"],
        &["snapshot", "first"],
        &["resume"],
        &["snapshot", "second"],
        &["balloon", "4"],
        &["stats"],
        &["stop"],
    ] {
        place.ask(words);
    }
    assert_eq!(ended(monitor.take()), (Some(0), None), "{}", place.said());
    // And those of a guest that goes on, and is written down by what changed.
    let mut again = flags.to_vec();
    again.extend(["--start", "restore=first"]);
    let Some(mut monitor) = place.run_traced(&again) else { return };
    assert_eq!(place.ask(&["snapshot", "more", "difference"]), r#"{"v":1,"ok":{"phase":"booted"}}"#);
    place.ask(&["stop"]);
    assert_eq!(ended(monitor.take()), (Some(0), None), "{}", place.said());

    let lists = place.calls();
    let mut seen = std::collections::BTreeSet::new();
    for (thread, number) in place.traced() {
        assert!(lists.contains(&(thread.clone(), number)), "{thread} made the call {number}");
        seen.insert((thread, number));
    }
    // What it would not have made without a disk, a conversation in each direction, and random numbers.
    for (thread, call) in [
        ("devices", libc::SYS_pread64),
        ("devices", libc::SYS_pwrite64),
        ("devices", libc::SYS_accept4),
        ("devices", libc::SYS_sendto),
        ("devices", libc::SYS_recvmsg),
        ("devices", libc::SYS_shutdown),
        ("devices", libc::SYS_getrandom),
        ("devices", libc::SYS_madvise),
        ("main", libc::SYS_pread64),
        ("main", libc::SYS_fsync),
        ("vcpu", libc::SYS_ioctl),
        ("warden", libc::SYS_connect),
        ("warden", libc::SYS_openat),
    ] {
        let call = u32::try_from(call).unwrap();
        assert!(seen.contains(&(thread.to_owned(), call)), "{thread} did not make the call {call}");
    }
}

#[test]
fn from_inside_the_jail_nothing_is_seen_and_nothing_can_be_done() {
    let (code, said) = place::jail();
    if said.contains("a user namespace") {
        return place::skipped(&format!("this system gives no user namespaces: {said}"));
    }
    expect![[r#"
        held: it is the first process of its own
        held: it is not root
        held: the root is empty
        held: no file is read
        held: no file is written
        held: no network is reached
        held: nothing is mounted
        held: no program starts
    "#]]
    .assert_eq(&said);
    assert_eq!(code, Some(0));
}

#[test]
fn the_monitor_of_root_is_nobody_and_nobody_has_a_capability() {
    let Some(place) = Place::new(&counter()) else { return };
    let mut monitor = place.run(&["--vcpus", "2"]);
    place.ask(&["wait", "booted"]);
    let status = monitor.status_inside();
    let line = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(&format!("{key}:")));
        line.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let user = rustix::process::geteuid();
    if user.is_root() {
        assert_eq!(
            (line("Uid"), line("Gid")),
            ("65534 65534 65534 65534".into(), "65534 65534 65534 65534".into())
        );
        assert_eq!(line("Groups"), "");
    } else {
        assert!(line("Uid").starts_with(&format!("{} ", user.as_raw())), "{status}");
    }
    for key in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(line(key), "0000000000000000", "{key}");
    }
    assert_eq!((line("NoNewPrivs"), line("Seccomp")), ("1".into(), "2".into()));
    place.ask(&["stop"]);
    assert_eq!(ended(monitor.take()), (Some(0), None));
}

#[test]
fn what_was_inherited_is_open_in_neither_process() {
    let Some(place) = Place::new(&counter()) else { return };
    let secret = fs::File::create(place.path("secret")).unwrap();
    rustix::io::fcntl_setfd(&secret, rustix::io::FdFlags::empty()).unwrap();
    let mut monitor = place.run(&[]);
    place.ask(&["wait", "booted"]);
    let Some(open) = monitor.open() else {
        return place::skipped("an ordinary user does not see what is open in a jail");
    };
    let has = |name: &str| open.iter().any(|place| place.ends_with(name));
    assert!(has("kernel") && !has("secret"), "{open:?}");
    place.ask(&["stop"]);
    assert_eq!(ended(monitor.take()), (Some(0), None));
}

#[test]
fn real_control_groups_limit_monitor_and_warden() {
    let Some(place) = Place::new(&counter()) else { return };
    let Some(groups) = place::Groups::make() else { return };
    let group_flags = groups.0.iter().flat_map(|group| ["--cgroup", group.to_str().unwrap()]);
    let flags: Vec<_> = ["--vcpus", "2"].into_iter().chain(group_flags).collect();
    let mut monitor = place.run(&flags);
    place.ask(&["wait", "booted"]);
    let bytes = ((2 * 48 + 96) << 20).to_string();
    assert_eq!(groups.read(&["memory.max", "memory.limit_in_bytes"]), bytes);
    assert_eq!(groups.read(&["pids.max"]), "10");
    assert!(["200000 100000", "200000"].contains(&groups.read(&["cpu.max", "cpu.cfs_quota_us"]).as_str()));
    for group in &groups.0 {
        // KVM may put a thread of its own beside the two.
        let inside = fs::read_to_string(group.join("cgroup.procs")).unwrap();
        let name = |id: &str| fs::read_to_string(format!("/proc/{id}/comm")).unwrap();
        let ours = inside.lines().filter(|id| name(id).trim() == "oxydra-vmm").count();
        assert_eq!(ours, 2, "{}", group.display());
    }
    assert_eq!(place.said(), "", "everything is limited, so that nothing is said");
    place.ask(&["stop"]);
    assert_eq!(ended(monitor.take()), (Some(0), None), "{}", place.said());

    // One that limits nothing is joined, and that is said.
    let nothing = place.path("nothing");
    fs::create_dir(&nothing).unwrap();
    fs::write(format!("{nothing}/cgroup.procs"), "").unwrap();
    let mut monitor = place.run(&["--cgroup", &nothing]);
    place.ask(&["wait", "booted"]);
    for what in ["memory", "processes", "processor time"] {
        assert!(place.said().contains(&format!("nothing limits the guest's {what}: ")), "{}", place.said());
    }
    place.ask(&["stop"]);
    assert_eq!(ended(monitor.take()), (Some(0), None));
    let refused = place.run(&["--cgroup", "/nowhere"]);
    assert_eq!(ended(refused).0, Some(2));
    assert!(place.said().contains("`cgroups`: cannot join /nowhere"), "{}", place.said());
}

#[test]
fn garbage_on_the_control_socket_is_answered_and_changes_nothing() {
    let Some(place) = Place::new(&counter()) else { return };
    let mut monitor = place.run(&[]);
    place.ask(&["wait", "booted"]);
    expect![[r#"{"v":1,"error":{"kind":"refused","message":"the line is not JSON: expected value at line 1 column 1"}}"#]]
        .assert_eq(&place.line(b"\xff\xfe garbage\n"));
    expect![[r#"{"v":1,"error":{"kind":"refused","message":"the line is longer than 4096 bytes"}}"#]]
        .assert_eq(&place.line(&[b'x'; 5000]));
    // Those who say nothing, or half a line, are in nobody's way.
    let _silent: Vec<_> = (0..6).map(|_| UnixStream::connect(place.path("c")).unwrap()).collect();
    let mut half = UnixStream::connect(place.path("c")).unwrap();
    half.write_all(b"{\"v\":1,").unwrap();
    assert_eq!(place.ask(&["stop"]), r#"{"v":1,"ok":{"phase":"ended"}}"#);
    assert_eq!(ended(monitor.take()), (Some(0), None));
}

#[test]
fn a_log_of_bytes_that_are_all_escaped_is_answered_whole() {
    // 1: mov rsi, 6 MiB; mov ecx, 4096; mov dx, 0x3f8; rep outsb; jmp 1
    let mut zeroes = vec![0x48, 0xbe, 0, 0, 0x60, 0, 0, 0, 0, 0, 0xb9, 0, 0x10, 0, 0];
    zeroes.extend([0x66, 0xba, 0xf8, 0x03, 0xf3, 0x6e, 0xeb, 0xe9]);
    let Some(place) = Place::new(&zeroes) else { return };
    let mut monitor = place.run(&[]);
    let full = r#"{"v":1,"ok":{"log":""#.to_owned() + &r"\u0000".repeat(1 << 16) + r#""}}"#;
    while place.line(b"{\"v\":1,\"do\":\"log\"}\n").len() < full.len() {}
    assert!(place.ask(&["log"]) == full, "it is no whole log");
    // As many as there is room for ask, and read nothing: they make room.
    let _deaf: Vec<_> = (0..8)
        .map(|_| {
            let mut deaf = UnixStream::connect(place.path("c")).unwrap();
            deaf.write_all(b"{\"v\":1,\"do\":\"log\"}\n").unwrap();
            deaf
        })
        .collect();
    assert!(place.ask(&["log"]) == full, "it is no whole log");
    place.ask(&["stop"]);
    assert_eq!(ended(monitor.take()), (Some(0), None), "{}", place.said());
}

#[test]
fn requests_of_one_connection_are_answered_in_order() {
    let Some(place) = Place::new(&counter()) else { return };
    let mut monitor = place.run(&[]);
    place.ask(&["wait", "booted"]);
    let mut stream = UnixStream::connect(place.path("c")).unwrap();
    let requests = [
        r#""id":1,"do":"wait","phase":"paused""#,
        r#""id":2,"do":"wait","phase":"booted""#,
        r#""id":3,"do":"stats""#,
        r#""id":4,"do":"stop""#,
    ];
    let lines = requests.map(|request| format!("{{\"v\":1,{request}}}\n")).concat();
    stream.write_all(lines.as_bytes()).unwrap();
    // Nothing of it is done before somebody else does what the first one waits for.
    assert_eq!(place.ask(&["pause"]), r#"{"v":1,"ok":{"phase":"paused"}}"#);
    for id in [1, 2] {
        let paused = format!(r#"{{"v":1,"id":{id},"ok":{{"phase":"paused"}}}}"#);
        assert_eq!(place::line_of(&mut stream), paused);
    }
    assert!(place::line_of(&mut stream).starts_with(r#"{"v":1,"id":3,"ok":{"phase":"paused","memory"#));
    assert_eq!(place::line_of(&mut stream), r#"{"v":1,"id":4,"ok":{"phase":"ended"}}"#);
    assert_eq!(ended(monitor.take()), (Some(0), None), "{}", place.said());
}

#[test]
fn what_cannot_be_run_is_refused_by_name() {
    let Some(place) = Place::new(POWER_OFF) else { return };
    let said = |flags: &[&str]| {
        let code = ended(place.run(flags)).0;
        let said = place.said();
        format!(
            "{} {}",
            code.unwrap(),
            said.lines().next().unwrap_or_default().replace(&place.path(""), "…/")
        )
    };
    expect!["2 oxydra-vmm: `kernel`: cannot read …/none: No such file or directory (os error 2)"]
        .assert_eq(&said(&["--kernel", &place.path("none")]));
    expect!["1 oxydra-vmm: cannot boot …/err: it is neither an ELF kernel for x86-64 nor a bzImage: its first bytes are of another kind"].assert_eq(&said(&["--kernel", &place.path("err")]));
    expect![
        "2 oxydra-vmm: the configuration cannot be run: `memory_mib`: 1048576 MiB is not between 48 and 65536"
    ]
    .assert_eq(&said(&["--memory", "1048576"]));
    expect!["2 oxydra-vmm: there is no flag --fast"].assert_eq(&said(&["--fast", "1"]));
    let snapshots = place.path("snapshots");
    expect!["1 oxydra-vmm: cannot open the snapshot `none`: No such file or directory (os error 2)"]
        .assert_eq(&said(&["--snapshots", &snapshots, "--start", "restore=none"]));
    expect!["2 oxydra-vmm: `log`: cannot write …/none/serial: No such file or directory (os error 2)"]
        .assert_eq(&said(&["--log", &place.path("none/serial")]));
    expect!["2 oxydra-vmm: `socket`: cannot listen at …/err: something that is no socket is there"]
        .assert_eq(&said(&["--socket", &place.path("err")]));
    assert_eq!(place.left(), ["err", "kernel", "snapshots"], "what did not begin leaves no sockets");
}

#[test]
fn what_a_killed_monitor_leaves_is_found_and_cleared() {
    let Some(place) = Place::new(&counter()) else { return };
    let mut monitor = place.run(&[]);
    place.ask(&["wait", "booted"]);
    assert_eq!(ended(place.run(&[])).0, Some(2));
    assert!(place.said().contains("a monitor is running at"), "{}", place.said());

    // The monitor dies: its warden says so and clears the sockets away.
    monitor.kill_inside();
    assert_eq!(ended(monitor.take()), (Some(5), None));
    assert!(place.said().contains("signal 9 killed the monitor"), "{}", place.said());
    assert_eq!(place.left(), ["err", "kernel"]);

    // Somebody asks the warden to end: nothing is left.
    let mut monitor = place.run(&[]);
    place.ask(&["wait", "booted"]);
    monitor.end();
    assert_eq!(ended(monitor.take()), (Some(0), None));
    assert_eq!(place.left(), ["err", "kernel"]);

    // The warden dies: the monitor goes with it, and the next one clears the sockets away.
    let mut monitor = place.run(&[]);
    place.ask(&["wait", "booted"]);
    monitor.kill();
    assert_eq!(ended(monitor.take()), (None, Some(9)));
    place.until_nobody_listens();
    assert_eq!(place.left(), ["c", "err", "kernel", "v"]);
    let mut monitor = place.run(&[]);
    assert_eq!(place.ask(&["wait", "booted"]), r#"{"v":1,"ok":{"phase":"booted"}}"#);
    place.ask(&["stop"]);
    assert_eq!(ended(monitor.take()), (Some(0), None));
}
