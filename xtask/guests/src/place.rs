//! A monitor as it is shipped, jailed and filtered, started by its flags in a directory of its own: for steps that need what
//! no command of `guest` offers. It waits as long as whoever started the emulator does.
use crate::{Fallible, failed, work::require};
use guest::{Conversation, dial};
use machines::Part;
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};
use wire::{HostFrame, place};

/// What its guest has.
pub(crate) const MEMORY_MIB: u64 = 128;
/// How often a socket is looked for, and an agent that refuses is called again.
const LOOK: Duration = Duration::from_millis(1);

/// A directory with the sockets and snapshots of a guest.
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
}

impl Place {
    /// Makes it.
    pub(crate) fn new(dir: &str) -> Fallible<Place> {
        fs::create_dir_all(dir).map_err(failed("make a directory"))?;
        Ok(Place { dir: dir.into() })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Starts a monitor, with more flags, and begins a conversation with the agent of its guest.
    pub(crate) fn begun(&self, start: &str, more: &[&str]) -> Fallible<(Child, Conversation)> {
        let mut command = Command::new(Part::Monitor.find()?);
        command.args(["run", "--kernel", "/second/vmlinux", "--initrd", "/second/initrd", "--start", start]);
        command.args(["--cmdline", place::KERNEL_ARGUMENTS, "--memory", &MEMORY_MIB.to_string()]).args(more);
        for (flag, name) in [("--socket", "control"), ("--vsock", "vsock"), ("--snapshots", "snapshots")] {
            command.arg(flag).arg(self.path(name));
        }
        for port in place::HOST_PORTS {
            command.arg("--guest-port").arg(port.to_string());
        }
        let mut child = command.stdin(Stdio::null()).spawn().map_err(failed("start the monitor"))?;
        // It listens before it does anything else, and holds its callers until the agent is there.
        while !self.path("vsock").exists() {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(format!("the monitor ended: {status}"));
            }
            thread::sleep(LOOK);
        }
        // A caller gives up before a slow machine has booted, and calls again; whoever started the emulator bounds it.
        let stream = loop {
            match dial(&self.path("vsock"), place::AGENT_PORT) {
                Ok(stream) => break stream,
                Err(_) if matches!(child.try_wait(), Ok(None)) => thread::sleep(LOOK),
                Err(error) => return Err(format!("cannot reach the guest: {error}")),
            }
        };
        let guest = Conversation::begin(stream, "a lane").map_err(failed("speak with the agent"))?;
        Ok((child, guest))
    }

    pub(crate) fn ask(&self, request: &str) -> Fallible<String> {
        asked(&self.path("control"), request)
    }

    pub(crate) fn count(&self, name: &str) -> Fallible<u64> {
        counted(&self.path("control"), name)
    }

    /// Powers the guest off, as its agent does.
    pub(crate) fn power_off(&self, child: Child) -> Fallible<()> {
        dial(&self.path("vsock"), place::AGENT_PORT)
            .map_err(|error| error.to_string())
            .and_then(|stream| Conversation::begin(stream, "a lane").map_err(|error| error.to_string()))?
            .ask(&HostFrame::PowerOff(()))
            .map_err(failed("power off"))?;
        ended(child)
    }

    /// Ends the monitor, and the guest with it wherever that is.
    pub(crate) fn stop(&self, child: Child) -> Fallible<()> {
        self.ask("\"do\":\"stop\"")?;
        ended(child)
    }
}

fn ended(mut child: Child) -> Fallible<()> {
    let status = child.wait().map_err(failed("wait for the monitor"))?;
    require(status.success(), || format!("the monitor ended with {status}"))
}

/// Asks a monitor at its control socket.
fn asked(control: &Path, request: &str) -> Fallible<String> {
    let mut stream = UnixStream::connect(control).map_err(failed("reach the monitor"))?;
    writeln!(stream, "{{\"v\":1,{request}}}").map_err(failed("ask the monitor"))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).map_err(failed("hear the monitor"))?;
    require(line.contains("\"ok\""), || format!("the monitor refused {request}: {line}"))?;
    Ok(line)
}

/// A number among what a monitor counts.
pub(crate) fn counted(control: &Path, name: &str) -> Fallible<u64> {
    let stats = asked(control, "\"do\":\"stats\"")?;
    let rest = stats.split_once(&format!("\"{name}\":")).map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split([',', '}']).next()?.parse().ok())
        .ok_or_else(|| format!("no `{name}` in {stats}"))
}
