//! What a guest costs on this machine: set-up, memory, the size of the monitor, snapshots and coming back. Guests are a few
//! instructions, so that they run wherever `/dev/kvm` opens; with `--kernel` and `--initrd` of `cargo xtask guest`, and a KVM
//! that a kernel boots on, also a whole boot. Times are the monitor's own counts or the host's clock. What an emulated machine
//! says is `nested`'s.
use crate::{
    Part, Scale,
    measure::{Pairs, Patience, timed},
    nested, scratch,
    table::{Row, Unit},
};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    os::unix::{fs::FileExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Targets, as DESIGN says them.
const SETUP: Duration = Duration::from_millis(10);
pub(crate) const OVERHEAD_BYTES: f64 = (4 << 20) as f64;
const PROGRAM_BYTES: f64 = (3 << 20) as f64;
pub(crate) const RESTORE_RATIO: f64 = 1.0 / 50.0;
const CALLS: f64 = 25.0;
/// What a distribution's kernel has, so that set-up meets an image of a real size.
const IMAGE_BYTES: u64 = 53 << 20;
const MEMORY_MIB: u64 = 128;
/// Starting a process and ending it takes its time: fewer pairs than elsewhere.
const RUNS_MAX: usize = 20;

/// What is measured, in the order in which it is: cheap things first.
pub(crate) const PARTS: &[Part] = &[
    ("program", |_| with_program(|program| vec![size(program), filter(program)])),
    ("bare", |scale| with_program(|program| bare_rows(scale, program))),
    ("boot", |scale| with_program(|program| booted(scale, program))),
    ("nested", nested::costs),
    ("lane", nested::lane),
];

/// The static program, built with optimisation, which whoever starts this names.
///
/// # Errors
/// When nobody does.
pub(crate) fn program() -> Result<PathBuf, String> {
    let named = std::env::var_os("OXYDRA_VMM").map(PathBuf::from);
    named.ok_or_else(|| "OXYDRA_VMM names no monitor: `cargo xtask bench vmm` builds one".to_owned())
}

fn with_program(rows: impl FnOnce(&Path) -> Vec<Row>) -> Vec<Row> {
    program().map_or_else(|why| vec![Row::not_measured("monitor", why)], |program| rows(&program))
}

fn bare_rows(scale: &Scale, program: &Path) -> Vec<Row> {
    if let Err(error) = File::options().read(true).write(true).open("/dev/kvm") {
        return vec![Row::not_measured("guests", format!("/dev/kvm does not open: {error}"))];
    }
    let dir = scratch(scale);
    let place = Place { program: program.to_owned(), dir: dir.path().to_owned() };
    bare(&place, patience(scale))
        .unwrap_or_else(|why| vec![Row::not_measured("guests of a few instructions", why)])
}

fn patience(scale: &Scale) -> Patience {
    Patience { pairs_max: RUNS_MAX, ..scale.patience() }
}

fn size(program: &Path) -> Row {
    let name = "static program";
    match fs::metadata(program) {
        Err(error) => Row::not_measured(name, format!("{}: {error}", program.display())),
        Ok(facts) => {
            let mut pairs = Pairs::default();
            pairs.push(facts.len() as f64, PROGRAM_BYTES);
            Row::new(name, Unit::Bytes, &pairs).at_most_each(PROGRAM_BYTES).note("vs its bound")
        }
    }
}

/// The calls on the list of a thread that runs a guest.
fn filter(program: &Path) -> Row {
    let name = "calls of a thread that runs a guest";
    match Command::new(program).arg("calls").output() {
        Err(error) => Row::not_measured(name, format!("{}: {error}", program.display())),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            let mut pairs = Pairs::default();
            let calls = said.lines().filter(|line| line.starts_with("vcpu ")).count();
            pairs.push(calls as f64, CALLS);
            Row::new(name, Unit::Count, &pairs).at_most_each(CALLS).note("vs its bound")
        }
    }
}

/// A directory with images, and the program.
struct Place {
    program: PathBuf,
    dir: PathBuf,
}

/// A monitor that runs.
struct Monitor<'a> {
    place: &'a Place,
    child: Child,
}

impl Place {
    fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    fn start(&self, flags: &[&str]) -> Result<Monitor<'_>, String> {
        let [socket, vsock, snapshots] = ["c", "v", "snapshots"].map(|name| self.path(name));
        let mut command = Command::new(&self.program);
        command.args(["run", "--socket", &socket, "--vsock", &vsock, "--snapshots", &snapshots]);
        command.args(["--memory", &MEMORY_MIB.to_string()]).args(flags).stdin(Stdio::null());
        let child = command.spawn().map_err(|error| format!("{}: {error}", self.program.display()))?;
        Ok(Monitor { place: self, child })
    }
}

impl Monitor<'_> {
    fn ask(&self, request: &str) -> Result<String, String> {
        let mut stream = loop {
            match UnixStream::connect(self.place.dir.join("c")) {
                Ok(stream) => break stream,
                Err(_) if self.began() => std::thread::yield_now(),
                Err(error) => return Err(format!("the monitor does not listen: {error}")),
            }
        };
        writeln!(stream, "{{\"v\":1,{request}}}").map_err(|error| error.to_string())?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).map_err(|error| error.to_string())?;
        if line.contains("\"ok\"") { Ok(line) } else { Err(format!("the monitor refused {request}: {line}")) }
    }

    /// Whether it is still there.
    fn began(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        !status.is_empty() && !status.contains(") Z ")
    }

    fn count(&self, name: &str) -> Result<f64, String> {
        let stats = self.ask("\"do\":\"stats\"")?;
        number(&stats, name).ok_or_else(|| format!("no `{name}` in {stats}"))
    }

    fn stop(mut self) -> Result<(), String> {
        self.ask("\"do\":\"stop\"")?;
        self.child.wait().map(|_| ()).map_err(|error| error.to_string())
    }

    /// Private memory of both processes, without the guest's.
    fn private_bytes(&self) -> Option<f64> {
        let warden = self.child.id();
        let inside = fs::read_to_string(format!("/proc/{warden}/task/{warden}/children")).ok()?;
        let processes = [warden.to_string(), inside.trim().to_owned()];
        processes
            .iter()
            .map(|process| private(&fs::read_to_string(format!("/proc/{process}/smaps")).ok()?))
            .sum()
    }
}

/// Sums up private pages of mappings that are not as large as a guest.
fn private(smaps: &str) -> Option<f64> {
    let (mut all, mut of_guest) = (0.0, false);
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        let (key, value) = (words.next()?, words.next());
        let kib = || value.and_then(|value| value.parse::<f64>().ok());
        match key {
            "Size:" => of_guest = kib()? >= (MEMORY_MIB << 10) as f64 / 2.0,
            "Private_Clean:" | "Private_Dirty:" if !of_guest => all += kib()? * 1024.0,
            _ => {}
        }
    }
    Some(all)
}

fn number(json: &str, name: &str) -> Option<f64> {
    let (_, rest) = json.split_once(&format!("\"{name}\":"))?;
    rest.split([',', '}']).next()?.parse().ok()
}

/// An ELF kernel of 53 MiB whose first instructions write to the serial port for ever.
fn image(path: &Path) -> Result<(), String> {
    let code = [0xff, 0xc3, 0x88, 0xd8, 0x66, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf5];
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    bytes.extend([0x100_0000u64, 64, 0].iter().flat_map(|number| number.to_le_bytes()));
    bytes.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0]);
    let body = [0x1000, 0x100_0000, 0x100_0000, IMAGE_BYTES, IMAGE_BYTES, 0x1000u64];
    bytes.extend(body.iter().flat_map(|number| number.to_le_bytes()));
    let written = File::create(path).and_then(|file| {
        file.set_len(0x1000 + IMAGE_BYTES)?;
        file.write_all_at(&bytes, 0)?;
        file.write_all_at(&code, 0x1000)
    });
    written.map_err(|error| format!("{}: {error}", path.display()))
}

fn bare(place: &Place, patience: Patience) -> Result<Vec<Row>, String> {
    let kernel = place.path("kernel");
    image(Path::new(&kernel))?;
    let flags = ["--kernel", kernel.as_str()];
    let (mut setup, mut memory, mut restored) = (Pairs::default(), Pairs::default(), Pairs::default());
    let began = Instant::now();
    let mut written = None;
    while setup.len() < patience.pairs_max && (began.elapsed() < patience.span || setup.len() < 5) {
        let (probe, _) = timed(|| Command::new(&place.program).arg("probe").output());
        let monitor = place.start(&flags)?;
        monitor.ask("\"do\":\"wait\",\"phase\":\"booted\"")?;
        setup.push(monitor.count("setup_us")? * 1e3, probe);
        if let Some(bytes) = monitor.private_bytes() {
            memory.push(bytes, (MEMORY_MIB << 20) as f64);
        }
        if written.is_none() {
            written = Some(timed(|| monitor.ask("\"do\":\"snapshot\",\"name\":\"bare\"")).0);
        }
        monitor.stop()?;
        let (mapped, _) = timed(|| mapped(&place.dir.join("snapshots/bare/memory")));
        let monitor = place.start(&[&flags[..], &["--start", "restore=bare"]].concat())?;
        monitor.ask("\"do\":\"wait\",\"phase\":\"booted\"")?;
        restored.push(monitor.count("setup_us")? * 1e3, mapped);
        monitor.stop()?;
    }
    Ok(vec![
        Row::new("start to first instruction", Unit::Nanoseconds, &setup)
            .at_most_each(SETUP.as_nanos() as f64)
            .note("an image of 53 MiB, jailed; vs a whole `oxydra-vmm probe`"),
        Row::new("memory besides the guest's", Unit::Bytes, &memory)
            .at_most_each(OVERHEAD_BYTES)
            .note("private pages of monitor and warden; vs the guest's size"),
        Row::new("restore to next instruction", Unit::Nanoseconds, &restored).note(format!(
            "vs reading the same file; its writing took {:.1} ms",
            written.unwrap_or(f64::NAN) / 1e6
        )),
    ])
}

/// The yardstick of a restore that reads what it restores.
fn mapped(path: &Path) -> usize {
    fs::read(path).map_or(0, |bytes| bytes.len())
}

/// A whole boot and a whole restore, both to the answer of the agent, on this machine's own KVM.
fn booted(scale: &Scale, program: &Path) -> Vec<Row> {
    let (name, call) = ("restore to the agent's answer", "call of the agent");
    let probed = Command::new(program).arg("probe").output();
    if !probed.as_ref().is_ok_and(|output| output.status.success()) {
        let said =
            probed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let why = said.lines().next().unwrap_or("the probe failed");
        return vec![Row::not_measured(name, format!("{why} (the part `nested` measures it in QEMU)"))];
    }
    let Some((kernel, initrd)) = &scale.images else {
        return vec![Row::not_measured(
            name,
            "name --kernel and --initrd of an image of `cargo xtask guest build`",
        )];
    };
    let dir = scratch(scale);
    let place = Place { program: program.to_owned(), dir: dir.path().to_owned() };
    match whole(&place, &kernel.display().to_string(), &initrd.display().to_string(), patience(scale)) {
        Err(why) => vec![Row::not_measured(name, why)],
        Ok((restore, calls)) => vec![
            Row::new(name, Unit::Nanoseconds, &restore)
                .at_most(RESTORE_RATIO)
                .note("a new process; vs a boot to the same answer"),
            Row::new(call, Unit::Nanoseconds, &calls)
                .note("CONNECT to OK; vs a round trip to the control socket"),
        ],
    }
}

fn whole(place: &Place, kernel: &str, initrd: &str, patience: Patience) -> Result<(Pairs, Pairs), String> {
    let flags = ["--kernel", kernel, "--initrd", initrd, "--guest-port", "1025"];
    let (boot, monitor) = timed(|| answered(place, &flags));
    let monitor = monitor?;
    monitor.ask("\"do\":\"snapshot\",\"name\":\"whole\"")?;
    let calls = Pairs::in_turns(
        patience,
        || timed(|| called(place)).0,
        || timed(|| monitor.ask("\"do\":\"stats\"")).0,
    );
    monitor.stop()?;
    let mut restore = Pairs::default();
    for _ in 0..patience.pairs_max.min(5) {
        let (took, monitor) =
            timed(|| answered(place, &[&flags[..], &["--start", "restore=whole"]].concat()));
        restore.push(took, boot);
        monitor?.stop()?;
    }
    Ok((restore, calls))
}

fn answered<'a>(place: &'a Place, flags: &[&str]) -> Result<Monitor<'a>, String> {
    let monitor = place.start(flags)?;
    monitor.ask("\"do\":\"wait\",\"phase\":\"agent_ready\"")?;
    called(place)?;
    Ok(monitor)
}

/// Calls the agent and waits until it has picked up.
fn called(place: &Place) -> Result<(), String> {
    let said = |error: std::io::Error| error.to_string();
    let mut stream = UnixStream::connect(place.dir.join("v")).map_err(said)?;
    stream.write_all(b"CONNECT 1024\n").map_err(said)?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).map_err(said)?;
    if line.starts_with("OK ") { Ok(()) } else { Err(format!("the agent did not pick up: {line:?}")) }
}
