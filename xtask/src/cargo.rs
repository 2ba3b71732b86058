//! Cargo and rustup as this workspace calls them. Decides nothing.
use crate::Fallible;
use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("this package lies in a folder of the workspace").to_owned()
}

/// Returns `cargo`, the same that runs us. It looks at this workspace wherever it is called.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(subcommand);
    // What the cargo that runs us said of our own package: `ring` would be built anew whenever it changes.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Returns `cargo` in the root of the workspace.
pub(crate) fn cargo_in_root(arguments: &[&str]) -> Command {
    let (subcommand, rest) = arguments.split_first().expect("callers name a subcommand");
    let mut command = cargo(subcommand);
    command.args(rest).current_dir(root());
    command
}

/// Runs the command and waits, its output shown as it comes.
pub(crate) fn status(command: &mut Command) -> Fallible<ExitStatus> {
    command.status().map_err(|error| format!("cannot start `{}`: {error}", shown(command)))
}

/// Runs the command; that it fails is an error.
pub(crate) fn succeed(command: &mut Command) -> Fallible<()> {
    if status(command)?.success() { Ok(()) } else { Err(format!("`{}` failed", shown(command))) }
}

/// Runs the command and returns what it printed; that it fails is an error with what it said.
pub(crate) fn output(command: &mut Command) -> Fallible<String> {
    let output = command.output().map_err(|error| format!("cannot start `{}`: {error}", shown(command)))?;
    if !output.status.success() {
        return Err(format!("`{}` failed:\n{}", shown(command), String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = [program].into_iter().chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

/// Makes sure that the toolchain of `rust-toolchain.toml` is whole. Where rustup is told not to install by itself, cargo
/// only says what is missing. Without rustup, or without a network, cargo's own word on it is the better one.
pub(crate) fn toolchain() {
    let install = ["toolchain", "install", "--no-self-update"];
    let mut command = Command::new("rustup");
    // The proxy that started us names a toolchain, and a named one hides the file with its components.
    command.args(install).current_dir(root()).env_remove("RUSTUP_TOOLCHAIN");
    if let Ok(output) = command.output()
        && !output.status.success()
    {
        eprintln!(
            "`{}` failed; going on without it\n{}",
            shown(&command),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// Builds the program, its progress shown, and returns where it is.
pub(crate) fn build_program() -> Fallible<PathBuf> {
    succeed(&mut cargo_in_root(&["build", "--package", "daemon", "--bin", "oxydra"]))?;
    // Cargo puts it beside us: the same target directory, the same profile.
    let ourselves = env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let program = ourselves.with_file_name("oxydra");
    if program.is_file() {
        Ok(program)
    } else {
        Err(format!("cargo built the program, but it is not at {}", program.display()))
    }
}
