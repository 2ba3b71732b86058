//! The moment between a fork and a command: joins the session's group, leaves the agent's terminal and group of processes,
//! and becomes the command. It runs as a program of its own, because code after a fork cannot be safe.
use std::{
    env,
    ffi::OsString,
    fs, io,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, ExitCode},
};

/// The first argument that makes the agent a helper.
pub const MODE: &str = "become";
/// What a shell says when there is no such program.
const NOT_FOUND: u8 = 127;
/// What a shell says when it cannot be started.
const NOT_STARTED: u8 = 126;

/// What a helper does before it becomes a command: its arguments, in order.
#[derive(Debug, Clone)]
pub struct Steps {
    /// The control group to join.
    pub group: Option<PathBuf>,
    /// Whether its input is a terminal that becomes its own.
    pub terminal: bool,
    /// Where to go; a directory that is gone becomes the nearest parent that is there.
    pub directory: PathBuf,
}

impl Steps {
    /// Returns a command that takes these steps and becomes the program.
    pub fn command(&self, helper: &PathBuf, program: impl IntoIterator<Item = OsString>) -> Command {
        let mut command = Command::new(helper);
        command.arg(MODE).arg(self.group.clone().unwrap_or_default());
        command.arg(if self.terminal { "terminal" } else { "pipes" }).arg(&self.directory).args(program);
        command
    }
}

/// Becomes the command that the arguments after [`MODE`] name. Returns only if it could not.
pub fn become_command(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let mut next = || arguments.next().unwrap_or_default();
    let (group, terminal, directory, program) = (next(), next() == "terminal", PathBuf::from(next()), next());
    let said = |what: &str, error: io::Error| eprintln!("agent: {what}: {error}");
    if !group.is_empty()
        && let Err(error) = fs::write(PathBuf::from(&group).join("cgroup.procs"), "0")
    {
        said("cannot join the session's control group", error);
        return ExitCode::from(NOT_STARTED);
    }
    // A session of its own is a process group of its own, too.
    let own = rustix::process::setsid().map(drop);
    let own = own.and_then(|()| {
        if terminal { rustix::process::ioctl_tiocsctty(rustix::stdio::stdin()) } else { Ok(()) }
    });
    if let Err(error) = own {
        said("cannot leave the agent's terminal", error.into());
        return ExitCode::from(NOT_STARTED);
    }
    if let Err(error) = go(directory) {
        said("cannot enter the session's directory", error);
        return ExitCode::from(NOT_STARTED);
    }
    let error = Command::new(&program).args(arguments).exec();
    let status = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_STARTED };
    said(&format!("cannot start {}", program.display()), error);
    ExitCode::from(status)
}

fn go(directory: PathBuf) -> io::Result<()> {
    directory
        .ancestors()
        .map(env::set_current_dir)
        .find(|outcome| !matches!(outcome, Err(error) if error.kind() == io::ErrorKind::NotFound))
        .unwrap_or(Ok(()))
}
