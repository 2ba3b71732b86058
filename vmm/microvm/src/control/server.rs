//! The main thread of a monitor: it reads requests, moves the machine from one point of its life to the next, and tells
//! those who wait for one. It does one thing at a time, because there is one machine.
use super::{
    Answer, Command, ErrorKind, Phase, Reply, Request,
    peer::{Peer, Stays},
};
use crate::{
    bell::Bell,
    bus::End,
    config::{SnapshotName, Start},
    jail::filters::Program,
    machine::{AgentReady, Booted, Configured, MachineError, Paused, Running, Vm},
    snapshot::SnapshotError,
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    net::{SocketFlags, accept_with},
};
use std::{os::unix::net::UnixListener, sync::Arc};

/// A daemon, a person, and a few that wait.
const CLIENTS_MAX: usize = 8;

/// The machine, wherever it is in its life.
enum Life {
    Configured(Vm<Configured>),
    Booted(Vm<Booted>),
    AgentReady(Vm<AgentReady>),
    Paused(Vm<Paused>),
    Ended(End),
}

impl From<Running> for Life {
    fn from(running: Running) -> Life {
        match running {
            Running::Booted(vm) => Life::Booted(vm),
            Running::AgentReady(vm) => Life::AgentReady(vm),
        }
    }
}

impl Life {
    fn phase(&self) -> Phase {
        match self {
            Life::Configured(_) => Phase::Configured,
            Life::Booted(_) => Phase::Booted,
            Life::AgentReady(_) => Phase::AgentReady,
            Life::Paused(_) => Phase::Paused,
            Life::Ended(_) => Phase::Ended,
        }
    }

    fn ended(&self) -> Option<End> {
        match self {
            Life::Configured(_) => None,
            Life::Booted(vm) => vm.ended(),
            Life::AgentReady(vm) => vm.ended(),
            Life::Paused(vm) => vm.ended(),
            Life::Ended(end) => Some(end.clone()),
        }
    }
}

/// The server of one machine.
pub(crate) struct Server {
    listener: UnixListener,
    bell: Arc<Bell>,
    clients: Vec<Peer>,
    life: Option<Life>,
    /// Applied once the machine has what it needs.
    filter: Option<Program>,
    /// The golden snapshot that is to be written.
    golden: Option<SnapshotName>,
    /// The first error that ended the machine, for the exit code.
    failure: Option<MachineError>,
}

/// What a command came to: an answer, or who can mend it and how.
type Done = Result<Answer, (ErrorKind, String)>;

impl Server {
    pub(crate) fn new(
        listener: UnixListener,
        bell: Arc<Bell>,
        vm: Vm<Configured>,
        filter: Program,
    ) -> Server {
        let life = Some(Life::Configured(vm));
        Server {
            listener,
            bell,
            clients: Vec::new(),
            life,
            filter: Some(filter),
            golden: None,
            failure: None,
        }
    }

    /// Does what the configuration says before anybody asks, then serves until the guest has ended.
    pub(crate) fn serve(mut self, start: &Start) -> Result<End, MachineError> {
        let first = match start {
            Start::Wait => Vec::new(),
            Start::Boot => vec![Command::Boot {}],
            Start::Restore(name) => restored(name),
            Start::Golden(name) => self.golden(name),
        };
        for command in &first {
            // What went wrong ended the machine, and is said below.
            let _ = self.done(command);
        }
        loop {
            self.look();
            if let Some(Life::Ended(end)) = &self.life {
                let end = end.clone();
                return self.failure.map_or(Ok(end), Err);
            }
            self.wait();
        }
    }

    /// Restores a snapshot that fits. One that never will again makes room for the next; one that could only not be looked at
    /// stays, and the guest boots without it.
    fn golden(&mut self, name: &SnapshotName) -> Vec<Command> {
        let Life::Configured(vm) = self.life() else { return Vec::new() };
        let say = |what: &str, why: &dyn std::error::Error| {
            eprintln!("oxydra-vmm: the golden snapshot `{name}` {what}: {}", crate::chain(why));
        };
        match vm.fits(name) {
            Ok(()) => return restored(name),
            Err(MachineError::Snapshot(why)) if why.is_lasting() => {
                if !why.is_absence() {
                    say("is made anew", &why);
                }
                if let Err(error) = vm.remove(name) {
                    say("stays", &error);
                }
                self.golden = Some(name.clone());
            }
            Err(error) => say("stays, and the guest boots without it", &error),
        }
        vec![Command::Boot {}]
    }

    /// Writes the golden snapshot down, once the agent is there. The guest does not end because it could not be.
    fn gild(&mut self) {
        if !matches!(self.life(), Life::AgentReady(_)) {
            return;
        }
        let Some(name) = self.golden.take() else { return };
        if let Err((_, why)) = self.done(&Command::Snapshot { name, extent: super::Extent::Full }) {
            eprintln!("oxydra-vmm: {why}");
        }
    }

    fn life(&self) -> &Life {
        self.life.as_ref().expect("the machine is put back after each move")
    }

    /// Sees how far the guest is by itself, and tells those who wait.
    fn look(&mut self) {
        if let Some(end) = self.life().ended() {
            self.life = Some(Life::Ended(end));
        }
        self.life = self.life.take().map(|life| match life {
            Life::Booted(vm) => vm.agent_ready().into(),
            other @ (Life::Configured(_) | Life::AgentReady(_) | Life::Paused(_) | Life::Ended(_)) => other,
        });
        self.gild();
        let phase = self.life().phase();
        self.clients.retain_mut(|client| {
            let reply = client.waits().and_then(|(id, wanted)| waited(id, wanted, phase));
            reply.is_none_or(|reply| client.say(&reply) == Stays::Yes)
        });
    }

    /// Waits for something to happen, and lets it.
    fn wait(&mut self) {
        // What somebody said behind a request that is answered by now.
        if let Some(index) = self.clients.iter().position(Peer::has_request) {
            return self.answer(index);
        }
        let mut polled: Vec<PollFd<'_>> = vec![PollFd::new(&*self.bell, PollFlags::IN)];
        let has_room = self.clients.len() < CLIENTS_MAX || self.clients.iter().any(Peer::is_deaf);
        polled.push(PollFd::new(&self.listener, if has_room { PollFlags::IN } else { PollFlags::empty() }));
        polled.extend(self.clients.iter().map(|client| PollFd::new(client, client.interest())));
        if let Err(errno) = poll(&mut polled, None)
            && errno != Errno::INTR
        {
            self.life = Some(Life::Ended(End::Broken(format!("it cannot wait: {errno}"))));
            return;
        }
        let ready: Vec<bool> = polled.iter().map(|polled| !polled.revents().is_empty()).collect();
        drop(polled);
        if ready[0] {
            self.bell.hush();
        }
        for index in (2..ready.len()).rev().filter(|index| ready[*index]) {
            if self.clients[index - 2].woken() == Stays::No {
                self.clients.swap_remove(index - 2);
            }
        }
        if ready[1]
            && self.has_room()
            && let Ok(socket) = accept_with(&self.listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)
        {
            self.clients.push(Peer::new(socket));
        }
    }

    /// Whether one more client may come. Who does not read makes room for it.
    fn has_room(&mut self) -> bool {
        if self.clients.len() < CLIENTS_MAX {
            return true;
        }
        let deaf = self.clients.iter().position(Peer::is_deaf);
        deaf.map(|index| self.clients.swap_remove(index)).is_some()
    }

    /// Answers the next request of a client, or puts the answer off.
    fn answer(&mut self, index: usize) {
        let Some(line) = self.clients[index].request() else { return };
        let reply = match Request::parse(&line) {
            Err(reply) => reply,
            Ok(Request { id, command: Command::Wait { phase } }) => {
                return self.clients[index].wait(id, phase);
            }
            Ok(Request { id, command }) => match self.done(&command) {
                Ok(answer) => Reply::ok(id, answer),
                Err((kind, message)) => Reply::refused(id, kind, message),
            },
        };
        if self.clients[index].say(&reply) == Stays::No {
            self.clients.swap_remove(index);
        }
    }

    fn done(&mut self, command: &Command) -> Done {
        match command {
            Command::Stats {} => self.stats(),
            Command::Log {} => self.log(),
            Command::Balloon { mib } => self.balloon(*mib),
            Command::Stop {} => {
                self.life = Some(Life::Ended(End::Stopped));
                self.here()
            }
            Command::Wait { .. } => self.here(),
            Command::Boot {}
            | Command::Restore { .. }
            | Command::Pause {}
            | Command::Resume {}
            | Command::Snapshot { .. } => self.moved(command),
        }
    }

    fn here(&self) -> Done {
        Ok(Answer::Phase { phase: self.life().phase() })
    }

    /// Moves the machine to another point of its life, or there and back.
    fn moved(&mut self, command: &Command) -> Done {
        let life = self.life.take().expect("the machine is put back after each move");
        let (before, begins) = (life.phase(), matches!(life, Life::Configured(_)));
        let next: Result<Life, MachineError> = match (command, life) {
            (Command::Boot {}, Life::Configured(vm)) => vm.boot().map(Life::Booted),
            (Command::Restore { name }, Life::Configured(vm)) => vm.restore(name).map(Life::Paused),
            (Command::Pause {}, Life::Booted(vm)) => vm.pause().map(Life::Paused),
            (Command::Pause {}, Life::AgentReady(vm)) => vm.pause().map(Life::Paused),
            (Command::Resume {}, Life::Paused(vm)) => vm.resume().map(Life::from),
            (Command::Snapshot { name, extent }, Life::Booted(vm)) => {
                return self.snapshot(vm.pause(), name, *extent, true);
            }
            (Command::Snapshot { name, extent }, Life::AgentReady(vm)) => {
                return self.snapshot(vm.pause(), name, *extent, true);
            }
            (Command::Snapshot { name, extent }, Life::Paused(vm)) => {
                return self.snapshot(Ok(vm), name, *extent, false);
            }
            (_, life) => {
                self.life = Some(life);
                let word = before.word();
                return Err((ErrorKind::Refused, format!("that cannot be done with a guest that is {word}")));
            }
        };
        let done = self.settle(next);
        if begins
            && done.is_ok()
            && let Some(Err(error)) = self.filter.take().map(|filter| filter.apply())
        {
            return self.settle(Err(MachineError::Filter(error)));
        }
        done
    }

    /// Keeps what a move came to. A machine that failed to move is gone, and the process with it.
    fn settle(&mut self, next: Result<Life, MachineError>) -> Done {
        match next {
            Ok(life) => {
                self.life = Some(life);
                self.here()
            }
            Err(error) => {
                let told = told(&error);
                self.life = Some(Life::Ended(End::Broken("it failed to move the machine".to_owned())));
                self.failure.get_or_insert(error);
                Err(told)
            }
        }
    }

    /// Writes the machine down; one that ran goes on. A snapshot that failed does not end the guest.
    fn snapshot(
        &mut self,
        paused: Result<Vm<Paused>, MachineError>,
        name: &SnapshotName,
        extent: super::Extent,
        ran: bool,
    ) -> Done {
        let mut vm = match paused {
            Ok(vm) => vm,
            Err(error) => return self.settle(Err(error)),
        };
        let written = vm.snapshot(name, extent);
        let next = if ran { vm.resume().map(Life::from) } else { Ok(Life::Paused(vm)) };
        let here = self.settle(next);
        written.map_err(|error| told(&error)).and(here)
    }

    fn stats(&self) -> Done {
        let stats = match self.life() {
            Life::Booted(vm) => vm.stats(),
            Life::AgentReady(vm) => vm.stats(),
            Life::Paused(vm) => vm.stats(),
            Life::Configured(_) | Life::Ended(_) => super::Stats::default(),
        };
        Ok(Answer::Stats(Box::new(super::Stats { phase: Some(self.life().phase()), ..stats })))
    }

    fn log(&self) -> Done {
        let log = match self.life() {
            Life::Booted(vm) => vm.log(),
            Life::AgentReady(vm) => vm.log(),
            Life::Paused(vm) => vm.log(),
            Life::Configured(_) | Life::Ended(_) => String::new(),
        };
        Ok(Answer::Log { log })
    }

    fn balloon(&self, mib: u32) -> Done {
        match self.life() {
            Life::Booted(vm) => vm.balloon(mib),
            Life::AgentReady(vm) => vm.balloon(mib),
            Life::Paused(vm) => vm.balloon(mib),
            Life::Configured(_) | Life::Ended(_) => {
                return Err((ErrorKind::Refused, "there is no guest that could give memory back".to_owned()));
            }
        }
        self.here()
    }
}

/// What brings a snapshot back and lets it go on.
fn restored(name: &SnapshotName) -> Vec<Command> {
    vec![Command::Restore { name: name.clone() }, Command::Resume {}]
}

fn waited(id: Option<u64>, wanted: Phase, phase: Phase) -> Option<Reply> {
    let reached = match wanted {
        Phase::Booted => matches!(phase, Phase::Booted | Phase::AgentReady | Phase::Paused),
        other @ (Phase::Configured | Phase::AgentReady | Phase::Paused | Phase::Ended) => other == phase,
    };
    if reached {
        return Some(Reply::ok(id, Answer::Phase { phase }));
    }
    (phase == Phase::Ended).then(|| Reply::refused(id, ErrorKind::Unavailable, "the guest has ended"))
}

/// The whole chain of causes, and who can mend it.
fn told(error: &MachineError) -> (ErrorKind, String) {
    let kind = match error {
        MachineError::Kernel { .. }
        | MachineError::Snapshot(
            SnapshotError::NoOrigin
            | SnapshotError::Changed { .. }
            | SnapshotError::OtherBase { .. }
            | SnapshotError::TooLarge { .. },
        ) => ErrorKind::Refused,
        MachineError::Snapshot(_) | MachineError::Memory(_) => ErrorKind::Unavailable,
        MachineError::Kvm { .. }
        | MachineError::Boot(_)
        | MachineError::Vcpu(_)
        | MachineError::Filter(_)
        | MachineError::Setup { .. } => ErrorKind::Broken,
    };
    (kind, crate::chain(error))
}
