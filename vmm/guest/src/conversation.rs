//! One conversation with a guest's agent: requests and their answers, one after the other. It repeats nothing and waits as
//! long as the guest takes; who wants less gives a command a time, or closes the stream.
use crate::{
    changes::{Changes, Limits},
    tree::Delta,
};
use std::{
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
    path::Path,
    sync::{Arc, Mutex},
};
use wire::{
    AddEntropy, CallId, Chunk, Data, Entry, ExecCommand, Exit, GuestFrame, GuestStatus, Hello, HostFrame,
    Link, LinkError, PushBegin, Refused, SetClock, Settle, Shown, Stream, Tally, Text, Welcome,
};

/// Why a guest did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// It said no.
    #[error("the guest refuses: {}", Shown(.0.why.as_str()))]
    Refused(Refused),
    /// It cannot be heard any more.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// It answered something that was not asked.
    #[error("the guest answered {0}, which nobody asked for")]
    Astray(String),
    /// What it sends is more than was allowed.
    #[error("the changes are more than {what} allowed")]
    TooMuch {
        /// Entries or bytes, with their number.
        what: String,
    },
    /// A file of the host failed.
    #[error("cannot {what}: {source}")]
    Host {
        /// What was attempted, with which file.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// A conversation.
#[derive(Debug)]
pub struct Conversation {
    reading: Link<File>,
    writing: Arc<Mutex<Link<File>>>,
    welcome: Welcome,
}

/// Gives a running command input from another thread.
#[derive(Debug, Clone)]
pub struct Input(Arc<Mutex<Link<File>>>);

impl Input {
    /// Sends a frame that a running command takes: input, its end, a size, a signal.
    pub fn send(&self, frame: &HostFrame) -> Result<(), LinkError> {
        self.0.lock().expect("nobody panics while sending").send(frame)
    }
}

fn astray(frame: &GuestFrame) -> GuestError {
    let shown = format!("{frame:?}");
    GuestError::Astray(shown.split(['(', ' ']).next().unwrap_or_default().to_owned())
}

fn host(what: impl Into<String>) -> impl FnOnce(io::Error) -> GuestError {
    let what = what.into();
    move |source| GuestError::Host { what, source }
}

impl Conversation {
    /// Begins a conversation over a stream that is connected to the agent.
    pub fn begin(stream: impl Into<OwnedFd>, name: &str) -> Result<Conversation, GuestError> {
        let stream = File::from(stream.into());
        let mut writing = Link::new(stream.try_clone().map_err(LinkError::from)?);
        let mut reading = Link::new(stream);
        writing.send(&HostFrame::Hello(Hello { host: Text::cut(name) }))?;
        match reading.receive()? {
            GuestFrame::Welcome(welcome) => {
                Ok(Conversation { reading, writing: Arc::new(Mutex::new(writing)), welcome })
            }
            GuestFrame::Refused(refused) => Err(GuestError::Refused(refused)),
            other => Err(astray(&other)),
        }
    }

    /// Returns the guest's first words.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Returns a way to give a running command input.
    pub fn input(&self) -> Input {
        Input(Arc::clone(&self.writing))
    }

    fn send(&self, frame: &HostFrame) -> Result<(), GuestError> {
        Ok(self.writing.lock().expect("nobody panics while sending").send(frame)?)
    }

    fn receive(&mut self) -> Result<GuestFrame, GuestError> {
        match self.reading.receive()? {
            GuestFrame::Refused(refused) => Err(GuestError::Refused(refused)),
            other => Ok(other),
        }
    }

    /// Asks for something that has no other answer than that it is done.
    pub fn ask(&mut self, frame: &HostFrame) -> Result<(), GuestError> {
        self.send(frame)?;
        self.done()
    }

    fn done(&mut self) -> Result<(), GuestError> {
        match self.receive()? {
            GuestFrame::Done(()) => Ok(()),
            other => Err(astray(&other)),
        }
    }

    /// Runs a command to its end, and gives what it prints to `sink` as it comes.
    pub fn exec(
        &mut self,
        command: ExecCommand,
        sink: impl FnMut(Stream, &[u8]),
    ) -> Result<Exit, GuestError> {
        self.exec_fed(command, |_| (), sink)
    }

    /// The same for a command with input: `begun` is called once it takes some. What is sent before is lost.
    pub fn exec_fed(
        &mut self,
        command: ExecCommand,
        begun: impl FnOnce(Input),
        sink: impl FnMut(Stream, &[u8]),
    ) -> Result<Exit, GuestError> {
        self.send(&HostFrame::ExecCommand(command.clone()))?;
        match self.receive()? {
            GuestFrame::Started(started) if started.call == command.call => begun(self.input()),
            GuestFrame::Exited(exit) if exit.call == command.call => return Ok(exit),
            other => return Err(astray(&other)),
        }
        self.follow(command.call, (0, 0), sink)
    }

    /// Takes up a call whose conversation was lost, with what was seen of its two outputs.
    pub fn attach(
        &mut self,
        call: CallId,
        seen: (u64, u64),
        sink: impl FnMut(Stream, &[u8]),
    ) -> Result<Exit, GuestError> {
        self.send(&HostFrame::Attach(wire::Attach { call, out_seen: seen.0, err_seen: seen.1 }))?;
        self.follow(call, seen, sink)
    }

    fn follow(
        &mut self,
        call: CallId,
        seen: (u64, u64),
        mut sink: impl FnMut(Stream, &[u8]),
    ) -> Result<Exit, GuestError> {
        let (mut out, mut err) = seen;
        loop {
            match self.receive()? {
                GuestFrame::Started(started) if started.call == call => {}
                GuestFrame::Output(output) => {
                    let seen = match output.stream {
                        Stream::Out => &mut out,
                        Stream::Err => &mut err,
                    };
                    let bytes = output.data.as_bytes();
                    *seen = output.offset.saturating_add(bytes.len() as u64);
                    sink(output.stream, bytes);
                }
                GuestFrame::Exited(exit) if exit.call == call => return Ok(exit),
                other => return Err(astray(&other)),
            }
        }
    }

    /// Makes a restored guest its own: the time is now, and its random numbers are nobody else's. Before this, nothing may
    /// run in it.
    pub fn refresh(&mut self, unix_nanos: u64, entropy: &[u8]) -> Result<(), GuestError> {
        let bytes = Chunk::new(entropy).map_err(|large| GuestError::TooMuch { what: large.to_string() })?;
        // Both are said before either is answered: a way there and back is a good part of a restore.
        self.send(&HostFrame::SetClock(SetClock { unix_nanos }))?;
        self.send(&HostFrame::AddEntropy(AddEntropy { bytes }))?;
        let (clock, seed) = (self.done(), self.done());
        clock.and(seed)
    }

    /// Asks how the guest is.
    pub fn status(&mut self) -> Result<GuestStatus, GuestError> {
        self.send(&HostFrame::Status(()))?;
        match self.receive()? {
            GuestFrame::Status(status) => Ok(status),
            other => Err(astray(&other)),
        }
    }

    /// Sends what changed in a tree since it was sent last; a fresh push replaces whatever is there.
    pub fn push(&mut self, root: &Path, delta: &Delta, is_fresh: bool) -> Result<Tally, GuestError> {
        self.send(&HostFrame::PushBegin(PushBegin { is_fresh }))?;
        let mut failure = None;
        for entry in delta.entries() {
            if let Err(error) = self.push_entry(root, entry) {
                failure = Some(error);
                break;
            }
        }
        // A push always ends, so that the conversation can go on; the guest refuses one that is not whole.
        self.send(&HostFrame::PushEnd(()))?;
        let answer = self.receive();
        match (failure, answer) {
            (Some(failure), _) => Err(failure),
            (None, Ok(GuestFrame::Pushed(tally))) => Ok(tally),
            (None, Ok(other)) => Err(astray(&other)),
            (None, Err(error)) => Err(error),
        }
    }

    fn push_entry(&mut self, root: &Path, entry: &Entry) -> Result<(), GuestError> {
        self.send(&HostFrame::PushEntry(entry.clone()))?;
        let Entry::File(file) = entry else { return Ok(()) };
        let place = root.join(file.path.as_path());
        let said = || format!("push {}", place.display());
        let mut bytes = File::open(&place).map_err(host(said()))?.take(file.bytes);
        let mut left = file.bytes;
        while left > 0 {
            let mut chunk = Vec::new();
            let read = bytes.by_ref().take(wire::CHUNK_BYTES_MAX as u64).read_to_end(&mut chunk);
            match read.map_err(host(said()))? {
                0 => return Err(host(said())(io::Error::other("it shrank while it was read"))),
                len => left -= len as u64,
            }
            self.send(&HostFrame::PushData(Data::new(chunk).expect("no more was read")))?;
        }
        Ok(())
    }

    /// Brings back what was changed since the last settlement. Bytes go into `staging`, a directory that is made for it on
    /// the file system of the workspace.
    pub fn pull(&mut self, staging: &Path, limits: Limits) -> Result<Changes, GuestError> {
        // First: what comes as an answer would otherwise be taken for the next one, should there be no place for it.
        let mut changes = Changes::begin(staging, limits)?;
        self.send(&HostFrame::PullChanges(()))?;
        loop {
            match self.receive()? {
                GuestFrame::Change(entry) => changes.entry(entry)?,
                GuestFrame::ChangeData(data) => changes.data(data.as_bytes())?,
                GuestFrame::ChangesEnd(tally) => return changes.end(&tally),
                other => return Err(astray(&other)),
            }
        }
    }

    /// Lets the guest keep what it changed, because the host applied it, or drop it, which is how a call is undone.
    pub fn settle(&mut self, keep: bool) -> Result<(), GuestError> {
        self.ask(&HostFrame::Settle(Settle { keep }))
    }
}
