//! One conversation with the host: a thread that reads and obeys, and while a command runs, a second one that sends what it
//! prints. Nothing that the host says can end the agent but a power-off.
use crate::{
    VERSION,
    call::{Call, Next, ReaderId},
    changes,
    sessions::{Sessions, known, refused},
    status, sys,
    workspace::Workspace,
};
use rustix::time::{ClockId, Timespec, clock_settime};
use std::{
    fs::File,
    io::{self, Read, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
};
use wire::{
    CHUNK_BYTES_MAX, Data, Entry, GuestFrame, HostFrame, Link, LinkError, PushBegin, Refusal, Refused,
    Started, Text, Welcome,
};

/// Entropy that nobody can guess needs this many bytes.
const ENTROPY_BYTES_MIN: usize = 32;

/// Everything that conversations share.
#[derive(Debug)]
pub struct Guest {
    /// What is open.
    pub sessions: Sessions,
    /// The workspace; one conversation at a time may change or read it as a whole.
    pub workspace: Mutex<Workspace>,
    /// Turns the guest off. Does not return in a guest.
    pub power_off: fn(),
}

/// A conversation.
struct Conversation<'guest> {
    guest: &'guest Guest,
    reading: Link<File>,
    writing: Arc<Mutex<Link<File>>>,
    running: Option<Running>,
}

/// The call whose output this conversation sends.
struct Running {
    call: Arc<Call>,
    reader: ReaderId,
    /// Ends when the sender is done, without a word.
    sender: Receiver<()>,
    /// Set before the last frame goes out: the host may ask for the next thing as soon as it has it.
    is_ending: Arc<AtomicBool>,
}

/// Returns the agent's first words.
pub fn welcome() -> Welcome {
    Welcome { agent: Text::cut(VERSION), boot: status::boot() }
}

/// Holds a conversation until the host closes it.
pub fn serve(guest: &Guest, stream: File) -> Result<(), LinkError> {
    let writing = Arc::new(Mutex::new(Link::new(stream.try_clone()?)));
    let mut conversation = Conversation { guest, reading: Link::new(stream), writing, running: None };
    let outcome = conversation.hold();
    if let Some(Running { call, reader, sender, .. }) = conversation.running.take() {
        // The command goes on; who comes back attaches to it.
        call.leave(reader);
        let _done = sender.recv();
    }
    match outcome {
        Err(LinkError::Closed) => Ok(()),
        other => other,
    }
}

impl Conversation<'_> {
    fn hold(&mut self) -> Result<(), LinkError> {
        match self.reading.receive()? {
            HostFrame::Hello(_) => self.send(&GuestFrame::Welcome(welcome()))?,
            other => return self.send(&misplaced(&other)),
        }
        loop {
            let frame = self.reading.receive()?;
            if let Some(answer) = self.obey(frame)? {
                self.send(&answer)?;
            }
        }
    }

    fn send(&self, frame: &GuestFrame) -> Result<(), LinkError> {
        self.writing.lock().expect("nobody panics while sending").send(frame)
    }

    /// Does what was asked; what answers itself, or needs no answer, returns none.
    fn obey(&mut self, frame: HostFrame) -> Result<Option<GuestFrame>, LinkError> {
        let done = |outcome: Result<(), Refused>| {
            Ok(Some(outcome.map_or_else(GuestFrame::Refused, |()| GuestFrame::Done(()))))
        };
        let sessions = &self.guest.sessions;
        if self.is_running() {
            return self.obey_while_running(frame);
        }
        match frame {
            HostFrame::SpawnSession(wanted) => done(sessions.spawn(&wanted)),
            HostFrame::ExecCommand(wanted) => match sessions.exec(&wanted) {
                Ok(call) => self.follow(call, 0, 0),
                Err(refused) => Ok(Some(GuestFrame::Refused(refused))),
            },
            HostFrame::Attach(attach) => match sessions.call(attach.call) {
                Ok(call) => self.follow(call, attach.out_seen, attach.err_seen),
                Err(refused) => Ok(Some(GuestFrame::Refused(refused))),
            },
            // The command ended while these were on their way.
            HostFrame::Input(_) | HostFrame::InputEnd(()) | HostFrame::Resize(_) => Ok(None),
            HostFrame::KillSession(kill) => done(sessions.kill(kill.session, kill.signal)),
            HostFrame::KillCall(kill) => {
                let both = sessions.call(kill.call).and_then(|call| Ok((call, known(kill.signal)?)));
                done(both.map(|(call, signal)| call.signal(signal)))
            }
            HostFrame::Forget(forget) => done(sessions.forget(forget.call)),
            HostFrame::PushBegin(begin) => self.push(&begin).map(Some),
            HostFrame::ListChanges(()) => self.changes(false).map(Some),
            HostFrame::PullChanges(()) => self.changes(true).map(Some),
            HostFrame::Settle(settle) => done(self.workspace().settle(&settle)),
            HostFrame::SetClock(clock) => done(set_clock(clock.unix_nanos)),
            HostFrame::AddEntropy(entropy) => done(add_entropy(entropy.bytes.as_bytes())),
            HostFrame::Status(()) => {
                let (sessions, calls) = sessions.list();
                let standing = self.guest.sessions.launcher().standing().processes();
                Ok(Some(GuestFrame::Status(status::status(sessions, calls, &standing))))
            }
            HostFrame::PowerOff(()) => {
                self.send(&GuestFrame::Done(()))?;
                (self.guest.power_off)();
                Ok(None)
            }
            frame @ (HostFrame::Hello(_)
            | HostFrame::PushEntry(_)
            | HostFrame::PushData(_)
            | HostFrame::PushEnd(())
            | HostFrame::EgressAnswer(_)) => Ok(Some(misplaced(&frame))),
        }
    }

    /// While a command runs there is input, a size, and signals, none of which is answered: its end is the answer.
    fn obey_while_running(&mut self, frame: HostFrame) -> Result<Option<GuestFrame>, LinkError> {
        let Some(Running { call, .. }) = &self.running else { return Ok(None) };
        match frame {
            HostFrame::Input(data) => call.input(data.as_bytes()),
            HostFrame::InputEnd(()) => call.end_input(),
            HostFrame::Resize(size) => call.resize(&size)?,
            HostFrame::KillCall(kill) if kill.call == call.id => match known(kill.signal) {
                Ok(signal) => call.signal(signal),
                Err(refused) => return Ok(Some(GuestFrame::Refused(refused))),
            },
            other => return Ok(Some(misplaced(&other))),
        }
        Ok(None)
    }

    fn is_running(&mut self) -> bool {
        let is_running =
            self.running.as_ref().is_some_and(|running| !running.is_ending.load(Ordering::Acquire));
        if !is_running && let Some(ended) = self.running.take() {
            let _done = ended.sender.recv();
        }
        is_running
    }

    /// Sends what a call prints, from these offsets on, in a thread of its own.
    fn follow(&mut self, call: Arc<Call>, out: u64, err: u64) -> Result<Option<GuestFrame>, LinkError> {
        let process = call.pid.as_raw_nonzero().get().unsigned_abs();
        self.send(&GuestFrame::Started(Started { call: call.id, process }))?;
        let reader = call.read_from(out, err);
        let is_ending = Arc::new(AtomicBool::new(false));
        let (sending, writing, ending) =
            (Arc::clone(&call), Arc::clone(&self.writing), Arc::clone(&is_ending));
        let (busy, sender) = channel();
        let launcher = self.guest.sessions.launcher();
        let standing = Arc::clone(launcher.standing());
        let given = launcher.hands().give(move || {
            send_output(&sending, reader, &writing, &ending);
            ending.store(true, Ordering::Release);
            drop::<Sender<()>>(busy);
            standing.again();
        });
        if let Err(error) = given {
            call.leave(reader);
            let why = format!("its output cannot be sent: {error}");
            return Ok(Some(GuestFrame::Refused(refused(Refusal::Failed, why))));
        }
        self.running = Some(Running { call, reader, sender, is_ending });
        Ok(None)
    }

    fn workspace(&self) -> std::sync::MutexGuard<'_, Workspace> {
        self.guest.workspace.lock().expect("nobody panics with the workspace")
    }

    /// Takes a whole push, also one that fails, so that the conversation can go on.
    fn push(&mut self, begin: &PushBegin) -> Result<GuestFrame, LinkError> {
        let guest = self.guest;
        let workspace = guest.workspace.lock().expect("nobody panics with the workspace");
        let mut broken = None;
        let mut is_ended = false;
        let outcome = workspace.push(begin, |push| {
            loop {
                let frame = match self.reading.receive() {
                    Ok(frame) => frame,
                    Err(error) => {
                        broken = Some(error);
                        return Err(io::Error::other("the host went away"));
                    }
                };
                match frame {
                    HostFrame::PushEntry(entry) => push.entry(entry)?,
                    HostFrame::PushData(data) => push.data(data.as_bytes())?,
                    HostFrame::PushEnd(()) => {
                        is_ended = true;
                        return Ok(());
                    }
                    other => return Err(io::Error::other(format!("a push does not take {}", words(&other)))),
                }
            }
        });
        if let Some(error) = broken {
            return Err(error);
        }
        while !is_ended {
            is_ended = matches!(self.reading.receive()?, HostFrame::PushEnd(()));
        }
        Ok(outcome.map_or_else(GuestFrame::Refused, GuestFrame::Pushed))
    }

    fn changes(&self, with_bytes: bool) -> Result<GuestFrame, LinkError> {
        let workspace = self.workspace();
        let walked = changes::walk(&workspace.upper(), |entry, place| {
            let bytes = if let Entry::File(file) = &entry { file.bytes } else { 0 };
            self.send(&GuestFrame::Change(entry))?;
            if with_bytes && bytes > 0 { self.send_file(place, bytes) } else { Ok(()) }
        });
        match walked {
            Ok(tally) => Ok(GuestFrame::ChangesEnd(tally)),
            Err(LinkError::Broken(error)) => Ok(GuestFrame::Refused(refused(
                Refusal::Failed,
                format!("the changes cannot be read: {error}"),
            ))),
            Err(other) => Err(other),
        }
    }

    fn send_file(&self, place: &std::path::Path, bytes: u64) -> Result<(), LinkError> {
        let mut file = File::open(place)?.take(bytes);
        let mut left = bytes;
        while left > 0 {
            let mut chunk = Vec::new();
            let len = file.by_ref().take(CHUNK_BYTES_MAX as u64).read_to_end(&mut chunk)?;
            if len == 0 {
                return Err(io::Error::other("a file shrank while it was read").into());
            }
            left -= len as u64;
            self.send(&GuestFrame::ChangeData(Data::new(chunk).expect("no more was read")))?;
        }
        Ok(())
    }
}

/// Sends what a call prints until it ended, another reader came, or the host is gone.
fn send_output(call: &Call, reader: ReaderId, writing: &Mutex<Link<impl Write>>, ending: &AtomicBool) {
    loop {
        let frame = match call.next(reader) {
            Next::Frame(frame) => frame,
            Next::Replaced => {
                ending.store(true, Ordering::Release);
                let gone = refused(Refusal::Busy, "another conversation took the call over");
                // If the host is gone, too, there is nobody to tell.
                let _untold =
                    writing.lock().expect("nobody panics while sending").send(&GuestFrame::Refused(gone));
                return;
            }
        };
        let is_last = matches!(frame, GuestFrame::Exited(_));
        if is_last {
            ending.store(true, Ordering::Release);
        }
        let sent = writing.lock().expect("nobody panics while sending").send(&frame);
        if sent.is_err() {
            return call.leave(reader);
        }
        call.mark_sent(reader, &frame);
        if is_last {
            return;
        }
    }
}

fn misplaced(frame: &HostFrame) -> GuestFrame {
    GuestFrame::Refused(refused(Refusal::Misplaced, format!("{} makes no sense here", words(frame))))
}

/// The name of a frame, without what is in it.
fn words(frame: &HostFrame) -> String {
    let shown = format!("{frame:?}");
    shown.split('(').next().unwrap_or_default().to_owned()
}

fn set_clock(unix_nanos: u64) -> Result<(), Refused> {
    const NANOS: u64 = 1_000_000_000;
    let time = Timespec {
        tv_sec: i64::try_from(unix_nanos / NANOS).expect("seconds in 64 bits of nanoseconds are few"),
        tv_nsec: i64::try_from(unix_nanos % NANOS).expect("less than a second"),
    };
    clock_settime(ClockId::Realtime, time)
        .map_err(|error| refused(Refusal::Failed, format!("the clock cannot be set: {error}")))
}

fn add_entropy(bytes: &[u8]) -> Result<(), Refused> {
    if bytes.len() < ENTROPY_BYTES_MIN {
        return Err(refused(
            Refusal::Misplaced,
            format!("less than {ENTROPY_BYTES_MIN} bytes can be guessed"),
        ));
    }
    sys::add_entropy(bytes)
        .map_err(|error| refused(Refusal::Failed, format!("the random numbers cannot be seeded: {error}")))
}
