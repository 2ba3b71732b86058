//! A directory with a kernel of a few instructions, and the program run in it.
use std::{
    collections::BTreeSet,
    env,
    ffi::OsString,
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    os::unix::{net::UnixStream, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// The monitor beside these tests, or another one where they are not on the machine that built them.
fn program() -> OsString {
    env::var_os("OXYDRA_TESTED_VMM").unwrap_or_else(|| env!("CARGO_BIN_EXE_oxydra-vmm").into())
}

/// The directory.
pub(crate) struct Place {
    dir: TempDir,
}

/// A monitor that runs; dropped, it is killed.
pub(crate) struct Monitor(Option<Child>);

/// Says that a test did nothing, past the harness, which keeps to itself what a test that passes says; `cargo xtask test`
/// counts it.
pub(crate) fn skipped(why: &str) {
    writeln!(std::io::stdout(), "SKIPPED, nothing was tested: {why}").unwrap();
}

/// Reads one line and nothing behind it.
pub(crate) fn line_of(stream: &mut UnixStream) -> String {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        line.extend(byte);
    }
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

/// Writes another text into what the state of a snapshot must agree with, as a monitor would that means it.
pub(crate) fn sealed_with(state: &str, index: usize, text: &str) {
    const HEAD: usize = 24;
    let mut bytes = fs::read(state).unwrap();
    let length = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let at = (0..index).fold(HEAD, |at, _| at + 4 + length(&bytes, at));
    let end = at + 4 + length(&bytes, at);
    bytes.splice(at..end, (text.len() as u32).to_le_bytes().into_iter().chain(text.bytes()));
    let sum = crc32c::crc32c(&bytes[HEAD..]);
    let body = (bytes.len() - HEAD) as u64;
    bytes[12..16].copy_from_slice(&sum.to_le_bytes());
    bytes[16..24].copy_from_slice(&body.to_le_bytes());
    fs::write(state, bytes).unwrap();
}

/// Goes to jail without a guest: the exit code, and everything that was said.
pub(crate) fn jail() -> (Option<i32>, String) {
    let output = Command::new(program()).arg("jail").output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// Writes a byte to the serial port for ever.
pub(crate) fn counter() -> Vec<u8> {
    vec![0xff, 0xc3, 0x88, 0xd8, 0x66, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf5]
}

/// An ELF kernel with one segment at 16 MiB.
fn image(code: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    bytes.extend([0x100_0000u64, 64, 0].iter().flat_map(|number| number.to_le_bytes()));
    bytes.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0]);
    let length = code.len() as u64;
    bytes.extend(
        [0x1000, 0x100_0000, 0x100_0000, length, length, 0x1000u64]
            .iter()
            .flat_map(|number| number.to_le_bytes()),
    );
    bytes.resize(0x1000, 0);
    bytes.extend(code);
    bytes
}

impl Place {
    /// None where there is no KVM.
    pub(crate) fn new(code: &[u8]) -> Option<Place> {
        if let Err(error) = File::options().read(true).write(true).open("/dev/kvm") {
            skipped(&format!("/dev/kvm does not open: {error}"));
            return None;
        }
        let place = Place { dir: tempfile::tempdir().unwrap() };
        place.put_kernel(code);
        fs::write(place.path("err"), "").unwrap();
        Some(place)
    }

    /// Puts another kernel where the first one was.
    pub(crate) fn put_kernel(&self, code: &[u8]) {
        let ready = self.path("kernel.ready");
        fs::write(&ready, image(code)).unwrap();
        fs::rename(ready, self.path("kernel")).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// Starts a monitor. Flags that come later win.
    pub(crate) fn run(&self, flags: &[&str]) -> Monitor {
        let [kernel, socket, vsock] = ["kernel", "c", "v"].map(|name| self.path(name));
        let mut command = Command::new(program());
        command.args(["run", "--kernel", &kernel, "--socket", &socket, "--vsock", &vsock, "--memory", "48"]);
        let err = File::create(self.path("err")).unwrap();
        Monitor(Some(command.args(flags).stdin(Stdio::null()).stderr(err).spawn().unwrap()))
    }

    /// The same, each thread's calls noted. None where that cannot be done.
    pub(crate) fn run_traced(&self, flags: &[&str]) -> Option<Monitor> {
        let [kernel, socket, vsock, trace] = ["kernel", "c", "v", "trace"].map(|name| self.path(name));
        let mut command = Command::new("strace");
        command.args(["-ff", "-n", "-qq", "-o", &trace]).arg(program()).args(["run", "--seccomp", "log"]);
        command.args(["--kernel", &kernel, "--socket", &socket, "--vsock", &vsock, "--memory", "48"]);
        let err = File::create(self.path("err")).unwrap();
        match command.args(flags).stdin(Stdio::null()).stderr(err).spawn() {
            Ok(child) => Some(Monitor(Some(child))),
            Err(error) => {
                skipped(&format!("strace does not start: {error}"));
                None
            }
        }
    }

    /// The lists of the program: class and number.
    pub(crate) fn calls(&self) -> BTreeSet<(String, u32)> {
        let output = Command::new(program()).arg("calls").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let pair = |line: &str| {
            let mut words = line.split([' ', ':']);
            (words.next().unwrap().to_owned(), words.next().unwrap().parse().unwrap())
        };
        text.lines().map(pair).collect()
    }

    /// What each thread called after it had set its filter.
    pub(crate) fn traced(&self) -> Vec<(String, u32)> {
        let files = self.left().into_iter().filter(|name| name.starts_with("trace."));
        files.flat_map(|name| after_filter(&fs::read_to_string(self.path(&name)).unwrap())).collect()
    }

    /// Asks the monitor, once it listens.
    pub(crate) fn ask(&self, words: &[&str]) -> String {
        drop(self.connected());
        let output = Command::new(program()).arg("ask").arg(self.path("c")).args(words).output().unwrap();
        assert!(
            output.stderr.is_empty(),
            "{words:?}: {} {}",
            String::from_utf8_lossy(&output.stderr),
            self.said()
        );
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Sends raw bytes, and returns the line that comes back.
    pub(crate) fn line(&self, bytes: &[u8]) -> String {
        let mut stream = self.connected();
        stream.write_all(bytes).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn connected(&self) -> UnixStream {
        // Bounded by the test's own patience: a monitor that does not start says so in `err`.
        for _ in 0..10_000_000 {
            if let Ok(stream) = UnixStream::connect(self.path("c")) {
                return stream;
            }
            std::thread::yield_now();
        }
        panic!("no monitor listens: {}", self.said());
    }

    /// Waits for a monitor whose warden is gone to be gone, too.
    pub(crate) fn until_nobody_listens(&self) {
        for _ in 0..10_000_000 {
            if ["c", "v"].iter().all(|socket| UnixStream::connect(self.path(socket)).is_err()) {
                return;
            }
            std::thread::yield_now();
        }
        panic!("the monitor outlives its warden");
    }

    /// What the last monitor wrote to its standard error.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.path("err")).unwrap()
    }

    /// What is in the directory.
    pub(crate) fn left(&self) -> Vec<String> {
        let names = fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// The class of a thread, told by a call that only it makes, and its calls after the filter.
fn after_filter(trace: &str) -> Vec<(String, u32)> {
    // The last: a signal may have come while it was set, and it was set again.
    let Some((_, after)) = trace.rsplit_once("SECCOMP_SET_MODE_FILTER") else { return Vec::new() };
    // A signal is shown with the number of the call before it.
    let numbers: BTreeSet<u32> = after
        .lines()
        .filter(|line| !line.contains("] --- "))
        .filter_map(|line| line.strip_prefix('[')?.split(']').next()?.trim().parse().ok())
        .collect();
    let class = match () {
        () if after.contains("KVM_RUN") => "vcpu",
        () if after.contains("epoll_wait") || after.contains("epoll_pwait") => "devices",
        () if trace.contains("CLONE_NEWNET") => "main",
        () => "warden",
    };
    numbers.into_iter().map(|number| (class.to_owned(), number)).collect()
}

/// Waits for the end: the exit code, or the signal.
pub(crate) fn ended(mut monitor: Monitor) -> (Option<i32>, Option<i32>) {
    let status = monitor.0.take().unwrap().wait().unwrap();
    (status.code(), status.signal())
}

impl Monitor {
    /// Hands it on, so that it may be waited for.
    pub(crate) fn take(&mut self) -> Monitor {
        Monitor(self.0.take())
    }

    /// Kills the warden.
    pub(crate) fn kill(&mut self) {
        self.0.as_mut().unwrap().kill().unwrap();
    }

    /// Asks the warden to end, as a supervisor would.
    pub(crate) fn end(&mut self) {
        let warden = rustix::process::Pid::from_child(self.0.as_ref().unwrap());
        rustix::process::kill_process(warden, rustix::process::Signal::TERM).unwrap();
    }

    /// Kills the monitor that the warden watches.
    pub(crate) fn kill_inside(&mut self) {
        let inside = self.processes()[1];
        rustix::process::kill_process(inside, rustix::process::Signal::KILL).unwrap();
    }

    /// Stops both processes for a moment, as job control, a freezer or a closed lid does.
    pub(crate) fn interrupt(&mut self) {
        for process in self.processes() {
            let stopped = || {
                let tasks = fs::read_dir(format!("/proc/{}/task", process.as_raw_nonzero())).unwrap();
                tasks
                    .flatten()
                    .all(|task| fs::read_to_string(task.path().join("stat")).unwrap().contains(") T "))
            };
            rustix::process::kill_process(process, rustix::process::Signal::STOP).unwrap();
            while !stopped() {
                std::thread::yield_now();
            }
            rustix::process::kill_process(process, rustix::process::Signal::CONT).unwrap();
        }
    }

    /// What the kernel says of the monitor that the warden watches.
    pub(crate) fn status_inside(&self) -> String {
        fs::read_to_string(format!("/proc/{}/status", self.processes()[1].as_raw_nonzero())).unwrap()
    }

    /// What either process has open. None where its owner may not see that of one in jail.
    pub(crate) fn open(&self) -> Option<Vec<PathBuf>> {
        let mut open = Vec::new();
        for process in self.processes() {
            for entry in fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero())).ok()? {
                open.extend(fs::read_link(entry.unwrap().path()));
            }
        }
        Some(open)
    }

    /// The warden and the monitor.
    fn processes(&self) -> [rustix::process::Pid; 2] {
        let warden = self.0.as_ref().unwrap().id();
        let children = fs::read_to_string(format!("/proc/{warden}/task/{warden}/children")).unwrap();
        let inside = children.trim().parse().unwrap();
        [warden as i32, inside].map(|process| rustix::process::Pid::from_raw(process).unwrap())
    }
}

/// Control groups of this test, removed when it is over.
pub(crate) struct Groups(pub(crate) Vec<PathBuf>);

impl Groups {
    /// None where this user may make none, or nothing here limits memory, processes and time.
    pub(crate) fn make() -> Option<Groups> {
        let root = Path::new("/sys/fs/cgroup");
        let name = format!("oxydra-test-{}", std::process::id());
        let unified = fs::read_to_string(root.join("cgroup.subtree_control")).unwrap_or_default();
        let is_unified =
            ["memory", "pids", "cpu"].iter().all(|word| unified.split_whitespace().any(|has| has == *word));
        let hierarchies = if is_unified {
            vec![root.to_owned()]
        } else {
            ["memory", "pids", "cpu"].map(|hierarchy| root.join(hierarchy)).to_vec()
        };
        let mut groups = Groups(Vec::new());
        for hierarchy in hierarchies {
            let group = hierarchy.join(&name);
            if !hierarchy.join("cgroup.procs").exists() || fs::create_dir(&group).is_err() {
                skipped(&format!("no control group can be made in {}", hierarchy.display()));
                return None;
            }
            groups.0.push(group);
        }
        Some(groups)
    }

    /// The value of the one file that is there.
    pub(crate) fn read(&self, names: &[&str]) -> String {
        let files = self.0.iter().flat_map(|group| names.iter().map(|name| group.join(name)));
        files.filter_map(|file| fs::read_to_string(file).ok()).next().unwrap().trim().to_owned()
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for group in &self.0 {
            let _ = fs::remove_dir(group);
        }
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
