//! What a guest must be able to do, whoever runs it: a list of steps, each of which says its name when it is done and what
//! went wrong when it is not. The lanes run it; nothing in it measures time.
use crate::{
    Fallible, failed,
    spans::count,
    step::{Step, next},
};
use guest::Conversation;
use machines::{plain, session};
use std::{
    fs,
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use wire::{
    Arguments, Chunk, Data, Ending, HostFrame, KillCall, KillSession, Program, SessionId, Size, Stream,
};

/// The session in which steps run.
pub(crate) const SESSION: SessionId = SessionId(0x776f_726b);
/// How much is streamed.
const STREAM_BYTES: usize = 10 << 20;
/// `SIGKILL`.
const KILL: u8 = 9;
/// How often a guest is asked whether its dead are buried: each question takes a while, and one or two are enough.
const QUESTIONS_MAX: usize = 1000;

/// What a script did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) how: Ending,
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
}

/// How many steps are done.
static DONE: AtomicUsize = AtomicUsize::new(0);

/// Says that a step is done.
pub(crate) fn done(step: &str) {
    DONE.fetch_add(1, Ordering::Relaxed);
    println!("LANE ok {step}");
}

/// Returns how many steps this process did.
pub(crate) fn steps_done() -> usize {
    DONE.load(Ordering::Relaxed)
}

/// Closes a lane with the line that test runners close with.
pub(crate) fn close(steps: usize, outcome: Fallible<()>, took: Duration) -> Fallible<ExitCode> {
    let (word, failed) = if outcome.is_ok() { ("ok", 0) } else { ("FAILED", 1) };
    let took = took.as_secs_f64();
    println!(
        "test result: {word}. {steps} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out; finished in {took:.1}s"
    );
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Says no unless the condition holds.
pub(crate) fn require(holds: bool, what: impl FnOnce() -> String) -> Fallible<()> {
    if holds { Ok(()) } else { Err(what()) }
}

/// Runs a script in the session of the steps.
pub(crate) fn run(guest: &mut Conversation, script: &str) -> Fallible<Ran> {
    let program = Program::Script(Chunk::new(script).map_err(failed("send a script"))?);
    run_program(guest, program)
}

fn run_program(guest: &mut Conversation, program: Program) -> Fallible<Ran> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = guest.exec(plain(SESSION, program)?, |stream, bytes| match stream {
        Stream::Out => out.extend_from_slice(bytes),
        Stream::Err => err.extend_from_slice(bytes),
    });
    let how = exit.map_err(failed("run a command"))?.how;
    Ok(Ran { how, out, err })
}

/// Runs a script that must succeed, and returns what it printed.
pub(crate) fn text(guest: &mut Conversation, script: &str) -> Fallible<String> {
    let ran = run(guest, script)?;
    let words = String::from_utf8_lossy(&ran.out).trim().to_owned();
    require(ran.how == Ending::Status(0), || {
        format!("`{script}` ended with {:?}: {words} {}", ran.how, String::from_utf8_lossy(&ran.err))
    })?;
    Ok(words)
}

/// Commands, streams, and what becomes of processes.
pub(crate) fn commands(guest: &mut Conversation, busybox: &Path) -> Fallible<()> {
    next(Step::Command);
    let words = uname(guest)?;
    done(&format!("uname -a: {words}"));

    let three = run(guest, "exit 3")?;
    require(three.how == Ending::Status(3), || format!("exit 3: {three:?}"))?;
    done("exit status 3 comes back as 3");

    text(guest, "mkdir -p /tmp/kept; cd /tmp/kept; export KEPT=yes")?;
    let kept = text(guest, "echo $PWD $KEPT; test -d /proc/self && test -c /dev/ptmx && tty || true")?;
    require(kept.starts_with("/tmp/kept yes"), || format!("the session forgot: {kept}"))?;
    done("a session keeps its directory and variables");

    terminal(guest)?;
    next(Step::Stream);
    stream(guest, busybox)?;
    next(Step::Command);
    killed(guest)?;
    limits(guest)
}

/// A program, run from its file, in the session of the steps.
pub(crate) fn uname(guest: &mut Conversation) -> Fallible<String> {
    guest.ask(&session(SESSION)).map_err(failed("open a session"))?;
    let ran = run_program(
        guest,
        Program::Arguments(Arguments::new(["uname", "-a"]).map_err(failed("say uname"))?),
    )?;
    let words = String::from_utf8_lossy(&ran.out).trim().to_owned();
    require(ran.how == Ending::Status(0) && words.starts_with("Linux oxydra "), || {
        format!("uname: {ran:?}")
    })?;
    Ok(words)
}

fn terminal(guest: &mut Conversation) -> Fallible<()> {
    const SIZE: &[u8] = b"30 100\r\n";
    let script = Chunk::new("tty; stty size; read line; echo got $line").map_err(failed("send a script"))?;
    let mut command = plain(SESSION, Program::Script(script))?;
    command.terminal = Some(Size { rows: 30, columns: 100 });
    command.has_input = true;
    let (input, mut out) = (guest.input(), Vec::new());
    let mut sent = None;
    let exit = guest.exec(command, |_, bytes| {
        out.extend_from_slice(bytes);
        // Once it printed its size, to the end of the line, it reads: what is typed before is echoed in the middle of it.
        if out.windows(SIZE.len()).any(|words| words == SIZE) {
            sent.get_or_insert_with(|| {
                input.send(&HostFrame::Input(Data::new("word\n").expect("it is short")))
            });
        }
    });
    let how = exit.map_err(failed("run a command"))?.how;
    let said = String::from_utf8_lossy(&out).replace('\r', "");
    let holds = how == Ending::Status(0)
        && said.starts_with("/dev/pts/")
        && said.contains("30 100\n")
        && said.ends_with("got word\n");
    require(holds, || format!("a terminal: {how:?} {said}"))?;
    done("a terminal, with a size and what is typed");
    Ok(())
}

/// Streams the one program that both sides have: its bytes are like no others, so that a chunk which is lost, repeated or
/// moved is seen, and making them costs an emulated machine nothing.
pub(crate) fn stream(guest: &mut Conversation, busybox: &Path) -> Fallible<()> {
    let program = fs::read(busybox).map_err(failed("read busybox"))?;
    let times = STREAM_BYTES.div_ceil(program.len());
    let ran = run(guest, &format!("cat{}", " /bin/busybox".repeat(times)))?;
    let expected = program.iter().cycle().take(times * program.len());
    let first_wrong = ran.out.iter().zip(expected).position(|(a, b)| a != b);
    let is_whole = ran.out.len() == times * program.len() && first_wrong.is_none();
    require(ran.how == Ending::Status(0) && is_whole, || {
        format!("10 MiB: {:?}, {} bytes, first wrong one at {first_wrong:?}", ran.how, ran.out.len())
    })?;
    count("bytes streamed", ran.out.len() as u64);
    done("10 MiB streamed out intact");
    Ok(())
}

fn killed(guest: &mut Conversation) -> Fallible<()> {
    let before = guest.status().map_err(failed("ask for the status"))?.processes;
    let script =
        Chunk::new("sleep 100000 & sleep 100000 & echo up; wait").map_err(failed("send a script"))?;
    let command = plain(SESSION, Program::Script(script))?;
    let (call, input) = (command.call, guest.input());
    let mut sent = Ok(());
    let exit =
        guest.exec(command, |_, _| sent = input.send(&HostFrame::KillCall(KillCall { call, signal: KILL })));
    sent.map_err(failed("kill a call"))?;
    let how = exit.map_err(failed("run a command"))?.how;
    require(how == Ending::Signal(KILL), || format!("a killed call ended with {how:?}"))?;
    settled(guest, before)?;
    done("a process group is killed, and nobody is left");

    // Processes that left their group are still of the session.
    text(guest, "setsid sleep 100000 >/dev/null 2>&1 </dev/null &")?;
    guest
        .ask(&HostFrame::KillSession(KillSession { session: SESSION, signal: KILL }))
        .map_err(failed("kill the session"))?;
    settled(guest, before)?;
    guest.ask(&session(SESSION)).map_err(failed("open the session again"))?;
    done("a session is killed with who left its group");
    Ok(())
}

/// Waits until there are as many processes as before and no zombie among them.
fn settled(guest: &mut Conversation, before: u32) -> Fallible<()> {
    for _ in 0..QUESTIONS_MAX {
        let now = guest.status().map_err(failed("ask for the status"))?;
        if now.processes <= before && now.zombies == 0 {
            return Ok(());
        }
    }
    let now = guest.status().map_err(failed("ask for the status"))?;
    Err(format!("{} processes instead of {before}, {} of them zombies", now.processes, now.zombies))
}

fn limits(guest: &mut Conversation) -> Fallible<()> {
    let limited = SessionId(0x6c69_6d69_7473);
    let mut frame = session(limited);
    if let HostFrame::SpawnSession(wanted) = &mut frame {
        wanted.processes_max = Some(8);
    }
    guest.ask(&frame).map_err(failed("open a session with limits"))?;
    let script = "i=0; while [ $i -lt 20 ]; do sleep 100000 & i=$((i+1)); done 2>/dev/null";
    let script = Chunk::new(script).map_err(failed("send a script"))?;
    let exit = guest.exec(plain(limited, Program::Script(script))?, |_, _| ());
    let how = exit.map_err(failed("run a command"))?.how;
    require(how != Ending::Status(0), || "a session started more processes than it may".to_owned())?;
    guest
        .ask(&HostFrame::KillSession(KillSession { session: limited, signal: KILL }))
        .map_err(failed("kill the session with limits"))?;
    done("a session cannot start more processes than it may");

    guest.ask(&session(limited)).map_err(failed("open the session again"))?;
    let script = "cat /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup)/pids.max; ls -d /sys/fs/cgroup/sessions/session-* | wc -l";
    let script = Chunk::new(script).map_err(failed("send a script"))?;
    let mut out = Vec::new();
    let exit = guest.exec(plain(limited, Program::Script(script))?, |_, bytes| out.extend_from_slice(bytes));
    exit.map_err(failed("run a command"))?;
    let said = String::from_utf8_lossy(&out);
    require(said == "max\n2\n", || format!("a session that was opened again has limits and groups: {said}"))?;
    end(guest, limited)?;
    done("a session that is opened again has no limits of the one before it");
    Ok(())
}

fn end(guest: &mut Conversation, session: SessionId) -> Fallible<()> {
    guest.ask(&HostFrame::KillSession(KillSession { session, signal: KILL })).map_err(failed("end a session"))
}

/// A session without limits takes every process it can get, and whoever comes then ends it.
pub(crate) fn bomb(guest: &mut Conversation, other: &mut Conversation) -> Fallible<()> {
    const BOMB: SessionId = SessionId(0x626f_6d62);
    next(Step::Bomb);
    let before = guest.status().map_err(failed("ask for the status"))?.processes;
    guest.ask(&session(BOMB)).map_err(failed("open a session"))?;
    let script =
        Chunk::new("while :; do sleep 100000 & done 2>/dev/null").map_err(failed("send a script"))?;
    let exit = guest.exec(plain(BOMB, Program::Script(script))?, |_, _| ());
    let how = exit.map_err(failed("run a command"))?.how;
    let many = other.status().map_err(failed("ask for the status"))?.processes;
    // What is left is the agent's: it can be asked, and starts what it needs to hear commands.
    require(how != Ending::Status(0) && many > before + 100, || format!("{many} processes, and {how:?}"))?;
    end(other, BOMB)?;
    settled(other, before)?;
    let said = text(guest, "echo on")?;
    require(said == "on", || format!("after that the guest says {said}"))?;
    done(&format!("a session that takes all processes, {many}, is ended by another conversation"));
    Ok(())
}

/// A restored guest is its own: its time is the host's, and it draws other numbers than its siblings.
pub(crate) fn refreshed(guest: &mut Conversation, entropy: &[u8]) -> Fallible<String> {
    const THEN: u64 = 2_000_000_000;
    guest.refresh(THEN * 1_000_000_000, entropy).map_err(failed("refresh the guest"))?;
    let now: u64 = text(guest, "date +%s")?.parse().map_err(failed("read the guest's time"))?;
    require((THEN..THEN + 600).contains(&now), || format!("the clock was set to {THEN} and says {now}"))?;
    text(guest, "head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \\n'")
}
