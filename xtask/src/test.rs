//! `cargo xtask test`: runs lanes of tests and says which ran, which did not, and why. Only lanes that exist are listed.
use crate::{
    Fallible, cargo, clocks, fuzz, guest, peers,
    report::{Counts, Outcome, Report},
    strace,
};
use std::{
    ffi::OsString,
    io::{BufRead, BufReader, Write},
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

/// A lane.
struct Lane {
    name: &'static str,
    /// What it tests, for a person who reads the heading.
    about: &'static str,
    /// Whether a plain `test` runs it: it needs nothing but the toolchain and is done in minutes.
    is_usual: bool,
    /// What it needs besides the toolchain.
    needs: Option<Need>,
    /// Arguments to cargo, one command after the other; the last is the test run.
    commands: &'static [&'static [&'static str]],
    /// What its tests find in their environment when there is time.
    long: &'static [(&'static str, &'static str)],
}

/// What a lane needs besides the toolchain.
struct Need {
    /// In words, for a report of what was skipped.
    what: &'static str,
    /// Fetches it, or says why it cannot.
    fetch: fn() -> Fallible<()>,
}

/// Every lane.
const LANES: &[Lane] = &[
    Lane {
        name: "unit",
        about: "each package by itself: every graph crashed behind every record, and what must not compile",
        is_usual: true,
        needs: None,
        commands: &[&["test", "--workspace", "--exclude", "tests", "--no-fail-fast"]],
        long: &[],
    },
    Lane {
        name: "flows",
        about: "the whole system from the outside",
        is_usual: true,
        needs: None,
        // The flows start the program, so it has to be there and be new.
        commands: &[
            &["build", "--package", "daemon", "--bin", "oxydra"],
            &["test", "--package", "tests", "--lib", "--test", "flows", "--no-fail-fast"],
        ],
        long: &[],
    },
    Lane {
        name: "crash",
        about: "the program killed from outside, anywhere, and started again",
        is_usual: false,
        needs: None,
        // What it hit is printed, so its output is not held back.
        commands: &[
            &["build", "--package", "daemon", "--bin", "oxydra"],
            &["test", "--package", "tests", "--test", "crash", "--", "--nocapture"],
        ],
        long: &[("CRASH_KILLS", "2000")],
    },
    Lane {
        name: "loom",
        about: "what threads share in the engine, in every order in which they can meet",
        is_usual: false,
        needs: None,
        // The engine by itself, with a model checker's locks for the system's: nothing else is built with them.
        commands: &[&["test", "--package", "engine", "--features", "loom", "--lib", "models::"]],
        long: &[("MODEL_PREEMPTIONS", "3")],
    },
    Lane {
        name: "traced",
        about: "the order of writes and syncs, and what a monitor asks of its host, as the kernel sees it",
        is_usual: false,
        needs: Some(Need { what: "it needs strace, a package of Debian", fetch: strace::install }),
        commands: &[
            &["test", "--package", "engine", "--test", "it", "--", "--ignored", "traced::"],
            // `unit` runs it as well, and says that it did nothing where nobody installed strace.
            &["test", "--package", "microvm", "--test", "it", "--", "every_call_that_a_thread_makes"],
        ],
        long: &[],
    },
    Lane {
        name: "clocks",
        about: "a process under a wall clock that somebody sets",
        is_usual: false,
        needs: Some(Need { what: "it needs libfaketime, a package of Debian", fetch: clocks::install }),
        commands: &[
            &["build", "--package", "engine", "--example", "clocks"],
            &["test", "--package", "tests", "--test", "clocks"],
        ],
        long: &[],
    },
    Lane {
        name: "peers",
        about: "the whole system against servers that others wrote",
        is_usual: false,
        needs: Some(Need {
            what: "it needs node, npm and python, a package from npm and some from PyPI",
            fetch: peers::install,
        }),
        commands: &[
            &["build", "--package", "daemon", "--bin", "oxydra"],
            &["test", "--package", "tests", "--test", "peers", "--no-fail-fast"],
        ],
        long: &[],
    },
    Lane {
        name: "fuzz",
        about: "what reads bytes that others wrote, half a minute for each reader",
        is_usual: false,
        needs: Some(Need { what: "it needs a compiler for C++", fetch: fuzz::install }),
        commands: &[&["xtask", "fuzz", "--seconds", "30"]],
        long: &[],
    },
    Lane {
        name: "vm",
        about: "guests: the agent as process 1 of a stock kernel in QEMU",
        is_usual: false,
        needs: Some(Need {
            what: "it needs QEMU, and a kernel from the distribution's packages",
            fetch: guest::install,
        }),
        commands: &[&["xtask", "guest", "lane", "direct"]],
        long: &[],
    },
    Lane {
        name: "nested",
        about: "in a QEMU that has KVM, our monitor with guests of its own",
        is_usual: false,
        needs: Some(Need {
            what: "it needs QEMU, and a kernel from the distribution's packages",
            fetch: guest::install,
        }),
        commands: &[&["xtask", "guest", "lane", "nested"]],
        long: &[("GUEST_ROUNDS", "20")],
    },
];

/// Runs the lanes that the arguments ask for.
pub(crate) fn test(arguments: Vec<OsString>) -> Fallible<ExitCode> {
    let Order { asked, is_long } = Order::parse(arguments)?;
    cargo::toolchain();
    let mut report = Report::default();
    for lane in LANES {
        if !asked.wants(lane) {
            const WHY: &str = "not asked for: `--all` runs it, and its name does";
            report.add(lane.name, Outcome::Skipped(WHY), Counts::default(), Default::default());
            continue;
        }
        println!("lane {}: {}", lane.name, lane.about);
        let started = Instant::now();
        if let Some(Need { what, fetch }) = &lane.needs
            && let Err(why) = fetch()
        {
            println!("lane {}: {what}, but {why}", lane.name);
            // Who asked for it by name, or for all, must not take silence for success.
            report.add(lane.name, Outcome::Failed, Counts::default(), started.elapsed());
            continue;
        }
        let (outcome, counts) = run(lane, if is_long { lane.long } else { &[] })?;
        report.add(lane.name, outcome, counts, started.elapsed());
    }
    println!("{report}");
    Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs every lane; that one fails is an error.
pub(crate) fn all() -> Fallible<()> {
    let code = test(vec!["--all".into()])?;
    if code == ExitCode::SUCCESS { Ok(()) } else { Err("tests failed".to_owned()) }
}

fn run(lane: &Lane, variables: &[(&str, &str)]) -> Fallible<(Outcome, Counts)> {
    let mut counts = Counts::default();
    for arguments in lane.commands {
        let mut command = cargo::cargo_in_root(arguments);
        if !counted(command.envs(variables.iter().copied()), &mut counts)? {
            return Ok((Outcome::Failed, counts));
        }
    }
    Ok((Outcome::Passed, counts))
}

/// Runs the command, shows its output as it comes and counts the tests in it; returns whether it succeeded.
fn counted(command: &mut Command, counts: &mut Counts) -> Fallible<bool> {
    let name = cargo::shown(command);
    let said = |error: std::io::Error| format!("cannot run `{name}`: {error}");
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(said)?;
    let output = child.stdout.take().expect("its output is piped");
    let mut screen = std::io::stdout().lock();
    for line in BufReader::new(output).split(b'\n') {
        let line = line.map_err(said)?;
        let text = String::from_utf8_lossy(&line);
        counts.take(&text);
        writeln!(screen, "{text}").map_err(said)?;
    }
    Ok(child.wait().map_err(said)?.success())
}

/// What a person asked for.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    asked: Asked,
    /// Whether there is time: `--long`.
    is_long: bool,
}

/// The lanes that a person asked for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// Every lane, whatever it needs.
    All,
    /// Those that need nothing but the toolchain and are done in minutes.
    Usual,
    /// These.
    Named(Vec<String>),
}

impl Order {
    fn parse(arguments: Vec<OsString>) -> Fallible<Order> {
        let mut parser = lexopt::Parser::from_args(arguments);
        let mut named = Vec::new();
        let (mut all, mut is_long) = (false, false);
        while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
            match argument {
                lexopt::Arg::Long("all") => all = true,
                lexopt::Arg::Long("long") => is_long = true,
                lexopt::Arg::Value(name) => named.push(known(&name.to_string_lossy())?),
                unexpected @ (lexopt::Arg::Long(_) | lexopt::Arg::Short(_)) => {
                    return Err(unexpected.unexpected().to_string());
                }
            }
        }
        let asked = match (all, named.is_empty()) {
            (true, _) => Asked::All,
            (false, true) => Asked::Usual,
            (false, false) => Asked::Named(named),
        };
        Ok(Order { asked, is_long })
    }
}

impl Asked {
    fn wants(&self, lane: &Lane) -> bool {
        match self {
            Asked::All => true,
            Asked::Usual => lane.is_usual,
            Asked::Named(names) => names.iter().any(|name| name == lane.name),
        }
    }
}

fn known(name: &str) -> Fallible<String> {
    let names: Vec<_> = LANES.iter().map(|lane| lane.name).collect();
    if names.contains(&name) {
        Ok(name.to_owned())
    } else {
        Err(format!("no lane `{name}`; there are {}", names.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(arguments: &[&str]) -> Fallible<Asked> {
        ordered(arguments).map(|order| order.asked)
    }

    fn ordered(arguments: &[&str]) -> Fallible<Order> {
        Order::parse(arguments.iter().map(OsString::from).collect())
    }

    #[test]
    fn lanes_are_all_usual_or_named() {
        assert_eq!(asked(&[]), Ok(Asked::Usual));
        assert_eq!(asked(&["--all"]), Ok(Asked::All));
        assert_eq!(asked(&["flows"]), Ok(Asked::Named(vec!["flows".into()])));
        let wanted = |asked: Asked| {
            LANES.iter().filter(|lane| asked.wants(lane)).map(|lane| lane.name).collect::<Vec<_>>()
        };
        assert_eq!(wanted(Asked::Named(vec!["flows".into()])), ["flows"]);
        assert_eq!(wanted(Asked::Usual), ["unit", "flows"]);
        assert_eq!(wanted(Asked::All).len(), LANES.len());
        assert_eq!(wanted(Asked::Named(vec!["nested".into()])), ["nested"]);
    }

    #[test]
    fn a_long_run_is_asked_for_beside_the_lanes() {
        let crash = Asked::Named(vec!["crash".into()]);
        assert_eq!(ordered(&["crash", "--long"]), Ok(Order { asked: crash, is_long: true }));
        assert_eq!(ordered(&[]), Ok(Order { asked: Asked::Usual, is_long: false }));
    }

    #[test]
    fn what_is_no_lane_and_no_flag_is_refused() {
        assert_eq!(
            asked(&["weather"]),
            Err("no lane `weather`; there are unit, flows, crash, loom, traced, clocks, peers, fuzz, vm, nested"
                .into())
        );
        assert!(asked(&["--fast"]).is_err());
        assert!(asked(&["--all=yes"]).is_err());
    }
}
