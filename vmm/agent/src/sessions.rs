//! Sessions and calls that are open: a table with bounds. A session's shell state is a file that each script reads when it
//! begins and writes when it ends, so that killing a command leaves the session as it was before it.
use crate::{
    call::Call,
    groups::{self, Groups},
    launch::Launcher,
};
use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process_group, pidfd_send_signal},
};
use std::{
    collections::HashMap,
    fs, io,
    os::fd::OwnedFd,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
};
use wire::{CallId, ExecCommand, Refusal, Refused, SESSIONS_MAX, SessionId, SpawnSession, Variable, Words};

/// As many calls as are remembered; a host that forgets what it has seen never comes near.
pub const CALLS_MAX: usize = 128;

/// A session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Where its state is.
    pub state: PathBuf,
    /// Where it began.
    pub directory: PathBuf,
    /// What its commands are given.
    pub variables: Vec<Variable>,
    /// Its control group, where there are such.
    pub group: Option<PathBuf>,
}

/// Everything that is open.
#[derive(Debug)]
pub struct Sessions {
    launcher: Launcher,
    /// Where sessions keep their state.
    home: PathBuf,
    /// What their directories are relative to.
    workspace: PathBuf,
    /// The control groups, where there are such.
    groups: Option<Groups>,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    sessions: HashMap<SessionId, Session>,
    calls: HashMap<CallId, Arc<Call>>,
}

/// Refuses something, in words.
pub fn refused(kind: Refusal, why: impl Into<String>) -> Refused {
    Refused { kind, why: Words::cut(why) }
}

fn failed(what: &str) -> impl Fn(io::Error) -> Refused {
    move |error| refused(Refusal::Failed, format!("{what}: {error}"))
}

impl Sessions {
    /// An empty table.
    pub fn new(launcher: Launcher, home: PathBuf, workspace: PathBuf, groups: Option<Groups>) -> Sessions {
        Sessions { launcher, home, workspace, groups, open: Mutex::default() }
    }

    /// Who starts commands.
    pub fn launcher(&self) -> &Launcher {
        &self.launcher
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().expect("nobody panics with the table")
    }

    /// Opens a session; one that is open stays as it is.
    pub fn spawn(&self, wanted: &SpawnSession) -> Result<(), Refused> {
        let mut open = self.open();
        if open.sessions.contains_key(&wanted.session) {
            return Ok(());
        }
        if open.sessions.len() >= SESSIONS_MAX {
            return Err(refused(Refusal::Full, format!("{SESSIONS_MAX} sessions are open")));
        }
        let state = self.home.join(wanted.session.to_string());
        fs::create_dir_all(&state).map_err(failed("cannot make the session's directory"))?;
        let group = self.groups.as_ref().map(|groups| groups.make(wanted)).transpose();
        let session = Session {
            state,
            directory: match &wanted.directory {
                Some(path) => self.workspace.join(path.as_path()),
                None => self.workspace.clone(),
            },
            variables: wanted.variables.as_slice().to_vec(),
            group: group.map_err(failed("cannot limit the session"))?,
        };
        open.sessions.insert(wanted.session, session);
        Ok(())
    }

    /// Starts a command.
    pub fn exec(&self, wanted: &ExecCommand) -> Result<Arc<Call>, Refused> {
        let mut open = self.open();
        let unknown = || refused(Refusal::Unknown, format!("there is no session {}", wanted.session));
        let session = open.sessions.get(&wanted.session).ok_or_else(unknown)?.clone();
        if open.calls.contains_key(&wanted.call) {
            return Err(refused(Refusal::Misplaced, "this call was started before: attach to it"));
        }
        if open.calls.len() >= CALLS_MAX {
            open.calls.retain(|_, call| !call.is_seen());
        }
        if open.calls.len() >= CALLS_MAX {
            return Err(refused(Refusal::Full, format!("{CALLS_MAX} calls run or wait for their reader")));
        }
        let call = self.launcher.start(&session, wanted).map_err(failed("cannot start the command"))?;
        open.calls.insert(wanted.call, Arc::clone(&call));
        Ok(call)
    }

    /// Finds a call.
    pub fn call(&self, call: CallId) -> Result<Arc<Call>, Refused> {
        let found = self.open().calls.get(&call).cloned();
        found.ok_or_else(|| refused(Refusal::Unknown, format!("there is no call {call}")))
    }

    /// Forgets a call that ended.
    pub fn forget(&self, call: CallId) -> Result<(), Refused> {
        if self.call(call)?.is_running() {
            return Err(refused(Refusal::Busy, "the call still runs: kill it first"));
        }
        self.open().calls.remove(&call);
        Ok(())
    }

    /// Signals the process groups of a session; `SIGKILL` reaches every process of it and ends it. A command that moved
    /// itself to another control group, which root can, has left the session, and only its process group is signalled.
    pub fn kill(&self, session: SessionId, signal: u8) -> Result<(), Refused> {
        let signal = known(signal)?;
        let mut open = self.open();
        let unknown = || refused(Refusal::Unknown, format!("there is no session {session}"));
        let group = open.sessions.get(&session).ok_or_else(unknown)?.group.clone();
        for call in open.calls.values().filter(|call| call.session == session) {
            call.signal(signal);
        }
        if signal != Signal::KILL {
            return Ok(());
        }
        if let Some(group) = &group {
            // Those who left their process group are still in this one.
            groups::kill(group).map_err(failed("cannot kill the session"))?;
        }
        let ended = open.sessions.remove(&session).expect("it was found above");
        let removed =
            fs::remove_dir_all(ended.state).map_err(failed("cannot remove the session's directory"));
        // Others go on while its processes die.
        drop(open);
        if let Some(group) = group
            && let Err(error) = groups::remove(&group)
        {
            eprintln!("agent: {} stays: {error}", group.display());
        }
        removed
    }

    /// Returns what is open.
    pub fn list(&self) -> (Vec<SessionId>, Vec<CallId>) {
        let open = self.open();
        (open.sessions.keys().copied().collect(), open.calls.keys().copied().collect())
    }
}

/// Turns a number into a signal.
pub fn known(signal: u8) -> Result<Signal, Refused> {
    Signal::from_named_raw(i32::from(signal))
        .ok_or_else(|| refused(Refusal::Misplaced, format!("{signal} is no signal")))
}

/// Signals a process group that may be gone, or may not be there yet: a helper that was just started leads none, and what
/// it shall become would otherwise never hear of it.
pub(crate) fn signal_group(leader: Pid, process: &OwnedFd, signal: Signal) {
    if kill_process_group(leader, signal) == Err(Errno::SRCH) {
        // There is nothing to do about one that ended meanwhile.
        let _gone = pidfd_send_signal(process, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{PidfdFlags, pidfd_open};
    use std::{os::unix::process::ExitStatusExt, process::Command};

    #[test]
    fn a_process_that_leads_no_group_yet_is_killed_all_the_same() {
        let mut child = Command::new("sleep").arg("100000").spawn().unwrap();
        let pid = Pid::from_child(&child);
        let process = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        assert_eq!(kill_process_group(pid, Signal::KILL), Err(Errno::SRCH));
        signal_group(pid, &process, Signal::KILL);
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        // One that is gone is nobody's mistake.
        signal_group(pid, &process, Signal::KILL);
    }
}
