//! One conversation: how far it is, who may still send, and the credit on both sides. It moves bytes between a socket and
//! slices of guest memory, and decides nothing about other conversations.
use super::{
    BUFFER,
    packet::{Credit, Header, NO_MORE_RECEIVE, NO_MORE_SEND, Op, Ports},
};
use event_manager::EventSet;
use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
};
use vm_memory::{ReadVolatile, VolatileSlice, WriteVolatile, bitmap::BitmapSlice};

/// How far a conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The guest asked for it; the host's end is being dialled.
    Dialling,
    /// The host asked for it; the guest has not answered.
    Asked,
    /// Both ends are there.
    Open,
}

/// A conversation.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) ports: Ports,
    pub(super) stage: Stage,
    /// The host's end; none while it is being dialled.
    pub(super) stream: Option<UnixStream>,
    guest: Credit,
    /// Bytes sent to the guest, of which it has taken `guest.taken`.
    sent: u32,
    /// Bytes of the guest that the host took.
    taken: u32,
    /// What of that the guest was told last.
    told: u32,
    /// Bytes of the guest that the host did not take yet. Never more than [`BUFFER`]: that is the guest's credit.
    waiting: VecDeque<u8>,
    /// The socket may have something to read.
    readable: bool,
    /// A packet without data that the guest is to get.
    next: Option<Op>,
    host_ended: bool,
    host_gone: bool,
    guest_ended: bool,
    guest_deaf: bool,
}

/// What became of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Lives,
    /// It is over. The guest is to be told by a reset, or knows.
    Over {
        tell: bool,
    },
}

/// What was read for the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// A header, and so many bytes of data.
    Packet(Header, u32),
    /// There is nothing.
    Nothing,
}

impl Connection {
    /// The host asks.
    pub(super) fn asked(ports: Ports, stream: UnixStream) -> Connection {
        Connection {
            stream: Some(stream),
            next: Some(Op::Request),
            ..Connection::dialling(ports, Credit::default())
        }
        .at(Stage::Asked)
    }

    /// The guest asks.
    pub(super) fn dialling(ports: Ports, guest: Credit) -> Connection {
        Connection {
            ports,
            stage: Stage::Dialling,
            stream: None,
            guest,
            sent: 0,
            taken: 0,
            told: 0,
            waiting: VecDeque::new(),
            readable: false,
            next: None,
            host_ended: false,
            host_gone: false,
            guest_ended: false,
            guest_deaf: false,
        }
    }

    fn at(mut self, stage: Stage) -> Connection {
        self.stage = stage;
        self
    }

    /// The host picked up.
    pub(super) fn answered(&mut self, stream: UnixStream) {
        self.stream = Some(stream);
        self.stage = Stage::Open;
        self.next = Some(Op::Response);
    }

    /// What its socket shall be watched for; none where watching would only spin.
    pub(super) fn interest(&self) -> Option<EventSet> {
        if self.stream.is_none() || self.host_gone {
            return None;
        }
        let mut interest = EventSet::empty();
        interest.set(
            EventSet::IN,
            self.stage == Stage::Open && !self.readable && !self.host_ended && !self.guest_deaf,
        );
        interest.set(EventSet::OUT, !self.waiting.is_empty());
        Some(interest)
    }

    /// Whether the guest is to get a packet.
    pub(super) fn has_something(&self) -> bool {
        let reads = self.stage == Stage::Open && self.readable && !self.guest_deaf;
        self.next.is_some() || reads && self.guest_room() > 0
    }

    fn guest_room(&self) -> u32 {
        // What is under way counts. A guest that claims to have taken more than was sent gets nothing.
        self.guest.room.saturating_sub(self.sent.wrapping_sub(self.guest.taken))
    }

    /// The next packet for the guest, its data read straight into `room`.
    pub(super) fn fill<B: BitmapSlice>(&mut self, room: Option<&VolatileSlice<'_, B>>) -> Sent {
        if let Some(op) = self.next.take() {
            return Sent::Packet(self.header(op, 0), 0);
        }
        let Some(room) = room.filter(|_| self.readable && self.stage == Stage::Open && !self.guest_deaf)
        else {
            return Sent::Nothing;
        };
        let length = room.len().min(self.guest_room() as usize).min(BUFFER);
        if length == 0 {
            return Sent::Nothing;
        }
        let Some(stream) = &mut self.stream else { return Sent::Nothing };
        let Ok(mut room) = room.subslice(0, length) else { return Sent::Nothing };
        match volatile(stream.read_volatile(&mut room)) {
            Ok(0) => {
                self.readable = false;
                self.host_ended = true;
                let flags = if self.host_gone { NO_MORE_SEND | NO_MORE_RECEIVE } else { NO_MORE_SEND };
                Sent::Packet(self.header(Op::Shutdown, flags), 0)
            }
            Ok(read) => {
                let read = u32::try_from(read).expect("a packet holds 64 KiB at most");
                self.sent = self.sent.wrapping_add(read);
                Sent::Packet(self.header(Op::Data, 0), read)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                Sent::Nothing
            }
            Err(_) => {
                (self.readable, self.host_ended, self.host_gone) = (false, true, true);
                Sent::Packet(self.header(Op::Shutdown, NO_MORE_SEND | NO_MORE_RECEIVE), 0)
            }
        }
    }

    fn header(&mut self, op: Op, flags: u32) -> Header {
        self.told = self.taken;
        Header { ports: self.ports, op, flags, credit: Credit { room: BUFFER as u32, taken: self.taken } }
    }

    /// Whether the guest was told that the host is gone, so that nothing is left to be said.
    pub(super) fn finished(&self) -> bool {
        self.host_gone && self.host_ended && self.next.is_none()
    }

    /// The socket has an event.
    pub(super) fn woken(&mut self, events: EventSet) -> Fate {
        if events.intersects(EventSet::IN | EventSet::HANG_UP | EventSet::ERROR) {
            self.readable = !self.host_ended;
        }
        if events.intersects(EventSet::HANG_UP | EventSet::ERROR) {
            self.host_gone = true;
            self.waiting.clear();
            if self.stage == Stage::Asked || self.host_ended {
                return Fate::Over { tell: true };
            }
        }
        if events.contains(EventSet::OUT) { self.flush() } else { Fate::Lives }
    }

    /// The guest sent a packet of this conversation.
    pub(super) fn heard<B: BitmapSlice>(
        &mut self,
        op: Op,
        flags: u32,
        credit: Credit,
        data: Option<&VolatileSlice<'_, B>>,
    ) -> Fate {
        self.guest = credit;
        match (op, self.stage) {
            (Op::Reset, _) => Fate::Over { tell: false },
            (Op::Response, Stage::Asked) => self.open(),
            (Op::Data, Stage::Open) => data.map_or(Fate::Lives, |data| self.deliver(data)),
            (Op::Shutdown, Stage::Open) => self.shutdown(flags),
            (Op::CreditUpdate, Stage::Open) => Fate::Lives,
            (Op::CreditRequest, Stage::Open) => {
                self.next.get_or_insert(Op::CreditUpdate);
                Fate::Lives
            }
            // Data before the answer, a second request, an answer that nobody waits for.
            (
                Op::Request | Op::Response | Op::Data | Op::Shutdown | Op::CreditUpdate | Op::CreditRequest,
                _,
            ) => Fate::Over { tell: true },
        }
    }

    fn open(&mut self) -> Fate {
        self.stage = Stage::Open;
        let line = format!("OK {}\n", self.ports.host);
        // The socket is new, so that its buffer takes these few bytes.
        let said = self.stream.as_mut().is_some_and(|stream| stream.write_all(line.as_bytes()).is_ok());
        if said { Fate::Lives } else { Fate::Over { tell: true } }
    }

    fn deliver<B: BitmapSlice>(&mut self, data: &VolatileSlice<'_, B>) -> Fate {
        if self.guest_ended || self.waiting.len() + data.len() > BUFFER {
            return Fate::Over { tell: true };
        }
        if self.host_gone {
            return Fate::Lives;
        }
        let mut done = 0;
        if self.waiting.is_empty() {
            let Some(stream) = &mut self.stream else { return Fate::Over { tell: true } };
            match volatile(stream.write_volatile(data)) {
                Ok(written) => done = written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return self.deaf(),
            }
        }
        self.took(done);
        let Ok(rest) = data.offset(done) else { return Fate::Over { tell: true } };
        let start = self.waiting.len();
        self.waiting.resize(start + rest.len(), 0);
        rest.copy_to(&mut self.waiting.make_contiguous()[start..]);
        Fate::Lives
    }

    /// Hands on what waits.
    pub(super) fn flush(&mut self) -> Fate {
        while !self.waiting.is_empty() {
            let Some(stream) = &mut self.stream else { return Fate::Lives };
            match stream.write(self.waiting.as_slices().0) {
                Ok(written) => {
                    self.waiting.drain(..written);
                    self.took(written);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Fate::Lives,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.deaf(),
            }
        }
        self.waiting = VecDeque::new();
        if self.guest_ended { self.end_host() } else { Fate::Lives }
    }

    /// The host reads no more. It may still have said something that the guest has not got.
    fn deaf(&mut self) -> Fate {
        self.waiting.clear();
        self.host_gone = true;
        self.readable = !self.host_ended;
        if self.host_ended { Fate::Over { tell: true } } else { Fate::Lives }
    }

    fn took(&mut self, bytes: usize) {
        self.taken = self.taken.wrapping_add(bytes as u32);
        // Half of the room is news; every packet says it anyway.
        if self.taken.wrapping_sub(self.told) as usize >= BUFFER / 2 {
            self.next.get_or_insert(Op::CreditUpdate);
        }
    }

    fn shutdown(&mut self, flags: u32) -> Fate {
        self.guest_ended |= flags & NO_MORE_SEND != 0;
        self.guest_deaf |= flags & NO_MORE_RECEIVE != 0;
        match self.guest_ended && self.waiting.is_empty() {
            true => self.end_host(),
            false => Fate::Lives,
        }
    }

    /// The guest said all, and the host got it.
    fn end_host(&mut self) -> Fate {
        if self.guest_deaf {
            return Fate::Over { tell: true };
        }
        let ended = self.stream.as_ref().map(|stream| stream.shutdown(Shutdown::Write));
        if matches!(ended, Some(Ok(()))) { Fate::Lives } else { self.deaf() }
    }
}

fn volatile(result: Result<usize, vm_memory::VolatileMemoryError>) -> io::Result<usize> {
    result.map_err(|error| match error {
        vm_memory::VolatileMemoryError::IOError(error) => error,
        other => io::Error::other(other),
    })
}
