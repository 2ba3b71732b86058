//! One guest: its monitor is started as a process of its own that outlives this one, waited for, asked and ended. Sockets,
//! settings and last words are in the guest's directory.
use crate::{
    Home, Name, Problem, Settings, Standing,
    control::{Asked, NoAnswer, ask},
    folder::{Folder, Lock, Socket},
    groups,
    home::{MACHINES, OUTBOX, SNAPSHOTS},
    patience::within,
    problem::failed,
    remove::note_origin,
    restore::{note_ready, note_unready},
};
use guest::{Conversation, dial};
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    os::unix::{ffi::OsStrExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use wire::{LinkError, place};

/// How long a monitor may take to open its socket; it does little before.
const SOCKET_PATIENCE: Duration = Duration::from_secs(60);
/// How long a kernel may take to its agent: on hardware a second, in an emulated machine that shares its processor a minute.
const BOOT_PATIENCE: Duration = Duration::from_secs(240);
/// How long a monitor whose guest has ended may take to end itself.
const ENDING_PATIENCE: Duration = Duration::from_secs(10);
/// How long the helper of a monitor that is gone may take to clear its sockets away. What is left then nobody clears away.
const CLEARING_PATIENCE: Duration = Duration::from_secs(10);
/// How long an agent may take to say who it is, and to take its time and random numbers: on hardware milliseconds.
pub(crate) const AGENT_PATIENCE: Duration = Duration::from_secs(60);
/// How often a socket is looked for.
const LOOK: Duration = Duration::from_millis(10);
/// A path of a Unix socket has 107 bytes, and behind this one's comes a port: `_1026`.
const SOCKET_PATH_BYTES_MAX: usize = 107 - 5;

/// How much of a guest's memory is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Full,
    /// What was written since it was restored; the snapshot that it came from stays needed.
    Difference,
}

/// How a guest begins.
#[derive(Debug)]
pub(crate) enum Start<'a> {
    /// With its kernel.
    Boot,
    /// Where another one was written down.
    Restore(&'a Name, &'a Folder),
}

/// A guest.
#[derive(Debug, Clone)]
pub struct Machine {
    pub(crate) home: PathBuf,
    pub(crate) name: Name,
}

impl Home {
    /// Boots a guest and waits for its agent.
    ///
    /// # Errors
    /// When it runs already, or does not come up; then it is ended, and what it said last is in the error.
    pub fn boot(&self, name: &Name, settings: &Settings) -> Result<(Machine, Child), Problem> {
        let _in_use = self.in_use()?;
        self.collect()?;
        let (machine, child, _lock) = self.start(name, settings, &Start::Boot)?;
        Ok((machine, child))
    }

    /// Starts a guest, alone with its directory, and returns what keeps others away until it is ready.
    pub(crate) fn start(
        &self,
        name: &Name,
        settings: &Settings,
        start: &Start<'_>,
    ) -> Result<(Machine, Child, Lock), Problem> {
        let machine = self.machine(name);
        machine.fits_in_a_path()?;
        let folder = self.made(MACHINES)?.made(name.as_str())?;
        let Some(lock) = Lock::taken(&folder)? else { return Err(machine.is_starting()) };
        // The monitor is told paths: where a link is in their place, it is refused before.
        for name in [CONTROL, VSOCK] {
            folder.socket(name)?;
        }
        if machine.listens_after(CLEARING_PATIENCE) {
            return Err(Problem::Refused(format!(
                "the guest `{name}` runs already: stop it, or take another name"
            )));
        }
        // First what an earlier one left: it is taken with the settings and the origin that it was written with.
        self.outbox_emptied(&folder)?;
        settings.write(&folder)?;
        // Whatever becomes of us, a restored guest that was not made itself is known by this.
        match start {
            Start::Boot => {
                note_ready(&folder)?;
                note_origin(&folder, None)?;
            }
            Start::Restore(snapshot, from) => {
                note_unready(&folder)?;
                note_origin(&folder, Some((snapshot, from)))?;
            }
        }
        let mut child = self.spawn(&machine, &folder, settings, start)?;
        if let Err(why) = machine.wait(&mut child) {
            machine.abandon(&mut child);
            return Err(why.and(&machine.last_words()));
        }
        Ok((machine, child, lock))
    }

    /// Starts the monitor of a guest. It reads no variable, so it gets none: keys of ours are none of its business.
    fn spawn(
        &self,
        machine: &Machine,
        folder: &Folder,
        settings: &Settings,
        start: &Start<'_>,
    ) -> Result<Child, Problem> {
        let file = folder.created(MONITOR)?;
        drop(folder.created(SERIAL)?);
        let outbox = folder.made(OUTBOX)?;
        let mut command = Command::new(self.monitor()?);
        command.env_clear().args(["run", "--jail", self.jail.word(), "--agent", &settings.image]);
        match start {
            Start::Boot => command.args(["--start", "boot"]),
            // Only one that restores is shown where all snapshots are.
            Start::Restore(snapshot, _) => command
                .args(["--start", &format!("restore={snapshot}"), "--snapshots"])
                .arg(self.made(SNAPSHOTS)?.place()),
        };
        command.args(["--cmdline", place::KERNEL_ARGUMENTS]);
        for (flag, value) in [
            ("--kernel", settings.kernel.clone()),
            ("--initrd", settings.initrd.clone()),
            ("--socket", machine.control()),
            ("--vsock", machine.vsock()),
            ("--log", machine.serial()),
            ("--outbox", outbox.place().to_owned()),
        ] {
            command.arg(flag).arg(value);
        }
        for group in machine.grouped(folder)? {
            command.arg("--cgroup").arg(group);
        }
        command.arg("--memory").arg(settings.memory_mib.to_string());
        command.arg("--vcpus").arg(settings.vcpus.to_string());
        for port in place::HOST_PORTS {
            command.arg("--guest-port").arg(port.to_string());
        }
        let output = file.try_clone().map_err(failed("share a file"))?;
        command.stdin(Stdio::null()).stdout(output).stderr(file).process_group(0);
        command.spawn().map_err(failed("start the monitor"))
    }
}

/// The socket on which a monitor is asked.
const CONTROL: &str = "control";
/// The socket on which an agent is reached.
const VSOCK: &str = "vsock";
/// What a guest's kernel said.
const SERIAL: &str = "serial";
/// What its monitor said.
const MONITOR: &str = "monitor";
/// Its control groups, a line for each.
const GROUPS: &str = "groups";

impl Machine {
    /// Its directory; `None` for a guest that never was.
    pub(crate) fn folder(&self) -> Result<Option<Folder>, Problem> {
        let machines = Folder::home(&self.home)?.map_or(Ok(None), |home| home.folder(MACHINES))?;
        machines.map_or(Ok(None), |machines| machines.folder(self.name.as_str()))
    }

    fn socket(&self, name: &str) -> Result<Option<Socket>, Problem> {
        self.folder()?.map_or(Ok(None), |folder| folder.socket(name))
    }

    /// Makes its control groups, and notes them for whoever clears up. Says so when there are none.
    fn grouped(&self, folder: &Folder) -> Result<Vec<PathBuf>, Problem> {
        let name = &self.name;
        let unlimited = |why: String| {
            // Nobody may be there to read it.
            let _unread = writeln!(io::stderr(), "guest: no control group limits `{name}`: {why}");
            Vec::new()
        };
        let groups = match groups::make(name, folder.place()) {
            Ok(made) if made.is_empty() => unlimited("this system has none".to_owned()),
            Ok(made) => made,
            Err(problem) => unlimited(problem.chain()),
        };
        let noted: String = groups.iter().map(|group| format!("{}\n", group.display())).collect();
        folder.write(GROUPS, &noted)?;
        Ok(groups)
    }

    /// Ends a guest that did not come up: one that nobody can use must not go on unseen. Its monitor goes with its process.
    pub(crate) fn abandon(&self, child: &mut Child) {
        let _ended = child.kill();
        let _waited = child.wait();
        if let Ok(Some(folder)) = self.folder() {
            let _cleared = clear(&folder);
            ungroup(&folder);
        }
    }

    /// Whether a socket of it is there.
    pub(crate) fn is_left(&self) -> bool {
        [CONTROL, VSOCK].into_iter().any(|name| matches!(self.socket(name), Ok(Some(_))))
    }

    /// The socket on which its monitor is asked.
    pub fn control(&self) -> PathBuf {
        self.place().join(CONTROL)
    }

    /// The socket on which its agent is reached.
    pub fn vsock(&self) -> PathBuf {
        self.place().join(VSOCK)
    }

    /// What its kernel said.
    pub fn serial(&self) -> PathBuf {
        self.place().join(SERIAL)
    }

    fn place(&self) -> PathBuf {
        self.home.join(MACHINES).join(self.name.as_str())
    }

    fn fits_in_a_path(&self) -> Result<(), Problem> {
        let len = self.control().as_os_str().as_bytes().len();
        if len <= SOCKET_PATH_BYTES_MAX {
            return Ok(());
        }
        Err(Problem::Missing {
            what: format!(
                "{} has {len} bytes, and the path of a socket has {SOCKET_PATH_BYTES_MAX} at most",
                self.control().display()
            ),
            remedy: "name a home with a shorter path (`--home DIR`), or the guest a shorter name".to_owned(),
        })
    }

    fn wait(&self, child: &mut Child) -> Result<(), Problem> {
        let since = Instant::now();
        let mut is_over = |patience: Duration, what: &str| {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(Problem::Refused(format!("the monitor ended: {status}")));
            }
            if since.elapsed() > patience {
                return Err(Problem::Unavailable(format!("{what} within {} seconds", patience.as_secs())));
            }
            Ok(())
        };
        let mut asked = loop {
            match self.asking(json!({"do": "wait", "phase": "agent_ready"})) {
                Ok(asked) => break asked,
                Err(_) => is_over(SOCKET_PATIENCE, "the monitor opens no socket")?,
            }
            thread::sleep(LOOK);
        };
        loop {
            match asked.answer(LOOK) {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => is_over(BOOT_PATIENCE, "the guest's agent says nothing")?,
                Err(_) => break,
            }
        }
        // It is ending, and says how when it has ended.
        let ending = Instant::now();
        while ending.elapsed() < ENDING_PATIENCE {
            is_over(BOOT_PATIENCE, "the guest does not come up")?;
            thread::sleep(LOOK);
        }
        Err(Problem::Refused("the guest does not come up".to_owned()))
    }

    /// What monitor and guest said last, for an error.
    fn last_words(&self) -> String {
        let Ok(Some(folder)) = self.folder() else { return String::new() };
        let said = [folder.tail(MONITOR), folder.tail(SERIAL)].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let lines: Vec<_> = said.lines().collect();
        const LINES_SHOWN: usize = 40;
        lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
    }

    /// Asks the monitor, and returns what it says in this time.
    pub(crate) fn asked(&self, request: Value, patience: Duration) -> Result<Value, NoAnswer> {
        ask(&self.dialled()?.path(), request, patience)
    }

    /// Asks the monitor, whose answer may take its time.
    pub(crate) fn asking(&self, request: Value) -> Result<Asked, NoAnswer> {
        Asked::begin(&self.dialled()?.path(), request)
    }

    fn dialled(&self) -> Result<Socket, NoAnswer> {
        let socket = self.socket(CONTROL).map_err(|why| NoAnswer::Barred(Box::new(why)))?;
        socket.ok_or_else(|| NoAnswer::Gone(io::ErrorKind::NotFound.into()))
    }

    /// Says why something was not done by its monitor.
    pub(crate) fn unanswered(&self, what: &str, why: NoAnswer) -> Problem {
        let name = &self.name;
        match why {
            NoAnswer::Gone(error) if error.kind() == io::ErrorKind::TimedOut => {
                Problem::Unavailable(format!(
                    "the guest `{name}`: its monitor does not answer. It does not while it writes a snapshot down; if it hangs, end its \
                 process, and `guest stop {name}` clears it away"
                ))
            }
            NoAnswer::Gone(_) => self.not_there(),
            NoAnswer::Refused(why) => Problem::Refused(format!("the guest `{name}` cannot {what}: {why}")),
            NoAnswer::Unavailable(why) => {
                Problem::Unavailable(format!("the guest `{name}` cannot {what}: {why}"))
            }
            NoAnswer::Barred(why) => *why,
            why @ NoAnswer::Nonsense(_) => Problem::Refused(format!("the guest `{name}`: {why}")),
        }
    }

    pub(crate) fn is_starting(&self) -> Problem {
        let name = &self.name;
        Problem::Unavailable(format!(
            "the guest `{name}` is just being started: wait for it, or take another name"
        ))
    }

    pub(crate) fn not_there(&self) -> Problem {
        let name = &self.name;
        Problem::Refused(match self.is_left() {
            false => {
                format!("no guest `{name}` runs: `guest list` shows what does, `guest boot {name}` starts it")
            }
            true => {
                format!("the monitor of the guest `{name}` is gone: `guest stop {name}` clears it away")
            }
        })
    }

    /// Begins a conversation with the agent.
    ///
    /// # Errors
    /// When the guest does not run, or its agent is of another version.
    pub fn converse(&self) -> Result<Conversation, Problem> {
        let (name, unreached) = (&self.name, |problem| Problem::Unreached(Box::new(problem)));
        match self.standing() {
            Some(Standing::Running(stats)) if stats["phase"] == "agent_ready" => {}
            Some(Standing::Running(stats)) => {
                let phase = stats["phase"].as_str().unwrap_or_default();
                return Err(unreached(Problem::Unavailable(format!(
                    "the guest `{name}` is {phase}, and only an agent that is ready listens"
                ))));
            }
            Some(Standing::Unready(_)) => return Err(unreached(self.not_ready())),
            Some(Standing::Silent(why)) => {
                return Err(unreached(Problem::Refused(format!("the guest `{name}`: {why}"))));
            }
            Some(Standing::Gone) | None => return Err(unreached(self.not_there())),
        }
        self.begun(AGENT_PATIENCE).map_err(unreached)
    }

    /// Begins a conversation with an agent that listens, whether anybody else may or not.
    pub(crate) fn begun(&self, patience: Duration) -> Result<Conversation, Problem> {
        let Some(vsock) = self.socket(VSOCK)? else { return Err(self.not_there()) };
        let begun = within(patience, move || {
            let stream = dial(&vsock.path(), place::AGENT_PORT).map_err(LinkError::from)?;
            Conversation::begin(stream, "oxydra")
        });
        begun
            .unwrap_or_else(|| Err(silent(patience).into()))
            .map_err(failed(format!("speak with the agent of the guest `{}`", self.name)))
    }

    /// Whether its monitor listens. One that is just going is waited for, so that it takes no socket of the next one with it.
    fn listens_after(&self, patience: Duration) -> bool {
        let since = Instant::now();
        loop {
            if self.listens() {
                return true;
            }
            if !self.is_left() || since.elapsed() >= patience {
                return false;
            }
            thread::sleep(LOOK);
        }
    }

    pub(crate) fn listens(&self) -> bool {
        matches!(self.standing(), Some(Standing::Running(_) | Standing::Unready(_) | Standing::Silent(_)))
    }
}

/// Clears away the sockets that a killed monitor left.
pub(crate) fn clear(folder: &Folder) -> Result<(), Problem> {
    [CONTROL, VSOCK].into_iter().try_for_each(|name| match folder.socket(name)? {
        Some(_) => folder.remove(name),
        None => Ok(()),
    })
}

/// Removes the control groups of a guest, if nobody is in them any more.
pub(crate) fn ungroup(folder: &Folder) {
    let noted = folder.read(GROUPS).ok().flatten().unwrap_or_default();
    groups::remove_noted(&String::from_utf8_lossy(&noted));
}

pub(crate) fn silent(patience: Duration) -> LinkError {
    let what = format!("it says nothing for {} s", patience.as_secs());
    io::Error::new(io::ErrorKind::TimedOut, what).into()
}

/// Whether a directory for guests is on a file system with this much room; `None` where nobody can tell.
pub(crate) fn room(place: &Path) -> Option<u64> {
    let there = place.ancestors().find(|place| place.exists())?;
    let facts = rustix::fs::statvfs(there).ok()?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::tests::{answered, made};
    use std::{fs, os::unix::net::UnixListener};

    #[test]
    fn a_monitor_that_is_just_going_is_waited_for_and_not_for_ever() {
        let root = tempfile::tempdir().unwrap();
        let home = Home::new(root.path().to_owned());
        let machine = home.machine(&Name::new("one").unwrap());
        made(&home, &machine);
        assert!(!machine.listens_after(CLEARING_PATIENCE), "nothing is left");
        drop(UnixListener::bind(machine.control()).unwrap());
        assert!(!machine.listens_after(Duration::ZERO) && machine.is_left(), "nobody clears it away");
        let control = machine.control();
        let clears = thread::spawn(move || fs::remove_file(control).unwrap());
        // Longer than a test runs.
        assert!(!machine.listens_after(Duration::from_secs(60)) && !machine.is_left());
        clears.join().unwrap();
        let listener = UnixListener::bind(machine.control()).unwrap();
        let monitor = thread::spawn(move || answered(&listener, "{\"v\":1,\"ok\":{}}\n"));
        assert!(machine.listens_after(Duration::ZERO));
        monitor.join().unwrap();
    }
}
