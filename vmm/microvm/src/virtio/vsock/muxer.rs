//! All conversations of a guest, and the bounds around them. Knows sockets and ports; the queues are `device`'s.
use super::{
    BUFFER, CONNECTIONS_MAX, GUEST, HOST,
    connection::{Connection, Fate, Sent, Stage},
    host::{Caller, Said},
    packet::{Credit, Header, Op, Ports, STREAM},
};
use event_manager::EventSet;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    os::{
        fd::{AsRawFd, RawFd},
        unix::net::UnixStream,
    },
};
use virtio_vsock::packet::VsockPacket;
use vm_memory::{VolatileSlice, bitmap::BitmapSlice};

/// Clients that have not said whom they want. One more pushes out the one that has been silent longest.
const CALLERS_MAX: usize = 32;
/// Resets that wait for the guest to offer buffers. While there are so many, nothing is taken from it.
const RESETS_MAX: usize = 256;
/// Ports on the host's side of conversations that the host begins.
const FIRST_PORT: u32 = 1 << 30;

/// Asks somebody who may to dial a port of the host. The answers come back in the order of the questions.
pub(crate) trait Dial: Send {
    /// Returns whether the question went out.
    fn dial(&mut self, port: u32) -> bool;
}

/// All conversations.
pub(crate) struct Muxer {
    connections: BTreeMap<Ports, Connection>,
    /// Who may have something for the guest, in the order in which they get their turn. A conversation is in it once, and
    /// only while it is one.
    turns: VecDeque<Ports>,
    resets: VecDeque<Header>,
    dialler: Box<dyn Dial>,
    allowed: Vec<u32>,
    dialled: VecDeque<Ports>,
    callers: VecDeque<Caller>,
    /// Callers who said whom they want while the gate was closed.
    held: VecDeque<(u32, UnixStream)>,
    gate_open: bool,
    pub(super) next_port: u32,
    sockets: HashMap<RawFd, Ports>,
    changed: BTreeSet<RawFd>,
    closed: Vec<UnixStream>,
    pub(super) to_guest: u64,
    pub(super) to_host: u64,
}

/// What a packet of the guest turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// Somebody's business.
    Fine,
    /// The guest dialled this port.
    Dialled(u32),
    /// Nonsense, counted.
    Fault,
}

impl Muxer {
    pub(super) fn new(allowed: Vec<u32>, dialler: Box<dyn Dial>) -> Muxer {
        Muxer {
            connections: BTreeMap::new(),
            turns: VecDeque::new(),
            resets: VecDeque::new(),
            dialler,
            allowed,
            dialled: VecDeque::new(),
            callers: VecDeque::new(),
            held: VecDeque::new(),
            gate_open: false,
            next_port: FIRST_PORT,
            sockets: HashMap::new(),
            changed: BTreeSet::new(),
            closed: Vec::new(),
            to_guest: 0,
            to_host: 0,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.connections.len()
    }

    /// How many wait for their turn.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn waiting(&self) -> usize {
        self.turns.len()
    }

    /// Ends every conversation; the guest forgot them, or is about to.
    pub(super) fn forget_all(&mut self) {
        for ports in self.connections.keys().copied().collect::<Vec<_>>() {
            self.end(ports, false);
        }
        self.resets.clear();
    }

    /// Lets callers through, or holds them.
    pub(super) fn set_gate(&mut self, open: bool) {
        self.gate_open = open;
        while self.gate_open
            && let Some((port, stream)) = self.held.pop_front()
        {
            self.call(port, stream);
        }
    }

    /// A client came.
    pub(super) fn arrived(&mut self, stream: UnixStream) {
        if self.callers.len() >= CALLERS_MAX
            && let Some(oldest) = self.callers.pop_front()
        {
            self.close(oldest.stream);
        }
        self.changed.insert(stream.as_raw_fd());
        self.callers.push_back(Caller { stream });
    }

    /// A socket has an event.
    pub(super) fn woken(&mut self, socket: RawFd, events: EventSet) {
        if let Some(ports) = self.sockets.get(&socket).copied() {
            let fate = self.connections.get_mut(&ports).map(|connection| connection.woken(events));
            self.after(ports, fate.unwrap_or(Fate::Lives));
            return;
        }
        let Some(at) = self.callers.iter().position(|caller| caller.stream.as_raw_fd() == socket) else {
            return;
        };
        let said = self.callers[at].listen();
        if said == Said::NotYet {
            return;
        }
        let Some(caller) = self.callers.remove(at) else { return };
        match said {
            Said::Connect(port) if self.gate_open => self.call(port, caller.stream),
            Said::Connect(port) if self.held.len() < CONNECTIONS_MAX => {
                self.changed.insert(socket);
                self.held.push_back((port, caller.stream));
            }
            Said::Connect(_) | Said::Nonsense | Said::NotYet => self.close(caller.stream),
        }
    }

    /// Leaves the ports of an earlier life out.
    pub(super) fn go_on_at(&mut self, port: u32) {
        self.next_port = port.max(FIRST_PORT);
    }

    /// Asks the guest to pick up.
    fn call(&mut self, port: u32, stream: UnixStream) {
        if self.connections.len() >= CONNECTIONS_MAX {
            return self.close(stream);
        }
        let ports = loop {
            let ports = Ports { host: self.next_port, guest: port };
            self.next_port = self.next_port.wrapping_add(1).max(FIRST_PORT);
            if !self.connections.contains_key(&ports) {
                break ports;
            }
        };
        self.sockets.insert(stream.as_raw_fd(), ports);
        self.connections.insert(ports, Connection::asked(ports, stream));
        self.after(ports, Fate::Lives);
    }

    /// The oldest question to the host was answered.
    pub(super) fn dialled(&mut self, stream: Option<UnixStream>) {
        let Some(ports) = self.dialled.pop_front() else { return };
        let waiting =
            self.connections.get_mut(&ports).filter(|connection| connection.stage == Stage::Dialling);
        match (waiting, stream) {
            (Some(connection), Some(stream)) => {
                self.sockets.insert(stream.as_raw_fd(), ports);
                connection.answered(stream);
                self.after(ports, Fate::Lives);
            }
            (Some(_), None) => self.end(ports, true),
            (None, Some(stream)) => self.close(stream),
            (None, None) => {}
        }
    }

    /// Whether another packet of the guest can be taken.
    pub(super) fn listens(&self) -> bool {
        self.resets.len() < RESETS_MAX
    }

    /// The guest sent a packet.
    pub(super) fn heard<B: BitmapSlice>(&mut self, packet: &VsockPacket<'_, B>) -> Heard {
        let ports = Ports { host: packet.dst_port(), guest: packet.src_port() };
        let (op, credit) =
            (Op::of(packet.op()), Credit { room: packet.buf_alloc(), taken: packet.fwd_cnt() });
        if packet.src_cid() != GUEST || packet.dst_cid() != HOST {
            return Heard::Fault;
        }
        let Some(op) = op.filter(|_| packet.type_() == STREAM) else {
            self.reset(ports);
            return Heard::Fault;
        };
        if let Some(connection) = self.connections.get_mut(&ports) {
            let bytes = packet.data_slice().map_or(0, VolatileSlice::len);
            let fate = connection.heard(op, packet.flags(), credit, packet.data_slice());
            self.to_host += bytes as u64;
            self.after(ports, fate);
            return Heard::Fine;
        }
        match op {
            Op::Request => {
                self.asked(ports, credit);
                Heard::Dialled(ports.host)
            }
            // A reset is never answered, or two sides that know nothing would go on for ever.
            Op::Reset => Heard::Fine,
            Op::Response | Op::Shutdown | Op::Data | Op::CreditUpdate | Op::CreditRequest => {
                self.reset(ports);
                Heard::Fine
            }
        }
    }

    /// The guest wants a port of the host.
    fn asked(&mut self, ports: Ports, credit: Credit) {
        let room = self.connections.len() < CONNECTIONS_MAX && self.dialled.len() < CONNECTIONS_MAX;
        if !room || !self.allowed.contains(&ports.host) || !self.dialler.dial(ports.host) {
            return self.reset(ports);
        }
        self.connections.insert(ports, Connection::dialling(ports, credit));
        self.dialled.push_back(ports);
    }

    /// Whether the guest is to get something.
    pub(super) fn has_something(&self) -> bool {
        !self.resets.is_empty() || !self.turns.is_empty()
    }

    /// Writes the next packet for the guest. Returns its whole length, or none where there is none after all.
    pub(super) fn fill<B: BitmapSlice>(&mut self, packet: &mut VsockPacket<'_, B>) -> Option<u32> {
        let length = |data: u32| data + virtio_vsock::packet::PKT_HEADER_SIZE as u32;
        if let Some(reset) = self.resets.pop_front() {
            reset.write(packet, 0);
            return Some(length(0));
        }
        while let Some(ports) = self.turns.pop_front() {
            let Some(connection) = self.connections.get_mut(&ports) else { continue };
            let sent = connection.fill(packet.data_slice());
            let finished = connection.finished();
            self.after(ports, if finished { Fate::Over { tell: false } } else { Fate::Lives });
            if let Sent::Packet(header, data) = sent {
                self.to_guest += u64::from(data);
                header.write(packet, data);
                return Some(length(data));
            }
        }
        None
    }

    /// Puts a conversation where it belongs after something happened to it.
    fn after(&mut self, ports: Ports, fate: Fate) {
        if let Fate::Over { tell } = fate {
            return self.end(ports, tell);
        }
        let Some(connection) = self.connections.get(&ports) else { return };
        self.changed.extend(connection.stream.as_ref().map(AsRawFd::as_raw_fd));
        if connection.has_something() && !self.turns.contains(&ports) {
            self.turns.push_back(ports);
        }
    }

    fn end(&mut self, ports: Ports, tell: bool) {
        let Some(connection) = self.connections.remove(&ports) else { return };
        // A guest that offers no buffers would leave one behind with each call that it makes and takes back.
        self.turns.retain(|turn| *turn != ports);
        if let Some(stream) = connection.stream {
            self.sockets.remove(&stream.as_raw_fd());
            self.close(stream);
        }
        if tell {
            self.reset(ports);
        }
    }

    fn reset(&mut self, ports: Ports) {
        // `listens` keeps the guest from filling this; the host's own ends are at most one per conversation.
        if self.resets.len() < 2 * RESETS_MAX {
            self.resets.push_back(Header::reset(ports));
        }
    }

    fn close(&mut self, stream: UnixStream) {
        self.changed.remove(&stream.as_raw_fd());
        self.closed.push(stream);
    }

    /// Sockets that are done with. Whoever watches them stops, then drops them.
    pub(super) fn closed(&mut self) -> Vec<UnixStream> {
        std::mem::take(&mut self.closed)
    }

    /// Sockets whose watching may have to change, and how.
    pub(super) fn changed(&mut self) -> Vec<(RawFd, Option<EventSet>)> {
        let changed = std::mem::take(&mut self.changed);
        changed.into_iter().map(|socket| (socket, self.interest(socket))).collect()
    }

    fn interest(&self, socket: RawFd) -> Option<EventSet> {
        if let Some(ports) = self.sockets.get(&socket) {
            return self.connections.get(ports).and_then(Connection::interest);
        }
        let speaks = self.callers.iter().any(|caller| caller.stream.as_raw_fd() == socket);
        speaks.then_some(EventSet::IN)
    }
}

/// A packet of a guest holds no more than this.
pub(super) const DATA_MAX: u32 = BUFFER as u32;
