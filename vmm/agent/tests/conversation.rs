//! Conversations with an agent on this machine: sessions, commands, streams and the workspace, over a pair of sockets and
//! plain directories. One binary, because the agent waits for every child of its process.
use agent::{
    hands::Hands,
    launch::Launcher,
    orders::Order,
    reaper::Reaper,
    serve::{Guest, serve},
    sessions::Sessions,
    standing::{Standing, Stood},
    workspace::Workspace,
};
use expect_test::{Expect, expect};
use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use std::{
    fmt::Write as _,
    fs::File,
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::{Arc, LazyLock, Mutex},
    thread,
    time::{Duration, Instant},
};
use wire::{
    Arguments, Attach, CallId, Chunk, Data, Entry, ExecCommand, Forget, GuestFrame, Hello, HostFrame,
    KillCall, KillSession, Link, List, Program, PushBegin, SessionId, Settle, Size, SpawnSession, Stream,
    Text, TreePath, Variable,
};

const SESSION: SessionId = SessionId(1);
/// How long something is awaited that comes at once, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

static REAPER: LazyLock<Arc<Reaper>> = LazyLock::new(Reaper::start);

/// An agent and its directories.
struct Story {
    guest: Arc<Guest>,
    home: tempfile::TempDir,
}

/// One conversation with it.
struct Host {
    link: Link<File>,
}

fn story() -> Story {
    let home = tempfile::tempdir().expect("a directory");
    let place = |name: &str| home.path().join(name);
    let launcher = Launcher::new(
        Arc::clone(&REAPER),
        env!("CARGO_BIN_EXE_oxydra-agent").into(),
        Hands::ready().expect("threads"),
        vec![("PATH".into(), "/usr/bin:/bin".into())],
    );
    let workspace = Workspace::new(place("layers"), None).expect("layers");
    let sessions = Sessions::new(launcher, place("sessions"), place("layers/upper"), None);
    let guest = Guest { sessions, workspace: Mutex::new(workspace), power_off: || () };
    Story { guest: Arc::new(guest), home }
}

impl Story {
    fn dial(&self) -> Host {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let guest = Arc::clone(&self.guest);
        thread::spawn(move || serve(&guest, File::from(OwnedFd::from(theirs))));
        let mut host = Host { link: Link::new(File::from(OwnedFd::from(ours))) };
        let welcome = host.ask(HostFrame::Hello(Hello { host: Text::cut("test") }));
        assert!(matches!(welcome, GuestFrame::Welcome(_)), "{welcome:?}");
        host
    }

    /// A conversation in which the session is open.
    fn open(&self) -> Host {
        let mut host = self.dial();
        host.ask(HostFrame::SpawnSession(SpawnSession {
            session: SESSION,
            directory: None,
            variables: List::new([Variable { name: Text::cut("GIVEN"), value: Text::cut("yes") }])
                .expect("one fits"),
            memory_bytes_max: None,
            processes_max: None,
        }));
        host
    }
}

impl Host {
    fn send(&mut self, frame: HostFrame) {
        self.link.send(&frame).expect("the agent reads");
    }

    fn receive(&mut self) -> GuestFrame {
        self.link.receive().expect("the agent answers")
    }

    fn ask(&mut self, frame: HostFrame) -> GuestFrame {
        self.send(frame);
        self.receive()
    }

    fn start(&mut self, call: u128, program: Program, change: impl FnOnce(&mut ExecCommand)) {
        let mut wanted = ExecCommand {
            session: SESSION,
            call: CallId(call),
            program,
            variables: List::default(),
            terminal: None,
            has_input: false,
            millis_max: None,
        };
        change(&mut wanted);
        self.send(HostFrame::ExecCommand(wanted));
    }

    /// Runs a script to its end and tells the story of it.
    fn run(&mut self, call: u128, text: &str) -> String {
        self.start(call, script(text), |_| ());
        self.told()
    }

    /// What a call says, streams joined, times left out.
    fn told(&mut self) -> String {
        let (mut out, mut err, mut story) = (Vec::new(), Vec::new(), String::new());
        loop {
            match self.receive() {
                GuestFrame::Started(_) => {}
                GuestFrame::Output(output) => match output.stream {
                    Stream::Out => out.extend_from_slice(output.data.as_bytes()),
                    Stream::Err => err.extend_from_slice(output.data.as_bytes()),
                },
                GuestFrame::Exited(exit) => {
                    write!(story, "{:?}", exit.how).expect("a string takes everything");
                    assert_eq!((exit.out_bytes, exit.err_bytes), (out.len() as u64, err.len() as u64));
                    break;
                }
                other => {
                    write!(story, "{other:?}").expect("a string takes everything");
                    break;
                }
            }
        }
        for (name, bytes) in [("out", out), ("err", err)] {
            if !bytes.is_empty() {
                write!(story, "\n{name}: {}", String::from_utf8_lossy(&bytes))
                    .expect("a string takes everything");
            }
        }
        story
    }
}

fn script(text: &str) -> Program {
    Program::Script(Chunk::new(text).expect("it fits"))
}

fn check(commands: &[&str], told: Expect) {
    let story = story();
    let mut host = story.open();
    let mut all = String::new();
    for (call, command) in commands.iter().enumerate() {
        writeln!(all, "$ {command}\n{}", host.run(call as u128, command).trim_end())
            .expect("a string takes everything");
    }
    told.assert_eq(&all);
}

#[test]
fn a_session_keeps_directory_variables_and_mask_and_gives_status_and_both_streams() {
    check(
        &[
            "echo hello; echo oops >&2; exit 3",
            "mkdir 'a b'; cd 'a b'; export NAME='it'\\''s'; umask 027",
            "basename \"$PWD\"; echo $NAME $GIVEN; umask",
            "kill -9 $$",
            "basename \"$PWD\"",
        ],
        expect![[r#"
            $ echo hello; echo oops >&2; exit 3
            Status(3)
            out: hello

            err: oops
            $ mkdir 'a b'; cd 'a b'; export NAME='it'\''s'; umask 027
            Status(0)
            $ basename "$PWD"; echo $NAME $GIVEN; umask
            Status(0)
            out: a b
            it's yes
            0027
            $ kill -9 $$
            Signal(9)
            $ basename "$PWD"
            Status(0)
            out: a b
        "#]],
    );
}

#[test]
fn a_script_that_is_none_fails_and_leaves_the_session_as_it_was() {
    let story = story();
    let mut host = story.open();
    host.run(1, "export KEPT=yes");
    // Its words are the shell's own.
    assert!(!host.run(2, "if true; then").starts_with("Status(0)"));
    expect!["Status(0)\nout: yes\n"].assert_eq(&host.run(3, "echo $KEPT"));
}

#[test]
fn a_program_without_a_shell_is_started_with_its_arguments_or_says_why_not() {
    let story = story();
    let mut host = story.open();
    let program = |words: &[&str]| Program::Arguments(Arguments::new(words).expect("a command"));
    host.start(1, program(&["printf", "%s|", "a b", "", "$HOME"]), |_| ());
    expect![[r#"
        Status(0)
        out: a b||$HOME|"#]]
    .assert_eq(&host.told());
    host.start(2, program(&["no-such-program"]), |_| ());
    expect![[r#"
        Status(127)
        err: agent: cannot start no-such-program: No such file or directory (os error 2)
    "#]]
    .assert_eq(&host.told());
}

#[test]
fn input_reaches_a_command_and_its_end_does() {
    let story = story();
    let mut host = story.open();
    host.start(1, script("cat; echo done"), |wanted| wanted.has_input = true);
    host.send(HostFrame::Input(Data::new("one\n").expect("it fits")));
    host.send(HostFrame::Input(Data::new("two\n").expect("it fits")));
    host.send(HostFrame::InputEnd(()));
    expect![[r#"
        Status(0)
        out: one
        two
        done
    "#]]
    .assert_eq(&host.told());
    // Without input a command reads an end at once.
    expect!["Status(0)"].assert_eq(&host.run(2, "cat"));
}

#[test]
fn a_command_can_have_a_terminal() {
    let story = story();
    let mut host = story.open();
    let size = Size { rows: 30, columns: 100 };
    host.start(1, script("test -t 0 && stty size; read line; echo got $line"), |wanted| {
        wanted.terminal = Some(size);
        wanted.has_input = true;
    });
    host.send(HostFrame::Input(Data::new("word\n").expect("it fits")));
    let told = host.told();
    assert!(told.starts_with("Status(0)") && told.contains("30 100") && told.contains("got word"), "{told}");
}

#[test]
fn ten_mebibytes_arrive_whole_and_a_reader_that_is_slow_holds_up_its_own_command_only() {
    let story = story();
    let (mut slow, mut quick) = (story.open(), story.open());
    slow.start(1, script("head -c 10485760 /dev/zero | tr '\\0' x; echo end >&2"), |_| ());
    assert!(matches!(slow.receive(), GuestFrame::Started(_)));
    // Nothing is read from the slow one, and the quick one is answered.
    expect!["Status(0)\nout: quick\n"].assert_eq(&quick.run(2, "echo quick"));
    let told = slow.told();
    assert_eq!(told.matches('x').count(), 10 << 20);
    assert!(told.starts_with("Status(0)") && told.ends_with("\nerr: end\n"));
}

#[test]
fn a_process_group_is_killed_with_what_it_started() {
    let story = story();
    let (mut host, mut other) = (story.open(), story.open());
    host.start(1, script("sleep 1000 & echo $!; wait"), |_| ());
    assert!(matches!(host.receive(), GuestFrame::Started(_)));
    let GuestFrame::Output(output) = host.receive() else {
        panic!("the command prints the process it started")
    };
    let process = String::from_utf8_lossy(output.data.as_bytes()).trim().to_owned();
    let done = other.ask(HostFrame::KillSession(KillSession { session: SESSION, signal: 9 }));
    assert_eq!(done, GuestFrame::Done(()));
    assert!(matches!(host.receive(), GuestFrame::Exited(exit) if exit.how == wire::Ending::Signal(9)));
    // The one in the background dies as well; who finds nobody there any more need not wait for it.
    let process = Pid::from_raw(process.parse().expect("a number")).expect("not zero");
    if let Ok(process) = pidfd_open(process, PidfdFlags::empty()) {
        poll(&mut [PollFd::new(&process, PollFlags::IN)], None).expect("it ends");
    }
    expect!["Refused(Refused { kind: Unknown, why: Text(\"there is no session 00000000000000000000000000000001\") })"]
        .assert_eq(&host.run(2, "true"));
}

#[test]
fn a_command_whose_time_is_up_is_killed_and_what_it_left_in_the_background_is_not_awaited() {
    let story = story();
    let mut host = story.open();
    host.start(1, script("echo begun; sleep 1000"), |wanted| wanted.millis_max = Some(50));
    expect!["TimedOut(())\nout: begun\n"].assert_eq(&host.told());
    expect!["Status(0)\nout: left\n"].assert_eq(&host.run(2, "sleep 20 & echo left"));
    host.ask(HostFrame::KillSession(KillSession { session: SESSION, signal: 9 }));
}

#[test]
fn who_lost_its_conversation_takes_the_call_up_where_it_was() {
    let story = story();
    let mut first = story.open();
    first.start(7, script("printf 0123456789; cat; printf abc"), |wanted| wanted.has_input = true);
    assert!(matches!(first.receive(), GuestFrame::Started(_)));
    assert!(matches!(first.receive(), GuestFrame::Output(_)));
    let mut second = story.dial();
    second.send(HostFrame::Attach(Attach { call: CallId(7), out_seen: 4, err_seen: 0 }));
    assert!(matches!(second.receive(), GuestFrame::Started(_)));
    let GuestFrame::Output(output) = second.receive() else { panic!("what was not seen is repeated") };
    assert_eq!((output.offset, output.data.as_bytes()), (4, &b"456789"[..]));
    assert!(matches!(first.receive(), GuestFrame::Refused(_)), "there is one reader");
    drop(first);
    second.send(HostFrame::InputEnd(()));
    let GuestFrame::Output(output) = second.receive() else { panic!("the rest comes") };
    assert_eq!((output.offset, output.data.as_bytes()), (10, &b"abc"[..]));
    assert!(matches!(second.receive(), GuestFrame::Exited(exit) if exit.out_bytes == 13));
    // It can be asked for again until it is forgotten.
    drop(second);
    let mut third = story.dial();
    third.send(HostFrame::Attach(Attach { call: CallId(7), out_seen: 13, err_seen: 0 }));
    expect!["Status(0)"].assert_eq(&{
        assert!(matches!(third.receive(), GuestFrame::Started(_)));
        let GuestFrame::Exited(exit) = third.receive() else { panic!("only its end is left") };
        format!("{:?}", exit.how)
    });
    assert_eq!(third.ask(HostFrame::Forget(Forget { call: CallId(7) })), GuestFrame::Done(()));
    assert!(matches!(third.ask(HostFrame::Forget(Forget { call: CallId(7) })), GuestFrame::Refused(_)));
}

#[test]
fn what_makes_no_sense_is_refused_and_the_conversation_goes_on() {
    let story = story();
    let mut host = story.open();
    for frame in [
        HostFrame::Hello(Hello { host: Text::cut("again") }),
        HostFrame::PushEnd(()),
        HostFrame::KillSession(KillSession { session: SESSION, signal: 200 }),
        HostFrame::KillCall(KillCall { call: CallId(9), signal: 9 }),
        HostFrame::AddEntropy(wire::AddEntropy { bytes: Chunk::new([1, 2, 3]).expect("it fits") }),
    ] {
        let answer = host.ask(frame.clone());
        assert!(matches!(answer, GuestFrame::Refused(_)), "{frame:?}: {answer:?}");
    }
    expect!["Status(0)\nout: fine\n"].assert_eq(&host.run(1, "echo fine"));
    expect![[
        r#"Refused(Refused { kind: Misplaced, why: Text("this call was started before: attach to it") })"#
    ]]
    .assert_eq(&host.run(1, "echo twice"));
    // Who does not say hello first is refused, and that is the end.
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let guest = Arc::clone(&story.guest);
    thread::spawn(move || serve(&guest, File::from(OwnedFd::from(theirs))));
    let mut rude = Host { link: Link::new(File::from(OwnedFd::from(ours))) };
    assert!(matches!(rude.ask(HostFrame::Status(())), GuestFrame::Refused(_)));
}

#[test]
fn a_tree_is_pushed_changed_listed_pulled_and_settled() {
    let story = story();
    let mut host = story.open();
    let path = |name: &str| TreePath::new(name).expect("a plain path");
    host.send(HostFrame::PushBegin(PushBegin { is_fresh: true }));
    host.send(HostFrame::PushEntry(Entry::File(wire::File {
        path: path("f"),
        mode: 0o644,
        bytes: 3,
        modified: 0,
    })));
    host.send(HostFrame::PushData(Data::new("old").expect("it fits")));
    expect!["Pushed(Tally { entries: 1, bytes: 3 })"]
        .assert_eq(&format!("{:?}", host.ask(HostFrame::PushEnd(()))));
    assert_eq!(std::fs::read(story.home.path().join("layers/lower/f")).unwrap_or_default(), b"old");

    host.run(1, "printf new > f; mkdir d");
    host.send(HostFrame::PullChanges(()));
    let mut told = String::new();
    loop {
        match host.receive() {
            GuestFrame::Change(Entry::File(file)) => writeln!(told, "file {} {}", file.path, file.bytes),
            GuestFrame::Change(Entry::Directory(directory)) => writeln!(told, "directory {}", directory.path),
            GuestFrame::ChangeData(data) => writeln!(told, "  {}", data.as_bytes().escape_ascii()),
            last => break write!(told, "{last:?}"),
        }
        .expect("a string takes everything");
    }
    .expect("a string takes everything");
    expect![[r#"
        directory d
        file f 3
          new
        ChangesEnd(Tally { entries: 2, bytes: 3 })"#]]
    .assert_eq(&told);
    assert_eq!(host.ask(HostFrame::Settle(Settle { keep: false })), GuestFrame::Done(()));
    expect!["ChangesEnd(Tally { entries: 0, bytes: 0 })"]
        .assert_eq(&format!("{:?}", host.ask(HostFrame::ListChanges(()))));
    // A push that breaks its word is refused whole, and the conversation goes on.
    host.send(HostFrame::PushBegin(PushBegin { is_fresh: false }));
    host.send(HostFrame::PushData(Data::new("stray").expect("it fits")));
    assert!(matches!(host.ask(HostFrame::PushEnd(())), GuestFrame::Refused(_)));
    assert!(matches!(host.ask(HostFrame::Status(())), GuestFrame::Status(_)));
}

#[test]
fn a_helper_stands_ready_after_each_command_and_one_that_was_killed_is_replaced() {
    let story = story();
    let mut host = story.open();
    let standing = || story.guest.sessions.launcher().standing().processes();
    assert!(standing().is_empty(), "nobody asked for one");
    let ready = || {
        let since = Instant::now();
        loop {
            match standing()[..] {
                [one] => break one,
                _ => assert!(since.elapsed() < PATIENCE, "no helper came"),
            }
            thread::yield_now();
        }
    };
    expect!["Status(0)\nout: one\n"].assert_eq(&host.run(1, "echo one"));
    let first = ready();
    // The command is the process that stood, and its own session from the beginning.
    let GuestFrame::Started(started) = ({
        host.start(2, script("echo $$"), |_| ());
        host.receive()
    }) else {
        panic!("it starts")
    };
    assert_eq!(started.process, first.as_raw_nonzero().get().unsigned_abs());
    assert_eq!(host.told(), format!("Status(0)\nout: {}\n", started.process));
    let second = ready();
    rustix::process::kill_process(second, rustix::process::Signal::KILL).expect("it is there");
    let gone = pidfd_open(second, PidfdFlags::empty());
    if let Ok(gone) = gone {
        poll(&mut [PollFd::new(&gone, PollFlags::IN)], None).expect("it ends");
    }
    expect!["Status(0)\nout: three\n"].assert_eq(&host.run(3, "echo three"));
}

#[test]
fn a_helper_that_somebody_stopped_takes_the_next_command_however_long_its_order_is() {
    let standing = Standing::new(Arc::clone(&REAPER), env!("CARGO_BIN_EXE_oxydra-agent").into());
    // Together the long ones are more than a socket holds.
    for variables in [0, 10] {
        let null = || File::open("/dev/null").expect("it is there").into();
        let order = Order {
            streams: [null(), null(), null()],
            group: None,
            terminal: false,
            directory: "/".into(),
            program: "/bin/true".into(),
            arguments: Vec::new(),
            variables: (0..variables).map(|n| (format!("V{n}").into(), "x".repeat(100_000).into())).collect(),
        };
        standing.stand().expect("one starts");
        let stopped = standing.processes()[0];
        rustix::process::kill_process(stopped, rustix::process::Signal::STOP).expect("it is there");
        let (child, stood) = standing.given(&order).expect("it is told");
        assert_eq!((child.pid, stood), (stopped, Stood::Yes));
        let (sender, ended) = std::sync::mpsc::channel();
        child.end.then(move |status| sender.send(status.exit_status()).expect("somebody waits"));
        assert_eq!(ended.recv_timeout(PATIENCE), Ok(Some(0)), "{variables} long variables");
    }
}
