//! `cargo xtask bench`: builds the benches with optimisation and runs them; what is measured is said by `bench` itself. It
//! judges no number: on a shared machine a time proves nothing.
use crate::{Fallible, cargo, guest};
use std::{ffi::OsString, process::ExitCode};

/// Runs `bench` with the arguments; `--peers`, which is ours, also builds what it is compared with.
pub(crate) fn bench(arguments: Vec<OsString>) -> Fallible<ExitCode> {
    let (peers, arguments): (Vec<_>, Vec<_>) =
        arguments.into_iter().partition(|argument| argument == "--peers");
    let mut command = cargo::cargo_in_root(&["run", "--quiet", "--profile", "bench", "--package", "bench"]);
    if arguments.iter().any(|argument| argument == "vmm") {
        guest::name_to(&guest::built()?, &mut command)?;
    }
    if !peers.is_empty() {
        command.args(["--features", "peers"]);
    }
    let status = cargo::status(command.arg("--").args(arguments))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
