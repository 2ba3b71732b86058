//! `cargo xtask bench`: builds the benches with optimisation and runs them; what is measured is said by `bench` itself. It
//! judges no number: on a shared machine a time proves nothing.
use crate::{Fallible, cargo};
use std::{env, ffi::OsString, path::PathBuf, process::ExitCode};

/// Runs `bench` with the arguments; `--peers`, which is ours, also builds what it is compared with.
pub(crate) fn bench(arguments: Vec<OsString>) -> Fallible<ExitCode> {
    let (peers, arguments): (Vec<_>, Vec<_>) =
        arguments.into_iter().partition(|argument| argument == "--peers");
    let mut command = cargo::cargo_in_root(&["run", "--quiet", "--profile", "bench", "--package", "bench"]);
    if arguments.iter().any(|argument| argument == "vmm") {
        command.env("OXYDRA_VMM", monitor()?);
    }
    if !peers.is_empty() {
        command.args(["--features", "peers"]);
    }
    let status = cargo::status(command.arg("--").args(arguments))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Builds the monitor as it is shipped, static and with all optimisation, and returns where it is.
fn monitor() -> Fallible<PathBuf> {
    const TARGET: &str = "x86_64-unknown-linux-gnu";
    let build = ["build", "--quiet", "--release", "--target", TARGET, "--package", "microvm", "--bins"];
    let mut command = cargo::cargo_in_root(&build);
    // Named by target, so that it does not reach build scripts and macros.
    command.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "-Ctarget-feature=+crt-static");
    cargo::succeed(&mut command)?;
    let ourselves = env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    // target/debug/xtask
    let target =
        ourselves.ancestors().nth(2).expect("cargo puts it into a directory of the target directory");
    Ok(target.join(TARGET).join("release/oxydra-vmm"))
}
