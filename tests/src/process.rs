//! The binary as a process: run to its end, or held while it runs. Nothing here sleeps: it waits for lines, and gives up
//! loudly when none comes.
use crate::{Seen, binary::binary};
use frames::Frame;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// So long a process may say nothing before it counts as hung; the slowest thing it does takes some seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary, about to be run.
pub struct Oxydra {
    command: Command,
    input: Vec<u8>,
}

pub(crate) fn oxydra(directory: &Path, args: &[&str]) -> Oxydra {
    let mut command = Command::new(binary());
    command.args(args).current_dir(directory).env_clear().env("HOME", directory);
    // No test looks for models at ports that are not its own.
    command.env("OXYDRA__LOCAL__SERVERS", "");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Oxydra { command, input: Vec::new() }
}

impl Oxydra {
    /// Sets a variable of its environment, which is empty but for `HOME`.
    pub fn env(mut self, name: &str, value: &str) -> Oxydra {
        self.command.env(name, value);
        self
    }

    /// Adds an argument that need not be text.
    pub fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Oxydra {
        self.command.arg(arg);
        self
    }

    /// What it reads from standard input, before the end of it.
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Oxydra {
        self.input = input.into();
        self
    }

    /// Runs it to its end.
    pub fn done(self) -> Done {
        let input = self.input.clone();
        let mut running = self.start();
        let mut stdin = running.stdin.take().expect("it was piped");
        // On a thread: it may say much before it reads all.
        let writing = thread::spawn(move || drop(stdin.write_all(&input)));
        let done = running.done();
        writing.join().expect("writing does not panic");
        done
    }

    /// Starts it and holds it. Its standard input stays open.
    pub fn start(mut self) -> Running {
        let mut child = self.command.spawn().expect("the binary starts");
        let (say, lines) = channel();
        let mut out = BufReader::new(child.stdout.take().expect("it was piped"));
        thread::spawn(move || {
            let mut line = Vec::new();
            while out.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
                let text = String::from_utf8_lossy(&line).into_owned();
                line.clear();
                if say.send(text).is_err() {
                    return;
                }
            }
        });
        let mut err = child.stderr.take().expect("it was piped");
        let (say, errors) = channel();
        thread::spawn(move || {
            let mut text = Vec::new();
            let _ = err.read_to_end(&mut text);
            say.send(String::from_utf8_lossy(&text).into_owned())
        });
        let stdin = child.stdin.take();
        Running { child, stdin, lines, errors, heard: Vec::new(), rest: String::new() }
    }

    /// The command itself, for who wants to hold the ends of its pipes.
    pub fn into_command(self) -> Command {
        self.command
    }
}

/// A running process; killed when it is dropped.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Receiver<String>,
    heard: Vec<String>,
    rest: String,
}

impl Running {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Types a line.
    pub fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("its input is open");
        // A process that has ended reads no more; what it said until then tells why.
        let _ = writeln!(stdin, "{line}").and_then(|()| stdin.flush());
    }

    /// Ends its input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Waits for its next line; `None` when there is none any more. What has no end is no line: who is killed while
    /// it writes to a pipe leaves as much of a line as the pipe took.
    pub fn line(&mut self) -> Option<String> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => match line.strip_suffix('\n') {
                Some(line) => {
                    self.heard.push(line.to_owned());
                    Some(line.to_owned())
                }
                None => {
                    self.rest = line;
                    None
                }
            },
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                let _ = self.child.kill();
                panic!("it says nothing any more; so far: {:#?}", self.heard)
            }
        }
    }

    /// Waits for its next frame; `None` when there is none any more.
    pub fn frame(&mut self) -> Option<Frame> {
        self.line().map(|line| Frame::parse(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// Waits for a frame, and returns all up to it.
    pub fn until(&mut self, mut wanted: impl FnMut(&Frame) -> bool) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            let frame = self.frame().unwrap_or_else(|| panic!("it ended before: {:#?}", self.heard));
            frames.push(frame);
            if frames.last().is_some_and(&mut wanted) {
                return frames;
            }
        }
    }

    /// Types a prompt and waits for the end of its turn.
    pub fn ask(&mut self, prompt: &str) -> Seen {
        self.say(prompt);
        let frames = self.until(Seen::is_last);
        Seen::of(&frames)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process has an id");
        kill_process(pid, signal).expect("it is ours to signal");
    }

    /// Presses Ctrl-C.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Kills it where it stands and waits until it is gone. Returns what it had said.
    pub fn kill(mut self) -> Done {
        let _ = self.child.kill();
        self.done()
    }

    /// Waits for its end. Its input is left as it is.
    pub fn done(mut self) -> Done {
        while self.line().is_some() {}
        let status = self.child.wait().expect("it can be waited for");
        let err = self.errors.recv_timeout(PATIENCE).expect("its errors end with it");
        let (out, rest) = (std::mem::take(&mut self.heard), std::mem::take(&mut self.rest));
        Done { status, out, rest, err }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail when it has ended, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process that has ended.
#[derive(Debug)]
pub struct Done {
    status: ExitStatus,
    /// Its lines on standard output.
    pub out: Vec<String>,
    /// What came behind the last of them and is no whole line.
    pub rest: String,
    /// What it said on standard error.
    pub err: String,
}

impl Done {
    /// The exit code; -1 when a signal ended it.
    pub fn code(&self) -> i32 {
        match self.status.signal() {
            Some(_) => -1,
            None => self.status.code().unwrap_or(-1),
        }
    }

    /// Standard output as one text.
    pub fn text(&self) -> String {
        let lines = self.out.iter().map(|line| format!("{line}\n"));
        lines.chain([self.rest.clone()]).collect()
    }

    /// Standard output as frames.
    pub fn frames(&self) -> Vec<Frame> {
        let frame = |line: &String| Frame::parse(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.iter().map(frame).collect()
    }

    /// Asserts how it ended.
    #[track_caller]
    pub fn ended(self, code: i32) -> Done {
        assert_eq!(self.code(), code, "{self:#?}");
        self
    }

    /// Asserts that it failed with `code`, said each of `words` on standard error and nothing on standard output.
    #[track_caller]
    pub fn refused(self, code: i32, words: &[&str]) -> Done {
        let done = self.ended(code);
        for word in words {
            assert!(done.err.contains(word), "no `{word}` in: {}", done.err);
        }
        assert!(done.text().is_empty(), "{done:#?}");
        assert!(!done.err.contains("panicked"), "{}", done.err);
        done
    }
}
