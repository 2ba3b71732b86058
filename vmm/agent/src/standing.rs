//! Helpers that stand ready to become a command. Each command takes one, and the next is started when that is over; where
//! none stands, one is started at once, which is as slow as it can get. None is ever told two things.
use crate::{
    helper::MODE,
    orders::Order,
    reaper::{Child, Reaper},
};
use rustix::process::{Pid, Signal, pidfd_send_signal};
use std::{
    io,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::Duration,
};

/// Commands come one after the other; who starts two at once waits for the second.
const STANDING: usize = 1;
/// How long the next one is put off: an answer that is on its way does not share the processor with it.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a helper may take no byte of an order that is longer than its socket holds: who waits holds up every session.
const TELLING: Duration = Duration::from_secs(10);

/// Whether a command found a helper that stood ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stood {
    /// It did.
    Yes,
    /// One had to be started.
    No,
}

/// The helpers of an agent.
#[derive(Debug)]
pub struct Standing {
    reaper: Arc<Reaper>,
    /// The program that a helper is.
    program: PathBuf,
    ready: Mutex<Ready>,
}

#[derive(Debug, Default)]
struct Ready {
    helpers: Vec<Helper>,
    /// Whether somebody is about to start another.
    is_coming: bool,
}

/// A helper, and how it is told what to become.
#[derive(Debug)]
struct Helper {
    child: Child,
    tell: UnixStream,
}

impl Standing {
    /// None yet.
    pub fn new(reaper: Arc<Reaper>, program: PathBuf) -> Standing {
        Standing { reaper, program, ready: Mutex::default() }
    }

    fn ready(&self) -> MutexGuard<'_, Ready> {
        self.ready.lock().expect("nobody panics with the helpers")
    }

    /// Starts as many as shall stand.
    pub fn stand(&self) -> io::Result<()> {
        let mut ready = self.ready();
        while ready.helpers.len() < STANDING {
            ready.helpers.push(self.begun()?);
        }
        Ok(())
    }

    /// The same after a while, unless somebody else is at it.
    pub fn again(&self) {
        if std::mem::replace(&mut self.ready().is_coming, true) {
            return;
        }
        thread::sleep(PAUSE);
        self.ready().is_coming = false;
        if let Err(error) = self.stand() {
            eprintln!("agent: no helper stands ready: {error}");
        }
    }

    /// The processes that stand.
    pub fn processes(&self) -> Vec<Pid> {
        self.ready().helpers.iter().map(|helper| helper.child.pid).collect()
    }

    /// Gives an order to a helper, and returns the process that becomes a command.
    pub fn given(&self, order: &Order) -> io::Result<(Child, Stood)> {
        // One that somebody killed, or that takes nothing, is not what becomes the command: the next one is, and at last
        // one that was just started.
        loop {
            let standing = self.ready().helpers.pop();
            let stood = if standing.is_some() { Stood::Yes } else { Stood::No };
            let Helper { child, tell } = standing.map_or_else(|| self.begun(), Ok)?;
            // A command may have stopped every process that it sees. What does not go on any more is found out below.
            let _gone = pidfd_send_signal(&child.pidfd, Signal::CONT);
            let Err(error) = order.give(tell) else { return Ok((child, stood)) };
            // Half an order is none, and nobody else would end it.
            let _gone = pidfd_send_signal(&child.pidfd, Signal::KILL);
            if stood == Stood::No {
                return Err(error);
            }
        }
    }

    fn begun(&self) -> io::Result<Helper> {
        let (tell, theirs) = UnixStream::pair()?;
        tell.set_write_timeout(Some(TELLING))?;
        let mut command = Command::new(&self.program);
        command.arg(MODE).env_clear().stdin(Stdio::from(OwnedFd::from(theirs)));
        let child = self.reaper.spawn(&mut command)?;
        // The command holds a copy of the helper's end, which would hide that it is gone.
        drop(command);
        Ok(Helper { child, tell })
    }
}
