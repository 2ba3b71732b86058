//! Makes a command out of a request: shell or program, pipes or a terminal, what it finds in its environment. It does not
//! wait for it.
use crate::{
    call::{Call, Pipes},
    helper::Steps,
    reaper::Reaper,
    sessions::Session,
};
use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};
use wire::{ExecCommand, Program, Size, Variable};

/// What a session's shell runs around a script. `$1` is the file of the session's state, `$2` the script. The state is
/// written when the shell ends, however it ends by itself, and replaced whole.
const AROUND: &str = r#"__state=$1 __script=$2
shift 2
if [ -r "$__state" ]; then . "$__state"; cd -- "$(cat "$__state.dir")" 2>/dev/null || :; fi
trap '__status=$?
{ export -p; echo "umask $(umask)"; } >"$__state.$$" && pwd >"$__state.dir.$$" \
  && mv "$__state.dir.$$" "$__state.dir" && mv "$__state.$$" "$__state"
exit $__status' EXIT
eval "$__script""#;

/// Starts commands.
#[derive(Debug)]
pub struct Launcher {
    /// Who waits for them.
    pub reaper: Arc<Reaper>,
    /// The program that becomes them.
    pub helper: PathBuf,
    /// What every command finds in its environment.
    pub variables: Vec<(String, String)>,
}

impl Launcher {
    /// Starts a command of a session.
    pub fn start(&self, session: &Session, wanted: &ExecCommand) -> io::Result<Arc<Call>> {
        let steps = Steps {
            group: session.group.clone(),
            terminal: wanted.terminal.is_some(),
            directory: session.directory.clone(),
        };
        let mut command = steps.command(&self.helper, words(&wanted.program, &session.state));
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        let given = session.variables.iter().chain(wanted.variables.as_slice());
        for Variable { name, value } in given {
            command.env(name.as_str(), value.as_str());
        }
        let pipes = match &wanted.terminal {
            Some(size) => terminal(&mut command, size)?,
            None => pipes(&mut command, wanted.has_input)?,
        };
        let child = self.reaper.spawn(&mut command)?;
        // The command holds this side's copies of the child's ends, which would keep its streams open.
        drop(command);
        Call::follow(wanted, child, pipes)
    }
}

/// Returns the words of a command.
fn words(program: &Program, state: &Path) -> Vec<OsString> {
    match program {
        Program::Arguments(arguments) => arguments.iter().map(OsStr::to_owned).collect(),
        Program::Script(script) => {
            let shell = ["/bin/bash", "/bin/sh"].into_iter().find(|shell| Path::new(shell).exists());
            let state = state.join("state").into_os_string();
            let script = OsStr::from_bytes(script.as_bytes()).to_owned();
            [shell.unwrap_or("/bin/sh"), "-c", AROUND, "sh"]
                .map(OsString::from)
                .into_iter()
                .chain([state, script])
                .collect()
        }
    }
}

fn pipes(command: &mut Command, has_input: bool) -> io::Result<Pipes> {
    let (out, their_out) = io::pipe()?;
    let (err, their_err) = io::pipe()?;
    command.stdout(their_out).stderr(their_err);
    let input = if has_input {
        let (their_in, input) = io::pipe()?;
        command.stdin(their_in);
        Some(File::from(std::os::fd::OwnedFd::from(input)))
    } else {
        command.stdin(Stdio::null());
        None
    };
    let file = |pipe: io::PipeReader| File::from(std::os::fd::OwnedFd::from(pipe));
    Ok(Pipes { input, out: file(out), err: Some(file(err)), terminal: None })
}

fn terminal(command: &mut Command, size: &Size) -> io::Result<Pipes> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let theirs = File::from(rustix::fs::open(name, flags, Mode::empty())?);
    command
        .stdin(theirs.try_clone()?)
        .stdout(theirs.try_clone()?)
        .stderr(theirs)
        .env("TERM", "xterm-256color");
    let ours = File::from(ours);
    resize(&ours, size)?;
    Ok(Pipes { input: Some(ours.try_clone()?), out: ours.try_clone()?, err: None, terminal: Some(ours) })
}

/// Tells a terminal its size.
pub(crate) fn resize(terminal: &File, size: &Size) -> io::Result<()> {
    let size = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(tcsetwinsize(terminal, size)?)
}
