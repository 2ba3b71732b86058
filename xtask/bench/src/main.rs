//! `cargo xtask bench`: what the house costs, as ratios against something measured in the same run. It fails no build:
//! on a shared machine a time proves nothing, so it prints, and a person reads.
mod append;
mod compile;
mod crowds;
mod fork;
mod gigabyte;
mod graphs;
mod house;
mod instructions;
mod lists;
mod machine;
mod measure;
mod memory;
mod moves;
mod nested;
mod peers;
mod pin;
mod providers;
mod raw;
mod recovery;
mod table;
mod vmm;

use machine::Machine;
use measure::Patience;
use std::{path::PathBuf, process::ExitCode, time::Duration};
use table::Row;
use tempfile::TempDir;

const HELP: &str = "\
bench engine [--quick] [--json] [--only TEXT] [--records N] [--dir DIR]
bench providers [--quick] [--json] [--only TEXT]

  --quick      fewer pairs: the shape of the table, not its numbers
  --json       one line of JSON per row
  --only TEXT  only the parts whose name holds it: append, moves, crowds, recovery, gigabyte, lists, memory, compile,
               instructions;
               of the providers: first, parsers, many
  --records N  the records of the journal that is recovered
  --dir DIR    where the journals are put: on the disk that is meant (beside this program)

bench vmm [--quick] [--json] [--only TEXT] [--dir DIR] [--kernel FILE --initrd FILE]

  what a guest costs, in five parts: program (its size and its calls), bare (a guest of a few instructions, where /dev/kvm
  opens), boot (a kernel, where KVM is one that it boots on, with the images of a guest), nested (a kernel, in a machine that
  QEMU emulates: a minute or two), lane (how long the whole nested lane takes; not with --quick)

On a busy machine a thread that wakes up waits for its turn, and that is all one sees. As root, `chrt -f 1` before the
program measures as on a quiet one.
";

/// How much to measure, and where.
#[derive(Debug, Clone)]
pub(crate) struct Scale {
    pub(crate) quick: bool,
    pub(crate) json: bool,
    pub(crate) only: String,
    pub(crate) records: Option<u64>,
    pub(crate) dir: PathBuf,
    /// A guest's kernel and its initramfs, for the rows that boot one on this machine.
    pub(crate) images: Option<(PathBuf, PathBuf)>,
}

impl Scale {
    /// How long one row may take.
    pub(crate) fn patience(&self) -> Patience {
        if self.quick {
            Patience { span: Duration::from_millis(700), pairs_max: 60 }
        } else {
            Patience { span: Duration::from_secs(5), pairs_max: 400 }
        }
    }
}

/// A directory for one bench, on the disk that is measured; it goes when the bench is over.
pub(crate) fn scratch(scale: &Scale) -> TempDir {
    TempDir::with_prefix_in("bench-", &scale.dir).expect("the directory of the benches takes directories")
}

/// A part of the table.
pub(crate) type Part = (&'static str, fn(&Scale) -> Vec<Row>);

const ENGINE: &[Part] = &[
    ("append", append::rows),
    ("moves", moves::rows),
    ("crowds", crowds::rows),
    ("recovery", recovery::rows),
    ("gigabyte", gigabyte::rows),
    ("lists", lists::rows),
    ("memory", memory::rows),
    ("fork", fork::rows),
    ("compile", compile::rows),
    ("instructions", instructions::rows),
];

const PROVIDERS: &[Part] =
    &[("first", providers::first), ("parsers", providers::parsers), ("many", providers::many)];

fn main() -> ExitCode {
    let done = asked().and_then(|asked| match asked {
        Asked::Table { parts, scale } => measured(parts, &scale),
        Asked::Work { kind, times, dir } => instructions::work(&kind, times, &dir),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bench: {why}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn measured(parts: &[Part], scale: &Scale) -> Result<(), String> {
    let parts: Vec<_> = parts.iter().filter(|(name, _)| name.contains(&scale.only)).collect();
    if parts.is_empty() {
        return Err(format!("there is no part `{}`", scale.only));
    }
    for (index, (_, rows)) in parts.into_iter().enumerate() {
        shown(scale, rows(scale), index == 0);
    }
    Ok(())
}

/// Prints rows, after the machine and a heading if they are the first.
fn shown(scale: &Scale, rows: Vec<Row>, first: bool) {
    if first {
        let machine = Machine::look(&scale.dir);
        let heading = format!("{}\n{}", machine.line(), table::heading());
        println!("{}", if scale.json { machine.json() } else { heading });
    }
    for row in rows {
        println!("{}", if scale.json { row.json() } else { row.line() });
    }
}

/// What a person, or this program itself, asked for.
enum Asked {
    Table { parts: &'static [Part], scale: Scale },
    Work { kind: String, times: u32, dir: PathBuf },
}

fn asked() -> Result<Asked, String> {
    use lexopt::{Arg, ValueExt};
    let said = |error: lexopt::Error| error.to_string();
    let mut parser = lexopt::Parser::from_env();
    let mut scale =
        Scale { quick: false, json: false, only: String::new(), records: None, dir: beside()?, images: None };
    let mut words = Vec::new();
    let (mut kernel, mut initrd) = (None, None);
    while let Some(argument) = parser.next().map_err(said)? {
        match argument {
            Arg::Long("quick") => scale.quick = true,
            Arg::Long("json") => scale.json = true,
            Arg::Long("only") => {
                scale.only = parser.value().and_then(|value| value.string()).map_err(said)?
            }
            Arg::Long("records") => {
                scale.records = Some(parser.value().and_then(|value| value.parse()).map_err(said)?)
            }
            Arg::Long("dir") => scale.dir = parser.value().map_err(said)?.into(),
            Arg::Long("kernel") => kernel = Some(PathBuf::from(parser.value().map_err(said)?)),
            Arg::Long("initrd") => initrd = Some(PathBuf::from(parser.value().map_err(said)?)),
            Arg::Value(word) => words.push(word.string().map_err(said)?),
            other @ (Arg::Long(_) | Arg::Short(_)) => return Err(other.unexpected().to_string()),
        }
    }
    scale.images = kernel.zip(initrd);
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["engine"] => Ok(Asked::Table { parts: ENGINE, scale }),
        ["providers"] => Ok(Asked::Table { parts: PROVIDERS, scale }),
        ["vmm"] => {
            vmm::program()?;
            Ok(Asked::Table { parts: vmm::PARTS, scale })
        }
        ["work", kind, times, dir] => {
            let times = times.parse().map_err(|_| format!("`{times}` is not a number"))?;
            Ok(Asked::Work { kind: kind.to_owned(), times, dir: dir.into() })
        }
        _ => Err("say what to measure: engine, providers or vmm".to_owned()),
    }
}

/// Beside this program: that is on a disk, and a temporary directory often is not.
fn beside() -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    Ok(here.parent().map(PathBuf::from).unwrap_or_default())
}
