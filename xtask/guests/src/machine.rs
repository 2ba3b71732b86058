//! Guests as directories: sockets, log and settings of each. A guest is started as a process of its own that outlives this
//! one, and is asked through its monitor's program.
use crate::{Fallible, failed, order::Name};
use guest::{Conversation, dial};
use std::{
    env, fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use wire::place;

/// How long a monitor may take to open its socket; it does little before.
const SOCKET_PATIENCE: Duration = Duration::from_secs(60);
/// How long a kernel may take to its agent: on hardware a second, in an emulated machine that shares its processor a minute.
const BOOT_PATIENCE: Duration = Duration::from_secs(240);
/// How often a socket is looked for.
const LOOK: Duration = Duration::from_millis(10);

/// What a guest is started with.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) kernel: PathBuf,
    pub(crate) initrd: PathBuf,
    /// The image's name, which a snapshot must agree with.
    pub(crate) image: String,
    pub(crate) memory_mib: u64,
    pub(crate) vcpus: u8,
}

/// Where guests are.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    pub(crate) root: PathBuf,
    pub(crate) jail: String,
    /// Who its monitors run as, if not as whoever runs this: a user and a group.
    pub(crate) user: Option<(u32, u32)>,
}

/// How much of a guest's memory is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Full,
    /// What was written since it was restored; the snapshot that it came from stays needed.
    Difference,
}

/// A guest.
#[derive(Debug)]
pub(crate) struct Machine {
    place: PathBuf,
    name: String,
}

/// Says whether this machine can run guests, or why not and what to do.
pub(crate) fn probe() -> Fallible<String> {
    let output = Command::new(program("OXYDRA_VMM", "oxydra-vmm")).arg("probe").output();
    let output = output.map_err(failed("start oxydra-vmm"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    if output.status.success() { Ok(said) } else { Err(format!("this machine cannot run guests: {said}")) }
}

/// A program that whoever started us named, or that is to be found.
pub(crate) fn program(variable: &str, name: &str) -> PathBuf {
    env::var_os(variable).map_or_else(|| PathBuf::from(name), PathBuf::from)
}

impl Settings {
    fn write(&self, place: &Path) -> Fallible<()> {
        let Settings { kernel, initrd, image, memory_mib, vcpus } = self;
        let text = format!("{}\n{}\n{image}\n{memory_mib}\n{vcpus}\n", kernel.display(), initrd.display());
        fs::write(place, text).map_err(failed(format!("write {}", place.display())))
    }

    fn read(place: &Path) -> Fallible<Settings> {
        let text = fs::read_to_string(place).map_err(failed(format!("read {}", place.display())))?;
        let lines: Vec<_> = text.lines().collect();
        let damaged = || format!("{} is damaged: make it again", place.display());
        let [kernel, initrd, image, memory, vcpus] = lines[..] else { return Err(damaged()) };
        Ok(Settings {
            kernel: kernel.into(),
            initrd: initrd.into(),
            image: image.to_owned(),
            memory_mib: memory.parse().map_err(|_| damaged())?,
            vcpus: vcpus.parse().map_err(|_| damaged())?,
        })
    }
}

impl Home {
    fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    /// Where the settings of a snapshot's guest are, beside what the monitor writes.
    fn snapshot_settings(&self, snapshot: &Name) -> PathBuf {
        self.root.join("snapshot-settings").join(snapshot.as_str())
    }

    /// Finds a guest.
    pub(crate) fn machine(&self, name: &Name) -> Machine {
        Machine { place: self.root.join("machines").join(name.as_str()), name: name.as_str().to_owned() }
    }

    /// Returns the names of guests whose monitor answers.
    pub(crate) fn running(&self) -> Vec<(String, String)> {
        let entries = fs::read_dir(self.root.join("machines")).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        let machines = names.into_iter().filter_map(|name| Name::new(name).ok());
        machines
            .filter_map(|name| Some((name.as_str().to_owned(), self.machine(&name).ask(&["stats"]).ok()?)))
            .collect()
    }

    /// Boots a guest and waits for its agent.
    pub(crate) fn boot(&self, name: &Name, settings: &Settings) -> Fallible<(Machine, Child)> {
        self.start(name, settings, "boot")
    }

    /// Starts a guest from a snapshot, and makes it itself: its time is now, and its random numbers are its own.
    pub(crate) fn restore(&self, snapshot: &Name, name: &Name) -> Fallible<(Machine, Child)> {
        let settings = Settings::read(&self.snapshot_settings(snapshot))?;
        let (machine, child) = self.start(name, &settings, &format!("restore={}", snapshot.as_str()))?;
        let mut entropy = [0; 64];
        rustix::rand::getrandom(&mut entropy, rustix::rand::GetRandomFlags::empty())
            .map_err(failed("draw random numbers"))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_nanos()).map_err(failed("tell the time"))?;
        machine.converse()?.refresh(now, &entropy).map_err(failed("refresh the guest"))?;
        Ok((machine, child))
    }

    fn start(&self, name: &Name, settings: &Settings, start: &str) -> Fallible<(Machine, Child)> {
        let machine = self.machine(name);
        if machine.ask(&["stats"]).is_ok() {
            return Err(format!("the guest `{}` runs already: stop it, or take another name", name.as_str()));
        }
        fs::create_dir_all(&machine.place).map_err(failed(format!("make {}", machine.place.display())))?;
        fs::create_dir_all(self.snapshots()).map_err(failed("make the directory of snapshots"))?;
        settings.write(&machine.place.join("settings"))?;
        let said = machine.place.join("monitor");
        let file = fs::File::create(&said).map_err(failed(format!("write {}", said.display())))?;
        let mut command = Command::new(program("OXYDRA_VMM", "oxydra-vmm"));
        command.arg("run").args(["--jail", &self.jail, "--start", start, "--agent", &settings.image]);
        command.args(["--cmdline", place::KERNEL_ARGUMENTS]);
        for (flag, value) in [
            ("--kernel", settings.kernel.clone()),
            ("--initrd", settings.initrd.clone()),
            ("--socket", machine.control()),
            ("--vsock", machine.vsock()),
            ("--log", machine.place.join("serial")),
            ("--snapshots", self.snapshots()),
        ] {
            command.arg(flag).arg(value);
        }
        command.arg("--memory").arg(settings.memory_mib.to_string());
        command.arg("--vcpus").arg(settings.vcpus.to_string());
        for port in place::HOST_PORTS {
            command.arg("--guest-port").arg(port.to_string());
        }
        let output = file.try_clone().map_err(failed("share a file"))?;
        command.stdin(Stdio::null()).stdout(output).stderr(file).process_group(0);
        if let Some((user, group)) = self.user {
            // Who may open the sockets is who made them.
            for place in [&machine.place, &self.snapshots()] {
                chown(place, Some(user), Some(group)).map_err(failed("hand a directory over"))?;
            }
            command.uid(user).gid(group);
        }
        let mut child = command.spawn().map_err(failed("start the monitor"))?;
        if let Err(why) = machine.wait(&mut child) {
            // A guest that nobody can use must not go on unseen. Its monitor goes with its process.
            let _ended = child.kill();
            let _waited = child.wait();
            return Err(format!("{why}\n{}", machine.last_words()));
        }
        Ok((machine, child))
    }
}

impl Machine {
    fn control(&self) -> PathBuf {
        self.place.join("control")
    }

    /// The socket on which its agent is reached.
    pub(crate) fn vsock(&self) -> PathBuf {
        self.place.join("vsock")
    }

    fn wait(&self, child: &mut Child) -> Fallible<()> {
        let since = Instant::now();
        let mut is_over = |patience: Duration, what: &str| {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(format!("the monitor ended: {status}"));
            }
            if since.elapsed() > patience {
                return Err(format!("{what} within {} seconds", patience.as_secs()));
            }
            thread::sleep(LOOK);
            Ok(())
        };
        while !self.control().exists() {
            is_over(SOCKET_PATIENCE, "the monitor opens no socket")?;
        }
        let mut asking = self.asking(&["wait", "agent_ready"]).spawn().map_err(failed("start oxydra-vmm"))?;
        let answered = loop {
            if let Ok(Some(status)) = asking.try_wait() {
                break if status.success() { Ok(()) } else { Err("the guest does not come up".to_owned()) };
            }
            if let Err(why) = is_over(BOOT_PATIENCE, "the guest's agent says nothing") {
                break Err(why);
            }
        };
        // One that answered is gone already.
        let _gone = asking.kill();
        let _waited = asking.wait();
        answered
    }

    fn asking(&self, words: &[&str]) -> Command {
        let mut command = Command::new(program("OXYDRA_VMM", "oxydra-vmm"));
        command.arg("ask").arg(self.control()).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// What monitor and guest said last, for an error.
    fn last_words(&self) -> String {
        let read = |name: &str| fs::read(self.place.join(name)).unwrap_or_default();
        let said = [read("monitor"), read("serial")].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let lines: Vec<_> = said.lines().collect();
        const LINES_SHOWN: usize = 40;
        lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n")
    }

    /// Asks the monitor, and returns its reply; a refusal is an error.
    pub(crate) fn ask(&self, words: &[&str]) -> Fallible<String> {
        let mut command = self.asking(words);
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output();
        let output = output.map_err(failed("start oxydra-vmm"))?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if output.status.success() {
            return Ok(said);
        }
        let why = String::from_utf8_lossy(&output.stderr);
        Err(format!("the guest `{}` cannot {}: {said}{}", self.name, words.join(" "), why.trim()))
    }

    /// Waits until the monitor is gone.
    pub(crate) fn wait_for_end(&self) -> Fallible<()> {
        let since = Instant::now();
        while self.ask(&["stats"]).is_ok() {
            if since.elapsed() > SOCKET_PATIENCE {
                return Err(format!("the guest `{}` does not end", self.name));
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Begins a conversation with the agent.
    pub(crate) fn converse(&self) -> Fallible<Conversation> {
        let stream = dial(&self.vsock(), place::AGENT_PORT)
            .map_err(failed(format!("reach the guest `{}` (`guest list` shows what runs)", self.name)))?;
        Conversation::begin(stream, "xtask guest").map_err(failed("speak with the agent"))
    }

    /// Writes the guest down under a name, or what changed in it since it was restored.
    pub(crate) fn snapshot(&self, home: &Home, snapshot: &Name, extent: Extent) -> Fallible<String> {
        let settings = Settings::read(&self.place.join("settings"))?;
        let said = match extent {
            Extent::Full => self.ask(&["snapshot", snapshot.as_str()])?,
            Extent::Difference => self.ask(&["snapshot", snapshot.as_str(), "difference"])?,
        };
        let place = home.snapshot_settings(snapshot);
        fs::create_dir_all(place.parent().expect("it is in a directory"))
            .map_err(failed("make a directory"))?;
        settings.write(&place)?;
        Ok(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_and_damaged_ones_are_named() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("settings");
        let settings = Settings {
            kernel: "/k".into(),
            initrd: "/i".into(),
            image: "abc".into(),
            memory_mib: 128,
            vcpus: 2,
        };
        settings.write(&place).unwrap();
        let read = Settings::read(&place).unwrap();
        assert_eq!((read.kernel, read.memory_mib, read.vcpus), (PathBuf::from("/k"), 128, 2));
        fs::write(&place, "/k\n/i\nabc\nmuch\n2\n").unwrap();
        assert!(Settings::read(&place).unwrap_err().ends_with("is damaged: make it again"));
    }

    #[test]
    fn a_guest_that_does_not_run_is_not_listed() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("machines/one")).unwrap();
        let home = Home { root: root.path().to_owned(), jail: "on".into(), user: None };
        assert!(home.running().is_empty());
    }
}
