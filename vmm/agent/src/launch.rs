//! Makes a command out of a request: shell or program, pipes or a terminal, what it finds in its environment. It does not
//! wait for it.
use crate::{
    call::{Call, Pipes},
    hands::Hands,
    orders::Order,
    reaper::Reaper,
    sessions::Session,
    standing::{Standing, Stood},
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
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
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
    standing: Arc<Standing>,
    hands: Arc<Hands>,
    /// What every command finds in its environment.
    variables: Vec<(String, String)>,
}

impl Launcher {
    /// A launcher whose helpers are this program, and whose commands find this in their environment.
    pub fn new(
        reaper: Arc<Reaper>,
        helper: PathBuf,
        hands: Arc<Hands>,
        variables: Vec<(String, String)>,
    ) -> Launcher {
        Launcher { standing: Arc::new(Standing::new(reaper, helper)), hands, variables }
    }

    /// The helpers that wait for a command.
    pub fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    /// The threads that attend to commands.
    pub fn hands(&self) -> &Arc<Hands> {
        &self.hands
    }

    /// Starts a command of a session.
    pub fn start(&self, session: &Session, wanted: &ExecCommand) -> io::Result<Arc<Call>> {
        let ([input, out, err], pipes) = match &wanted.terminal {
            Some(size) => terminal(size)?,
            None => pipes(wanted.has_input)?,
        };
        let mut words = words(&wanted.program, &session.state).into_iter();
        let order = Order {
            streams: [input, out, err],
            group: session.group.clone(),
            terminal: wanted.terminal.is_some(),
            directory: session.directory.clone(),
            program: words.next().unwrap_or_default(),
            arguments: words.collect(),
            variables: self.variables(session, wanted),
        };
        let (child, stood) = self.standing.given(&order)?;
        // This side's copies of the child's ends would keep its streams open.
        drop(order);
        let call = Call::follow(wanted, child, pipes, &self.hands)?;
        if stood == Stood::No {
            // Commands run side by side. Without a hand for it the next one waits, too.
            let standing = Arc::clone(&self.standing);
            let _later = self.hands.give(move || standing.again());
        }
        Ok(call)
    }

    /// What the command finds in its environment: what comes later wins.
    fn variables(&self, session: &Session, wanted: &ExecCommand) -> Vec<(OsString, OsString)> {
        let all = self.variables.iter().map(|(name, value)| (name.into(), value.into()));
        let terminal = wanted.terminal.as_ref().map(|_| ("TERM".into(), "xterm-256color".into()));
        let given = session.variables.iter().chain(wanted.variables.as_slice());
        let given = given.map(|Variable { name, value }| (name.as_str().into(), value.as_str().into()));
        all.chain(given).chain(terminal).collect()
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

/// The command's ends of its streams, and ours.
type Ends = ([OwnedFd; 3], Pipes);

fn pipes(has_input: bool) -> io::Result<Ends> {
    let (out, their_out) = io::pipe()?;
    let (err, their_err) = io::pipe()?;
    let (their_in, input): (OwnedFd, _) = if has_input {
        let (their_in, input) = io::pipe()?;
        (their_in.into(), Some(File::from(OwnedFd::from(input))))
    } else {
        (File::open("/dev/null")?.into(), None)
    };
    let file = |pipe: io::PipeReader| File::from(OwnedFd::from(pipe));
    let ours = Pipes { input, out: file(out), err: Some(file(err)), terminal: None };
    Ok(([their_in, their_out.into(), their_err.into()], ours))
}

fn terminal(size: &Size) -> io::Result<Ends> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let theirs = rustix::fs::open(name, flags, Mode::empty())?;
    let theirs = [theirs.try_clone()?, theirs.try_clone()?, theirs];
    let ours = File::from(ours);
    resize(&ours, size)?;
    let (input, out) = (Some(ours.try_clone()?), ours.try_clone()?);
    Ok((theirs, Pipes { input, out, err: None, terminal: Some(ours) }))
}

/// Tells a terminal its size.
pub(crate) fn resize(terminal: &File, size: &Size) -> io::Result<()> {
    let size = Winsize { ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0 };
    Ok(tcsetwinsize(terminal, size)?)
}
