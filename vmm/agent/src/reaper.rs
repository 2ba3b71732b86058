//! Waits for every child: those that were started here, whose end somebody wants to know, and orphans that the kernel hands
//! to process 1. Kills nobody.
use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitOptions, WaitStatus, pidfd_open, wait, waitid},
};
use std::{
    collections::HashMap,
    fmt, io,
    os::fd::OwnedFd,
    process::Command,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

/// How long an orphan may stay a zombie while no child of ours runs, which would wake the reaper.
const IDLE_LOOK: Duration = Duration::from_millis(500);

/// Children whose end is awaited.
#[derive(Debug, Default)]
pub struct Reaper {
    awaited: Mutex<HashMap<i32, Arc<End>>>,
    started: Condvar,
}

/// A child that was started.
#[derive(Debug)]
pub struct Child {
    /// Its process.
    pub pid: Pid,
    /// The process itself, whatever its number means later: readable once it ended.
    pub pidfd: OwnedFd,
    /// How it ends.
    pub end: Arc<End>,
}

/// The end of a child, for whoever wants to know it.
#[derive(Debug, Default)]
pub struct End(Mutex<Ended>);

type Heard = Box<dyn FnOnce(WaitStatus) + Send>;

#[derive(Default)]
enum Ended {
    /// Not yet, and nobody asked.
    #[default]
    NotYet,
    /// Not yet, and somebody is told then.
    Awaited(Heard),
    /// In this way.
    So(WaitStatus),
}

impl fmt::Debug for Ended {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Ended::NotYet => "NotYet",
            Ended::Awaited(_) => "Awaited",
            Ended::So(_) => "So",
        })
    }
}

impl End {
    /// Has one listener told, on the thread of the reaper or, if it ended before, on this one.
    pub fn then(&self, heard: impl FnOnce(WaitStatus) + Send + 'static) {
        let mut ended = self.0.lock().expect("nobody panics with an end");
        match *ended {
            Ended::So(status) => {
                drop(ended);
                heard(status);
            }
            Ended::NotYet | Ended::Awaited(_) => *ended = Ended::Awaited(Box::new(heard)),
        }
    }

    fn is(&self, status: WaitStatus) {
        let before =
            std::mem::replace(&mut *self.0.lock().expect("nobody panics with an end"), Ended::So(status));
        match before {
            Ended::Awaited(heard) => heard(status),
            // Who no longer wants to know has gone with its call.
            Ended::NotYet | Ended::So(_) => {}
        }
    }
}

impl Reaper {
    /// Starts to wait for children of this process. There must be one reaper only, and nobody else may wait.
    pub fn start() -> Arc<Reaper> {
        let reaper = Arc::new(Reaper::default());
        let waiting = Arc::clone(&reaper);
        thread::spawn(move || {
            loop {
                waiting.wait_once();
            }
        });
        reaper
    }

    /// Starts a child. The command must be one whose program exists, as the helper's does: the library that starts it
    /// would otherwise wait for the failed child itself.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        // Held until the child is in the table: it may end before this function does.
        let mut awaited = self.awaited.lock().expect("nobody panics with the table");
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        let end = Arc::new(End::default());
        awaited.insert(pid.as_raw_nonzero().get(), Arc::clone(&end));
        self.started.notify_one();
        Ok(Child { pid, pidfd, end })
    }

    fn wait_once(&self) {
        let awaited = self.awaited.lock().expect("nobody panics with the table");
        let is_idle = |table: &mut HashMap<i32, _>| table.is_empty();
        let waited = self.started.wait_timeout_while(awaited, IDLE_LOOK, is_idle);
        let (awaited, waited) = waited.expect("nobody panics with the table");
        drop(awaited);
        // With a child of ours there is something to block on; without one, orphans are only looked for. It is left where
        // it is: taken only under the lock, it cannot vanish while it is put into the table.
        if !waited.timed_out() {
            let _any = waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        }
        let mut awaited = self.awaited.lock().expect("nobody panics with the table");
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    if let Some(end) = awaited.remove(&pid.as_raw_nonzero().get()) {
                        end.is(status);
                    }
                }
                Err(Errno::INTR) => {}
                Ok(None) | Err(Errno::CHILD) => return,
                Err(error) => return eprintln!("agent: cannot wait for children: {error}"),
            }
        }
    }
}
