//! The moment between a fork and a command: leaves the agent's terminal and group of processes, waits to be told what to
//! become, joins the session's group, and becomes it. It runs as a program of its own, because code after a fork cannot be
//! safe, and it is started before there is a command, so that a command costs one start of a program and not two.
use crate::orders::{Order, taken};
use std::{
    env, fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// The first argument that makes the agent a helper. Its input is the socket on which it is told.
pub const MODE: &str = "become";
/// What a shell says when there is no such program.
const NOT_FOUND: u8 = 127;
/// What a shell says when it cannot be started.
const NOT_STARTED: u8 = 126;

/// Waits for an order, and becomes the command that it names. Returns only if it could not, or if there is none.
pub fn become_command() -> ExitCode {
    let said = |what: &str, error: io::Error| {
        eprintln!("agent: {what}: {error}");
        ExitCode::from(NOT_STARTED)
    };
    // A session of its own is a process group of its own, too, and the command's from the beginning.
    if let Err(error) = rustix::process::setsid() {
        return said("cannot leave the agent's terminal", error.into());
    }
    let order = match taken(rustix::stdio::stdin()) {
        Ok(Some(order)) => order,
        // The agent has gone.
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => return said("cannot understand what to become", error),
    };
    let [input, out, err] = &order.streams;
    let own = rustix::stdio::dup2_stdin(input)
        .and_then(|()| rustix::stdio::dup2_stdout(out))
        .and_then(|()| rustix::stdio::dup2_stderr(err));
    if let Err(error) = own {
        return said("cannot take the command's streams", error.into());
    }
    carried_out(order, said)
}

/// From here on its words are the command's.
fn carried_out(order: Order, said: impl Fn(&str, io::Error) -> ExitCode) -> ExitCode {
    let Order { group, terminal, directory, program, arguments, variables, streams } = order;
    drop(streams);
    if let Some(group) = group
        && let Err(error) = fs::write(group.join("cgroup.procs"), "0")
    {
        return said("cannot join the session's control group", error);
    }
    if terminal && let Err(error) = rustix::process::ioctl_tiocsctty(rustix::stdio::stdin()) {
        return said("cannot leave the agent's terminal", error.into());
    }
    if let Err(error) = go(&directory) {
        return said("cannot enter the session's directory", error);
    }
    let error = Command::new(&program).args(arguments).env_clear().envs(variables).exec();
    let is_missing = error.kind() == io::ErrorKind::NotFound;
    let not_started = said(&format!("cannot start {}", PathBuf::from(program).display()), error);
    if is_missing { ExitCode::from(NOT_FOUND) } else { not_started }
}

/// A directory that is gone becomes the nearest parent that is there.
fn go(directory: &Path) -> io::Result<()> {
    directory
        .ancestors()
        .map(env::set_current_dir)
        .find(|outcome| !matches!(outcome, Err(error) if error.kind() == io::ErrorKind::NotFound))
        .unwrap_or(Ok(()))
}
