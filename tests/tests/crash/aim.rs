//! When to kill: a list of things that have to be seen, in order, and a wait. Whoever sees the last of them kills, on
//! its own thread, so that next to nothing happens in between.
use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::Duration,
};

/// What can be seen of a running process from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// The provider has the request for this round of the prompt that was typed.
    Round(usize),
    /// The provider has a request.
    Received,
    /// The provider has sent a part of an answer.
    Part,
    /// The provider has sent the last byte of an answer.
    Answered,
    /// The journal was written.
    Journal,
    /// A draft of a file appeared.
    Draft,
    /// A name in the workspace appeared, moved or went.
    Files,
    /// The program said a frame.
    Frame,
    /// The program said that a call runs.
    Running,
    /// The program said how a call came out.
    Ran,
    /// The program said a part of the answer.
    Delta,
    /// The program said that a turn is over.
    Over,
}

/// When to kill.
#[derive(Debug, Clone)]
pub(crate) struct Aim {
    /// What has to be seen, and how often.
    pub(crate) steps: Vec<(What, u32)>,
    /// How long to wait then.
    pub(crate) wait: Duration,
}

impl Aim {
    pub(crate) fn at(steps: impl Into<Vec<(What, u32)>>) -> Aim {
        Aim { steps: steps.into(), wait: Duration::ZERO }
    }

    pub(crate) fn later(self, micros: u32) -> Aim {
        Aim { wait: Duration::from_micros(micros.into()), ..self }
    }
}

/// Kills one process at a time.
#[derive(Default)]
pub(crate) struct Trigger(Mutex<Cocked>);

#[derive(Default)]
struct Cocked {
    /// Whom; nobody before a process has started and after it has ended.
    pid: Option<Pid>,
    steps: VecDeque<(What, u32)>,
    wait: Duration,
    /// Tells a process from the one before it.
    life: u64,
}

impl Trigger {
    /// Aims at a process that has not been waited for.
    pub(crate) fn aim(self: &Arc<Self>, pid: u32, aim: &Aim) {
        let mut cocked = self.lock();
        cocked.pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        cocked.life += 1;
        cocked.steps = aim.steps.iter().copied().collect();
        cocked.wait = aim.wait;
        if cocked.steps.is_empty() {
            self.fire(cocked);
        }
    }

    /// Lets go of the process, before it is waited for.
    pub(crate) fn release(&self) {
        self.lock().pid = None;
    }

    /// Somebody saw something. Returns whether that was it, and the process is dead.
    pub(crate) fn saw(self: &Arc<Self>, what: What) -> bool {
        let mut cocked = self.lock();
        match cocked.steps.front_mut() {
            Some((wanted, times)) if *wanted == what => *times -= 1,
            Some(_) | None => return false,
        }
        if cocked.steps.front().is_some_and(|(_, times)| *times == 0) {
            cocked.steps.pop_front();
        }
        cocked.steps.is_empty() && self.fire(cocked)
    }

    fn fire(self: &Arc<Self>, mut cocked: MutexGuard<'_, Cocked>) -> bool {
        if cocked.wait.is_zero() {
            return kill(&mut cocked);
        }
        let (trigger, wait, life) = (self.clone(), cocked.wait, cocked.life);
        thread::spawn(move || {
            thread::sleep(wait);
            let mut cocked = trigger.lock();
            cocked.life == life && kill(&mut cocked)
        });
        false
    }

    fn lock(&self) -> MutexGuard<'_, Cocked> {
        self.0.lock().expect("no holder panics")
    }
}

/// Under the lock and before the process is waited for, so that its id is still its own.
fn kill(cocked: &mut Cocked) -> bool {
    // It may have ended by itself a moment ago.
    cocked.pid.take().is_some_and(|pid| kill_process(pid, Signal::KILL).is_ok())
}
