//! The program `oxydra-vmm`: runs one guest, asks a running monitor, or looks whether this machine can run guests at all.
//! Parses words; everything else is the library's.
use lexopt::{Arg, Parser, ValueExt};
use microvm::{
    chain,
    config::{Config, Disk, Jail, Seccomp, Start},
    control::{Command, Extent, Outcome as Replied, Phase, ask},
    probe::{Verdict, probe},
    run::{Outcome, RunError, run},
};
use std::{path::PathBuf, process::ExitCode};

const HELP: &str = "\
oxydra-vmm run [--config FILE] [FLAGS]      runs one guest until it ends
oxydra-vmm ask SOCKET COMMAND [WORD ...]    asks a running monitor, and prints its reply
oxydra-vmm calls                            lists the system calls that each thread may make, and why
oxydra-vmm jail                             goes to jail without a guest, and says whether it holds here
oxydra-vmm probe [--json]                   says whether this machine can run guests, and what to do if not

flags of run, each also a key of the JSON file that --config names:
  --kernel FILE       an uncompressed ELF kernel, or a bzImage
  --initrd FILE       the initramfs
  --cmdline TEXT      the kernel's command line (console=ttyS0 panic=-1 quiet)
  --memory MIB        memory (256)
  --vcpus N           processors (1)
  --disk FILE         a disk that the guest reads; again for another
  --disk-rw FILE      a disk that the guest also writes: its writes go with it, the file stays as it is
  --socket PATH       the control socket
  --vsock PATH        the socket on which the host dials the guest; the guest dials PATH_<port>
  --guest-port PORT   a port of the host that the guest may dial; again for another
  --log FILE          the beginning of the serial log
  --snapshots DIR     where snapshots are
  --outbox DIR        where this guest's are written, if not there: then it can write no other
  --agent TEXT        which agent is in the initramfs: snapshots of another are refused
  --cgroup DIR        a control group for this guest; again for another hierarchy of version 1
  --start WHAT        boot (default), wait, restore=NAME, or golden=NAME: restore it if it fits, else boot and write it anew
  --jail on|off       namespaces, an empty root, no capabilities (on)
  --seccomp kill|log|off   what a system call that is on no list does (kill)

commands of ask: boot, restore NAME, pause, resume, snapshot NAME [difference], stats, log, balloon MIB,
  wait booted|agent_ready|paused, stop

exit codes of run: 0 powered off or stopped · 1 the monitor failed · 2 usage or configuration · 3 the guest reset ·
  4 the guest crashed · 5 the monitor was killed
";

fn main() -> ExitCode {
    match asked() {
        Ok(Asked::Help) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(Asked::Run(config)) => ran(*config),
        Ok(Asked::Jail) => match microvm::inspect() {
            Ok(code) => u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from),
            Err(error) => {
                eprintln!("oxydra-vmm: {}", chain(&error));
                ExitCode::FAILURE
            }
        },
        Ok(Asked::Calls) => {
            print!("{}", microvm::lists());
            ExitCode::SUCCESS
        }
        Ok(Asked::Probe { json }) => probed(json),
        Ok(Asked::Ask(socket, command)) => told(&socket, command),
        Err(why) => {
            eprintln!("oxydra-vmm: {why}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

enum Asked {
    Help,
    Run(Box<Config>),
    Ask(PathBuf, Command),
    Probe { json: bool },
    Calls,
    Jail,
}

fn probed(json: bool) -> ExitCode {
    let found = probe();
    match json {
        true => println!("{}", serde_json::to_string(&found).expect("a probe holds text and numbers only")),
        false => {
            println!("{}: {}", if found.verdict == Verdict::Real { "yes" } else { "no" }, found.why);
            if !found.remedy.is_empty() {
                println!("{}", found.remedy);
            }
        }
    }
    if found.verdict == Verdict::Real { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn ran(config: Config) -> ExitCode {
    use microvm::End;
    let outcome = match microvm::alone().map_err(RunError::from).and_then(|()| run(config)) {
        Ok(outcome) => outcome,
        Err(error) => {
            eprintln!("oxydra-vmm: {}", chain(&error));
            return ExitCode::from(error.code());
        }
    };
    match outcome {
        Outcome::Ended(End::PoweredOff | End::Stopped) => ExitCode::SUCCESS,
        Outcome::Ended(End::Reset) => ExitCode::from(3),
        Outcome::Ended(End::Crashed(why)) => {
            eprintln!("oxydra-vmm: the guest crashed: {why}");
            ExitCode::from(4)
        }
        Outcome::Ended(End::Broken(why)) => {
            eprintln!("oxydra-vmm: the monitor failed: {why}");
            ExitCode::FAILURE
        }
        Outcome::Exited(code) => u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from),
        Outcome::Killed(signal) => {
            let sigsys = if signal == libc::SIGSYS { ", for a system call that is on no list" } else { "" };
            eprintln!("oxydra-vmm: signal {signal} killed the monitor{sigsys}");
            ExitCode::from(5)
        }
    }
}

fn told(socket: &std::path::Path, command: Command) -> ExitCode {
    match ask(socket, command) {
        Ok(reply) => {
            println!("{}", as_ascii(&reply.line()));
            if matches!(reply.outcome, Replied::Ok(_)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("oxydra-vmm: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// The same JSON, as a terminal can be shown it: what a guest wrote is in it.
fn as_ascii(json: &str) -> String {
    let mut line = String::new();
    for letter in json.chars() {
        match letter {
            ' '..='~' => line.push(letter),
            other => {
                let mut units = [0; 2];
                other.encode_utf16(&mut units).iter().for_each(|unit| line += &format!("\\u{unit:04x}"));
            }
        }
    }
    line
}

fn asked() -> Result<Asked, String> {
    let mut parser = Parser::from_env();
    let word = match parser.next().map_err(said)? {
        None => return Ok(Asked::Help),
        Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Asked::Help),
        Some(Arg::Value(word)) => word.string().map_err(said)?,
        Some(other @ (Arg::Long(_) | Arg::Short(_))) => return Err(other.unexpected().to_string()),
    };
    match word.as_str() {
        "run" => configured(&mut parser)
            .map(|asked| asked.map_or(Asked::Help, |config| Asked::Run(Box::new(config)))),
        "ask" => question(&mut parser),
        "jail" => {
            parser.next().map_err(said)?.map_or(Ok(Asked::Jail), |other| Err(other.unexpected().to_string()))
        }
        "calls" => {
            parser.next().map_err(said)?.map_or(Ok(Asked::Calls), |other| Err(other.unexpected().to_string()))
        }
        "probe" => match parser.next().map_err(said)? {
            None => Ok(Asked::Probe { json: false }),
            Some(Arg::Long("json")) => Ok(Asked::Probe { json: true }),
            Some(other) => Err(other.unexpected().to_string()),
        },
        _ => Err(format!("there is no command `{word}`")),
    }
}

fn said(error: lexopt::Error) -> String {
    error.to_string()
}

/// The file first, then flags over it, wherever they stand.
fn configured(parser: &mut Parser) -> Result<Option<Config>, String> {
    let mut file = None;
    let mut flags: Vec<(String, String)> = Vec::new();
    while let Some(argument) = parser.next().map_err(said)? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(None),
            Arg::Long("config") => file = Some(PathBuf::from(parser.value().map_err(said)?)),
            Arg::Long(name) => {
                let name = name.to_owned();
                flags.push((name, parser.value().and_then(|value| value.string()).map_err(said)?));
            }
            other @ (Arg::Short(_) | Arg::Value(_)) => return Err(other.unexpected().to_string()),
        }
    }
    let mut config = match file {
        None => Config::default(),
        Some(path) => {
            let text = std::fs::read_to_string(&path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            Config::parse(&text).map_err(|error| format!("{}: {error}", path.display()))?
        }
    };
    for (name, value) in flags {
        set(&mut config, &name, value)?;
    }
    Ok(Some(config))
}

fn set(config: &mut Config, name: &str, value: String) -> Result<(), String> {
    let number =
        |value: &str| value.parse::<u64>().map_err(|_| format!("--{name}: `{value}` is not a number"));
    let word = |words: &str| format!("--{name}: `{value}` is not one of {words}");
    match name {
        "kernel" => config.kernel = value.into(),
        "initrd" => config.initrd = Some(value.into()),
        "cmdline" => config.cmdline = value,
        "memory" => config.memory_mib = number(&value)?,
        "vcpus" => config.vcpus = u8::try_from(number(&value)?).unwrap_or(u8::MAX),
        "disk" => config.disks.push(Disk { image: value.into(), writable: false }),
        "disk-rw" => config.disks.push(Disk { image: value.into(), writable: true }),
        "socket" => config.socket = value.into(),
        "vsock" => config.vsock = value.into(),
        "guest-port" => {
            let port = u32::try_from(number(&value)?).map_err(|_| format!("--{name}: {value} is no port"))?;
            config.guest_ports.push(port);
        }
        "log" => config.log = Some(value.into()),
        "snapshots" => config.snapshots = Some(value.into()),
        "outbox" => config.outbox = Some(value.into()),
        "agent" => config.agent = value,
        "cgroup" => config.cgroups.push(value.into()),
        "start" => {
            config.start = start(&value).ok_or_else(|| word("boot, wait, restore=NAME, golden=NAME"))?
        }
        "jail" => {
            config.jail = match value.as_str() {
                "on" => Jail::On,
                "off" => Jail::Off,
                _ => return Err(word("on, off")),
            }
        }
        "seccomp" => {
            config.seccomp = match value.as_str() {
                "kill" => Seccomp::Kill,
                "log" => Seccomp::Log,
                "off" => Seccomp::Off,
                _ => return Err(word("kill, log, off")),
            }
        }
        _ => return Err(format!("there is no flag --{name}")),
    }
    Ok(())
}

fn start(value: &str) -> Option<Start> {
    match value {
        "boot" => Some(Start::Boot),
        "wait" => Some(Start::Wait),
        other => match other.split_once('=')? {
            ("restore", name) => name.parse().ok().map(Start::Restore),
            ("golden", name) => name.parse().ok().map(Start::Golden),
            _ => None,
        },
    }
}

fn question(parser: &mut Parser) -> Result<Asked, String> {
    let mut words = Vec::new();
    while let Some(argument) = parser.next().map_err(said)? {
        match argument {
            Arg::Value(word) => words.push(word.string().map_err(said)?),
            other @ (Arg::Long(_) | Arg::Short(_)) => return Err(other.unexpected().to_string()),
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [socket, rest @ ..] = &words[..] else { return Err("ask whom? name a control socket".to_owned()) };
    let name = |name: &str| name.parse().map_err(|why: String| why);
    let command = match rest {
        ["boot"] => Command::Boot {},
        ["restore", word] => Command::Restore { name: name(word)? },
        ["pause"] => Command::Pause {},
        ["resume"] => Command::Resume {},
        ["snapshot", word] => Command::Snapshot { name: name(word)?, extent: Extent::Full },
        ["snapshot", word, "difference"] => {
            Command::Snapshot { name: name(word)?, extent: Extent::Difference }
        }
        ["stats"] => Command::Stats {},
        ["log"] => Command::Log {},
        ["balloon", mib] => {
            Command::Balloon { mib: mib.parse().map_err(|_| format!("`{mib}` is not a number"))? }
        }
        ["wait", word] => Command::Wait { phase: phase(word)? },
        ["stop"] => Command::Stop {},
        _ => return Err(format!("`{}` is no command", rest.join(" "))),
    };
    Ok(Asked::Ask(socket.into(), command))
}

fn phase(word: &str) -> Result<Phase, String> {
    let phases = [Phase::Booted, Phase::AgentReady, Phase::Paused];
    phases
        .into_iter()
        .find(|phase| phase.word() == word)
        .ok_or_else(|| format!("nobody can wait for `{word}`"))
}
