//! Waits for every child: those that were started here, whose end somebody wants to know, and orphans that the kernel hands
//! to process 1. Kills nobody.
use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, WaitId, WaitIdOptions, WaitOptions, WaitStatus, pidfd_open, wait, waitid},
};
use std::{
    collections::HashMap,
    io,
    os::fd::OwnedFd,
    process::Command,
    sync::{
        Arc, Condvar, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

/// How long an orphan may stay a zombie while no child of ours runs, which would wake the reaper.
const IDLE_LOOK: Duration = Duration::from_millis(500);

/// Children whose end is awaited.
#[derive(Debug, Default)]
pub struct Reaper {
    awaited: Mutex<HashMap<i32, SyncSender<WaitStatus>>>,
    started: Condvar,
}

/// A child that was started.
#[derive(Debug)]
pub struct Child {
    /// Its process.
    pub pid: Pid,
    /// The process itself, whatever its number means later: readable once it ended.
    pub pidfd: OwnedFd,
    /// Brings how it ended.
    pub ended: Receiver<WaitStatus>,
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
        let (tell, ended) = sync_channel(1);
        awaited.insert(pid.as_raw_nonzero().get(), tell);
        self.started.notify_one();
        Ok(Child { pid, pidfd, ended })
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
                    if let Some(tell) = awaited.remove(&pid.as_raw_nonzero().get()) {
                        // Who no longer wants to know has gone with its call.
                        let _gone = tell.send(status);
                    }
                }
                Err(Errno::INTR) => {}
                Ok(None) | Err(Errno::CHILD) => return,
                Err(error) => return eprintln!("agent: cannot wait for children: {error}"),
            }
        }
    }
}
