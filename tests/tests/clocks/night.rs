//! The process, the file that says what its wall clock shows, and the lines that it says.
use rustix::process::{Pid, Signal, kill_process};
use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

/// So long it may say nothing before it counts as hung: the longest kettle, a clock that is noticed, a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where Debian puts the library.
const LIBRARIES: [&str; 2] = ["x86_64-linux-gnu", "aarch64-linux-gnu"];

/// One night of one process and its later lives.
pub(crate) struct Night {
    place: TempDir,
    /// The hour at which it rings first, counted from 1970.
    hour: i64,
    life: Option<(Child, Receiver<String>)>,
}

impl Night {
    /// Begins with a clock that shows so many seconds from a full hour.
    pub(crate) fn falls(seconds: i64) -> Night {
        let place = tempfile::tempdir().expect("a place for files");
        let mut night = Night { place, hour: now() / 3600 + 1, life: None };
        night.clock_is_set(seconds);
        night.begins_again();
        night
    }

    /// Sets the wall clock to so many seconds from that hour. It goes on from there.
    pub(crate) fn clock_is_set(&self, seconds: i64) {
        let offset = self.hour * 3600 + seconds - now();
        // At once: a process that reads half of it would be somewhere else.
        let new = self.place.path().join("clock.new");
        fs::write(&new, format!("{offset:+}\n")).expect("the clock is a file");
        fs::rename(new, self.clock()).expect("the clock is a file");
    }

    fn clock(&self) -> PathBuf {
        self.place.path().join("clock")
    }

    /// Starts the process, on the journal that is there.
    pub(crate) fn begins_again(&mut self) {
        let mut command = Command::new(program());
        command.arg(self.place.path().join("journal")).env("LD_PRELOAD", library());
        command.env("FAKETIME_TIMESTAMP_FILE", self.clock()).env("FAKETIME_NO_CACHE", "1");
        // What passes is not faked: that is what the engine tells from the wall clock.
        command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("it was piped"));
        let (say, lines) = channel();
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| say.send(line)));
        self.life = Some((child, lines));
    }

    /// The next line that it says; hours are counted from the first.
    pub(crate) fn hears(&self) -> String {
        let (_, lines) = self.life.as_ref().expect("it lives");
        let line = lines.recv_timeout(PATIENCE).expect("it says something in time");
        let hour = line.strip_prefix("rang ").and_then(|hour| hour.parse::<i64>().ok());
        hour.map_or(line, |hour| format!("rang {}", hour - self.hour))
    }

    /// Puts a kettle on.
    pub(crate) fn boils(&mut self, seconds: u32) {
        let (child, _) = self.life.as_mut().expect("it lives");
        let stdin = child.stdin.as_mut().expect("it was piped");
        writeln!(stdin, "boil {seconds}").expect("it listens");
        assert_eq!(self.hears(), format!("boiling {seconds}"));
    }

    pub(crate) fn stands_still(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn goes_on(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let (child, _) = self.life.as_ref().expect("it lives");
        kill_process(Pid::from_child(child), signal).expect("it is ours");
    }

    pub(crate) fn is_killed(&mut self) {
        if let Some((mut child, _)) = self.life.take() {
            child.kill().expect("it is ours");
            child.wait().expect("it can be waited for");
        }
    }
}

impl Drop for Night {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.life {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_secs()).expect("it is before the end of time")
}

/// The example that the lane has built, beside this test.
fn program() -> PathBuf {
    let test = env::current_exe().expect("a test knows its own file");
    let profile = test.parent().and_then(Path::parent).expect("tests lie in the target directory");
    let program = profile.join("examples/clocks");
    assert!(program.is_file(), "build it first: `cargo build --package engine --example clocks`");
    program
}

fn library() -> PathBuf {
    let path = |triple: &&str| Path::new("/usr/lib").join(triple).join("faketime/libfaketimeMT.so.1");
    let found = LIBRARIES.iter().map(path).find(|path| path.is_file());
    found.expect("libfaketime is there: `cargo xtask test clocks` installs it")
}
