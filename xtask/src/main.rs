//! What developers and CI run: `cargo xtask help` lists it. One file per command; it depends on next to nothing, so that
//! the newcomer's first command compiles no databases.
//!
//! A command prints what it does and ends with an exit code; it never hides the output of what it starts.
mod apt;
mod bench;
mod cargo;
mod ci;
mod clocks;
mod draw;
mod fuzz;
mod guest;
mod peers;
mod report;
mod run;
mod strace;
mod test;
mod tidy;

use std::{ffi::OsString, process::ExitCode};

/// What went wrong, in words for whoever typed the command.
type Fallible<T> = Result<T, String>;

const HELP: &str = "\
cargo xtask COMMAND

  run [ARGS…]            build the program and start `oxydra run ARGS…`
  test [--all] [LANE…]   run the lanes named, or every lane; without `--all`, one whose needs are missing is skipped;
                         `--long` kills more often
  ci                     everything that must hold before a merge
  tidy                   check what the compiler cannot: imports, heads, layout, map, drawings
  draw [--check]         print every graph and write its picture into the sources, or check that it is there
  bench engine [ARGS…]   measure the engine against yardsticks in the same run; `--peers` builds others beside it
  guest [COMMAND]        build and drive guests: without a command it lists them
  bench vmm [ARGS…]      measure what a guest costs: on this machine, and with a kernel in one that QEMU emulates
  fuzz [TARGET…]         throw bytes at what reads bytes, ten minutes for each target, two at a time; `--seconds N`,
                         `--minutes N`, `--list`, `--json`, `--merge` to take good inputs into the corpus
  help                   this text
";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let command = arguments.next().unwrap_or_else(|| OsString::from("help"));
    match obey(&command.to_string_lossy(), arguments.collect()) {
        Ok(code) => code,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

fn obey(command: &str, arguments: Vec<OsString>) -> Fallible<ExitCode> {
    match command {
        "run" => run::run(arguments),
        "test" => test::test(arguments),
        "ci" => without(arguments).and_then(|()| ci::ci()),
        "tidy" => without(arguments).and_then(|()| tidy::tidy()),
        "draw" => draw::draw(arguments),
        "bench" => bench::bench(arguments),
        "fuzz" => fuzz::fuzz(arguments),
        "guest" => guest::guest(arguments),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        other => {
            eprintln!("xtask: there is no command `{other}`\n\n{HELP}");
            Ok(ExitCode::from(2))
        }
    }
}

fn without(arguments: Vec<OsString>) -> Fallible<()> {
    match arguments.first() {
        None => Ok(()),
        Some(first) => Err(format!("this command takes no arguments, not `{}`", first.to_string_lossy())),
    }
}
