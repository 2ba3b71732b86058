//! `cargo xtask guest`: builds what guests are made of, statically, and starts the program that drives them. What that
//! needs is built there, not here: this package stays light.
use crate::{Fallible, apt, cargo};
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// The one target that the toolchain has. Named, so that the flags below do not reach build scripts and macros.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// A guest has no libraries, and neither has a jail.
const STATIC: (&str, &str) =
    ("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS", "-Ctarget-feature=+crt-static");

/// Runs `guests` with the arguments.
pub(crate) fn guest(arguments: Vec<OsString>) -> Fallible<ExitCode> {
    let built = built()?;
    let mut command = Command::new(built.join("guests"));
    if arguments_are(&arguments, &["lane", "nested"]) {
        command.env("OXYDRA_BARE_GUESTS", bare_guests()?);
    }
    let status = cargo::status(name_to(&built, command.args(arguments))?)?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Tells a program where guests are, and what they are made of.
pub(crate) fn name_to<'a>(built: &Path, command: &'a mut Command) -> Fallible<&'a mut Command> {
    if env::var_os("OXYDRA_GUEST_HOME").is_none() {
        command.env("OXYDRA_GUEST_HOME", target()?.join("guest"));
    }
    for (variable, name) in
        [("OXYDRA_AGENT", "oxydra-agent"), ("OXYDRA_VMM", "oxydra-vmm"), ("OXYDRA_GUESTS", "guests")]
    {
        command.env(variable, built.join(name));
    }
    Ok(command)
}

/// Builds what guests are made of as it is shipped, static and with all optimisation, and returns where it is.
pub(crate) fn built() -> Fallible<PathBuf> {
    let mut command = cargo::cargo_in_root(&["build", "--quiet", "--release", "--target", TARGET, "--bins"]);
    for package in ["agent", "microvm", "guests"] {
        command.args(["--package", package]);
    }
    cargo::succeed(command.env(STATIC.0, STATIC.1))?;
    Ok(target()?.join(TARGET).join("release"))
}

fn arguments_are(arguments: &[OsString], words: &[&str]) -> bool {
    arguments.len() >= words.len() && arguments.iter().zip(words).all(|(argument, word)| argument == word)
}

/// Builds the monitor's tests from the outside as a program that needs no library either, so that the lane can run them where
/// there is a KVM for sure. Returns where it is.
fn bare_guests() -> Fallible<PathBuf> {
    let mut command = cargo::cargo_in_root(&["test", "--quiet", "--release", "--target", TARGET, "--no-run"]);
    command.args(["--package", "microvm", "--test", "it", "--message-format", "json"]);
    let said = cargo::output(command.env(STATIC.0, STATIC.1))?;
    // One object per line; a program that is a test has a path.
    let line =
        said.lines().find(|line| line.contains("\"name\":\"it\"") && line.contains("\"executable\":\"/"));
    let path = line.and_then(|line| line.split_once("\"executable\":\"")?.1.split('"').next());
    path.map(PathBuf::from).ok_or_else(|| "cargo built no tests of the monitor".to_owned())
}

/// The directory that cargo builds into.
fn target() -> Fallible<PathBuf> {
    let ourselves = env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    // target/debug/xtask
    let target =
        ourselves.ancestors().nth(2).expect("cargo puts it into a directory of the target directory");
    Ok(target.to_owned())
}

/// What the lane `vm` needs besides a toolchain.
const EMULATOR: &str = "qemu-system-x86_64";
/// The packages that guests are made from; their lists are needed, and nothing of them is installed.
const KERNEL: &str = "linux-image-cloud-amd64";

/// Installs what the lane needs and is not there. Kernels are replaced often, and an old list names one that is gone.
pub(crate) fn install() -> Fallible<()> {
    if let Err(why) = apt::update()
        && !apt::knows(KERNEL)
    {
        return Err(format!("the lane takes a kernel from the distribution, and {why}"));
    }
    if Command::new(EMULATOR).arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    apt::install(&["qemu-system-x86", "seabios"])
}
