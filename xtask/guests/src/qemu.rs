//! QEMU without hardware: emulates a machine on which KVM works, or a plain one. Watches what it says and ends it when its
//! time is up; it trusts no clock of the machine inside.
use crate::{Fallible, failed};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

const QEMU: &str = "qemu-system-x86_64";
/// How a machine gets it.
pub(crate) const WAY_OUT: &str =
    "install it (Debian, Ubuntu: `apt-get install --no-install-recommends qemu-system-x86`)";

/// A machine that runs.
#[derive(Debug)]
pub(crate) struct Qemu {
    child: Child,
    /// Its serial port, as whoever types there.
    keyboard: ChildStdin,
    lines: Receiver<String>,
    since: Instant,
    patience: Duration,
    /// Everything it said, for an error.
    said: Vec<String>,
}

/// What came of waiting for a line.
#[derive(Debug)]
pub(crate) enum Heard {
    Line(String),
    /// The machine is gone.
    Ended,
    /// It says nothing.
    Silence,
}

impl Qemu {
    /// Starts a machine with this kernel and first file system.
    pub(crate) fn start(
        kernel: &Path,
        initrd: &Path,
        append: &str,
        memory_mib: u64,
        more: &[String],
        patience: Duration,
    ) -> Fallible<Qemu> {
        let mut command = Command::new(QEMU);
        command.args([
            "-accel",
            "tcg,thread=multi,tb-size=512",
            "-machine",
            "q35",
            "-cpu",
            "max",
            "-smp",
            "1",
        ]);
        command.args(["-nodefaults", "-no-reboot", "-nographic", "-display", "none", "-serial", "stdio"]);
        if !more.iter().any(|flag| flag == "-monitor") {
            command.args(["-monitor", "none"]);
        }
        command.arg("-m").arg(memory_mib.to_string());
        command.arg("-kernel").arg(kernel).arg("-initrd").arg(initrd).arg("-append").arg(append).args(more);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child =
            command.spawn().map_err(|error| format!("cannot start {QEMU}: {error}; {WAY_OUT}"))?;
        let output = child.stdout.take().expect("its output is piped");
        let keyboard = child.stdin.take().expect("its input is piped");
        let (tell, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                if tell.send(text).is_err() {
                    return;
                }
            }
        });
        Ok(Qemu { child, keyboard, lines, since: Instant::now(), patience, said: Vec::new() })
    }

    /// Waits for the next line; `None` when the machine ended.
    pub(crate) fn line(&mut self) -> Fallible<Option<String>> {
        match self.hear(self.left()) {
            Heard::Line(line) => Ok(Some(line)),
            Heard::Ended => Ok(None),
            Heard::Silence => {
                Err(format!("the machine did not end within {} seconds", self.patience.as_secs()))
            }
        }
    }

    /// How much of its time is left.
    pub(crate) fn left(&self) -> Duration {
        self.patience.saturating_sub(self.since.elapsed())
    }

    /// Waits so long for the next line.
    pub(crate) fn hear(&mut self, patience: Duration) -> Heard {
        match self.lines.recv_timeout(patience) {
            Ok(line) => {
                self.said.push(line.clone());
                Heard::Line(line)
            }
            Err(RecvTimeoutError::Disconnected) => Heard::Ended,
            Err(RecvTimeoutError::Timeout) => Heard::Silence,
        }
    }

    /// How long its threads had a processor of this machine: the same on a busy machine as on an idle one, more or less. Zero
    /// where the kernel does not say.
    pub(crate) fn worked(&self) -> Duration {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).into_iter().flatten().flatten();
        let nanos = threads.filter_map(|thread| {
            let line = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }

    /// Types a line at its serial port.
    pub(crate) fn tell(&mut self, line: &str) {
        // One that is gone hears nothing, which its silence says.
        let _gone = writeln!(self.keyboard, "{line}").and_then(|()| self.keyboard.flush());
    }

    /// Waits for the machine to end by itself.
    pub(crate) fn end(&mut self) -> Fallible<()> {
        while self.line()?.is_some() {}
        let status = self.child.wait().map_err(failed("wait for QEMU"))?;
        if status.success() { Ok(()) } else { Err(format!("QEMU ended with {status}")) }
    }

    /// Adds what the machine said to an error.
    pub(crate) fn explained(&mut self, why: String) -> String {
        while let Ok(line) = self.lines.try_recv() {
            self.said.push(line);
        }
        const LINES_SHOWN: usize = 80;
        let from = self.said.len().saturating_sub(LINES_SHOWN);
        format!("{why}\n--- the machine said last:\n{}\n---", self.said[from..].join("\n"))
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // One that ended cannot be killed, and that is fine.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}
