//! One frame of every kind, for golden bytes, for cutting and for fuzzers to begin with. Not for programs.
use crate::{
    Arguments, CallId, Chunk, Directory, Egress, EgressAnswer, Ending, Entry, ExecCommand, Exit, File,
    Forget, GuestFrame, GuestStatus, Hello, HostFrame, KillCall, KillSession, List, Program, PushBegin,
    Refusal, Refused, Removed, SessionId, SetClock, Settle, Size, Skipped, SpawnSession, Started, Stream,
    StreamOutput, Symlink, Tally, Text, TreePath, Variable, Welcome, Words, host,
};

const SESSION: SessionId = SessionId(0x5e55);
const CALL: CallId = CallId(0xca11);

fn path(text: &str) -> TreePath {
    TreePath::new(text).expect("samples are plain paths")
}

fn chunk<const MAX: usize>(bytes: &[u8]) -> Chunk<MAX> {
    Chunk::new(bytes).expect("samples fit")
}

fn words(text: &str) -> Words {
    Words::cut(text)
}

fn variables<const MAX: usize>() -> List<Variable, MAX> {
    List::new([Variable { name: Text::cut("LANG"), value: Text::cut("C.UTF-8") }]).expect("one fits")
}

fn entries() -> [Entry; 5] {
    [
        Entry::Directory(Directory { path: path("src"), mode: 0o755, replaces: true }),
        Entry::File(File {
            path: path("src/main.rs"),
            mode: 0o644,
            bytes: 2,
            modified: 1_700_000_000_000_000_000,
        }),
        Entry::Symlink(Symlink { path: path("link"), target: chunk(b"../anywhere") }),
        Entry::Removed(Removed { path: path("old") }),
        Entry::Skipped(Skipped { place: words("pipe"), what: words("a pipe") }),
    ]
}

fn exec(program: Program) -> HostFrame {
    HostFrame::ExecCommand(ExecCommand {
        session: SESSION,
        call: CALL,
        program,
        variables: variables(),
        terminal: Some(Size { rows: 24, columns: 80 }),
        has_input: true,
        millis_max: Some(60_000),
    })
}

/// Returns frames of the host, every kind at least once.
pub fn host_frames() -> Vec<HostFrame> {
    let arguments = Arguments::new(["uname", "-a"]).expect("samples are commands");
    let mut frames = vec![
        HostFrame::Hello(Hello { host: Text::cut("host") }),
        HostFrame::SpawnSession(SpawnSession {
            session: SESSION,
            directory: Some(path("src")),
            variables: variables(),
            memory_bytes_max: Some(1 << 28),
            processes_max: None,
        }),
        exec(Program::Script(chunk::<{ crate::SCRIPT_BYTES_MAX }>(b"exit 3"))),
        exec(Program::Arguments(arguments)),
        HostFrame::Input(chunk(b"yes\n")),
        HostFrame::InputEnd(()),
        HostFrame::Resize(Size { rows: 50, columns: 132 }),
        HostFrame::KillSession(KillSession { session: SESSION, signal: 9 }),
        HostFrame::KillCall(KillCall { call: CALL, signal: 2 }),
        HostFrame::Attach(host::Attach { call: CALL, out_seen: 10, err_seen: 0 }),
        HostFrame::Forget(Forget { call: CALL }),
        HostFrame::PushBegin(PushBegin { is_fresh: true }),
        HostFrame::PushData(chunk(b"hi")),
        HostFrame::PushEnd(()),
        HostFrame::ListChanges(()),
        HostFrame::PullChanges(()),
        HostFrame::Settle(Settle { keep: false }),
        HostFrame::SetClock(SetClock { unix_nanos: 1_700_000_000_123_456_789 }),
        HostFrame::AddEntropy(host::AddEntropy { bytes: chunk(&[7; 32]) }),
        HostFrame::Status(()),
        HostFrame::PowerOff(()),
        HostFrame::EgressAnswer(EgressAnswer { refusal: Some(words("not on the list")) }),
    ];
    frames.extend(entries().map(HostFrame::PushEntry));
    frames
}

/// Returns frames of a guest, every kind at least once.
pub fn guest_frames() -> Vec<GuestFrame> {
    let endings = [
        Ending::Status(3),
        Ending::Signal(9),
        Ending::NotStarted(words("no such file")),
        Ending::TimedOut(()),
    ];
    let exited =
        |how| GuestFrame::Exited(Exit { call: CALL, how, nanos: 1_500_000, out_bytes: 10, err_bytes: 0 });
    let welcome = || Welcome { agent: Text::cut("0.1.0"), boot: 0xb007 };
    let mut frames = vec![
        GuestFrame::Welcome(welcome()),
        GuestFrame::Done(()),
        GuestFrame::Refused(Refused { kind: Refusal::Busy, why: words("a command runs") }),
        GuestFrame::Started(Started { call: CALL, process: 42 }),
        GuestFrame::Output(StreamOutput { stream: Stream::Err, offset: 5, data: chunk(b"oops\n") }),
        GuestFrame::Pushed(Tally { entries: 1000, bytes: 1 << 20 }),
        GuestFrame::ChangeData(chunk(b"hi")),
        GuestFrame::ChangesEnd(Tally { entries: 3, bytes: 2 }),
        GuestFrame::Status(GuestStatus {
            up_millis: 1234,
            memory_kib: 1 << 17,
            memory_free_kib: 1 << 16,
            processes: 2,
            zombies: 0,
            sessions: List::new([SESSION]).expect("one fits"),
            calls: List::new([CALL]).expect("one fits"),
        }),
        GuestFrame::Ready(welcome()),
        GuestFrame::Egress(Egress { host: Text::cut("example.org"), port: 443 }),
    ];
    frames.extend(endings.map(exited));
    frames.extend(entries().map(GuestFrame::Change));
    frames
}
