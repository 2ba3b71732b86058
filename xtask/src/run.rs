//! `cargo xtask run`: builds the program and becomes `oxydra run`. It adds nothing to its input, output or exit code.
use crate::{Fallible, cargo};
use std::{ffi::OsString, os::unix::process::CommandExt, process::Command, process::ExitCode};

/// Builds, then is replaced by the program.
pub(crate) fn run(arguments: Vec<OsString>) -> Fallible<ExitCode> {
    cargo::toolchain();
    let program = cargo::build_program()?;
    // `exec` returns only if it failed.
    let error = Command::new(&program).arg("run").args(arguments).exec();
    Err(format!("cannot start {}: {error}", program.display()))
}
