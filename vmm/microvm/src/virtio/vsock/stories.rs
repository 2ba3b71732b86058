//! Conversations told from the guest's side: what it sends, what it gets, and what a host client sees. No KVM, no threads.
use super::{GUEST, HOST, Knock, Vsock, muxer::Dial};
use crate::{
    bell::Bell,
    lock::lock,
    virtio::{
        Device,
        driver::{BUFFERS, Driver, line, memory},
        transport::{Mmio, Transport},
    },
};
use event_manager::EventSet;
use expect_test::expect;
use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    os::{
        fd::{AsRawFd, RawFd},
        unix::net::UnixStream,
    },
    sync::{Arc, Mutex, atomic::AtomicBool},
};
use vmm_sys_util::epoll::{ControlOperation, Epoll, EpollEvent};

/// Remembers what it was asked to dial.
#[derive(Clone, Default)]
pub(crate) struct Dialled(Arc<Mutex<Vec<u32>>>);

impl Dial for Dialled {
    fn dial(&mut self, port: u32) -> bool {
        lock(&self.0).push(port);
        true
    }
}

/// A vsock that lets its guest dial port 2000, and what it dialled.
pub(crate) fn vsock() -> (Vsock, Dialled) {
    let dialled = Dialled::default();
    let knock = Knock { heard: Arc::new(AtomicBool::new(false)), bell: Arc::new(Bell::new().unwrap()) };
    (Vsock::new(vec![2000], Box::new(dialled.clone()), knock, line()), dialled)
}

const PACKET: u64 = 0x2_0000;
const RECEIVE: usize = 0;
const SEND: usize = 1;
const EVENTS: usize = 2;

struct World {
    transport: Arc<Mutex<Transport<Vsock>>>,
    driver: Driver,
    dialled: Dialled,
    epoll: Epoll,
    watched: BTreeMap<RawFd, EventSet>,
    /// What the guest says of its room.
    room: u32,
    received: u64,
}

impl World {
    fn new() -> World {
        let (device, dialled) = vsock();
        let memory = memory();
        let transport = Arc::new(Mutex::new(Transport::new(device, memory.clone(), line())));
        let driver = Driver::start(transport.clone(), memory, 3);
        let mut world = World {
            transport,
            driver,
            dialled,
            epoll: Epoll::new().unwrap(),
            watched: BTreeMap::new(),
            room: 1 << 16,
            received: 0,
        };
        lock(&world.transport).device.set_gate(true);
        (0..4).for_each(|slot| world.lend(slot));
        world
    }

    /// Gives the device a buffer to answer in.
    fn lend(&mut self, slot: u64) {
        let at = BUFFERS + slot * PACKET;
        self.driver.offer(RECEIVE, &[(at, 44, true), (at + 64, 0x1_0000, true)]);
        self.driver.kick(RECEIVE);
    }

    /// The guest sends a packet.
    fn send(&mut self, host: u32, guest: u32, op: u16, flags: u32, data: &[u8]) {
        self.send_as((GUEST, HOST, 1), host, guest, op, flags, data);
    }

    fn send_as(
        &mut self,
        (from, to, kind): (u64, u64, u16),
        host: u32,
        guest: u32,
        op: u16,
        flags: u32,
        data: &[u8],
    ) {
        let mut header = Vec::new();
        header.extend(from.to_le_bytes());
        header.extend(to.to_le_bytes());
        header.extend(guest.to_le_bytes());
        header.extend(host.to_le_bytes());
        header.extend((data.len() as u32).to_le_bytes());
        header.extend(kind.to_le_bytes());
        header.extend(op.to_le_bytes());
        header.extend(flags.to_le_bytes());
        header.extend(self.room.to_le_bytes());
        header.extend(0u32.to_le_bytes());
        let at = BUFFERS + 8 * PACKET;
        self.driver.fill(at, &header);
        self.driver.fill(at + 64, data);
        let chain = [(at, 44, false), (at + 64, data.len() as u32, false)];
        self.driver.offer(SEND, if data.is_empty() { &chain[..1] } else { &chain });
        self.driver.kick(SEND);
        self.driver.returned(SEND);
    }

    /// A host client comes and says its line.
    fn call(&mut self, line: &str) -> UnixStream {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        ours.set_nonblocking(true).unwrap();
        ours.write_all(line.as_bytes()).unwrap();
        lock(&self.transport).device.arrived(theirs);
        ours
    }

    /// Lets everything happen, and says what the guest got.
    fn got(&mut self) -> String {
        let mut got = Vec::new();
        for _ in 0..200 {
            self.watch();
            let returned = self.driver.returned(RECEIVE);
            for (head, length) in returned {
                let slot = u64::from(head) / 2 % 8;
                got.push(self.shown(BUFFERS + slot * PACKET, length));
                self.driver.describe(RECEIVE, head as u16, BUFFERS + slot * PACKET, 44, 3, head as u16 + 1);
                self.driver.offer_head(RECEIVE, head as u16);
                self.driver.kick(RECEIVE);
            }
        }
        got.join(", ")
    }

    /// The same, once, and unseen.
    fn got_all(&mut self) {
        self.watch();
        for (head, _) in self.driver.returned(RECEIVE) {
            self.driver.offer_head(RECEIVE, head as u16);
            self.driver.kick(RECEIVE);
        }
    }

    fn shown(&mut self, at: u64, length: u32) -> String {
        let header = self.driver.bytes(at, 44);
        let number = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
        let (host, guest, data, flags, taken) = (number(16), number(20), number(24), number(32), number(40));
        assert_eq!(length, data + 44);
        assert_eq!(
            (&header[..16], number(36)),
            (
                &[HOST.to_le_bytes(), GUEST.to_le_bytes()].concat()[..],
                if header[30] == 3 { 0 } else { 1 << 16 }
            )
        );
        let names =
            ["", "request", "response", "reset", "shutdown", "data", "credit update", "credit request"];
        let name = names[usize::from(header[30])];
        self.received += u64::from(data);
        let text = match data {
            0 => String::new(),
            1..=20 => format!(" {:?}", String::from_utf8_lossy(&self.driver.bytes(at + 64, data as usize))),
            more => format!(" {more} bytes"),
        };
        let flags = if flags > 0 { format!(" {flags}") } else { String::new() };
        let taken = if taken > 0 { format!(" after {taken}") } else { String::new() };
        format!(
            "{name} {}>{guest}{flags}{text}{taken}",
            host.checked_sub(1 << 30).map_or(host.to_string(), |n| format!("#{n}"))
        )
    }

    /// What the watching thread does, once.
    fn watch(&mut self) {
        let mut events = [EpollEvent::default(); 32];
        let count = self.epoll.wait(0, &mut events).unwrap();
        let mut transport = lock(&self.transport);
        for event in &events[..count] {
            transport.device.woken(event.fd(), event.event_set());
        }
        transport.with_queues(|vsock, queues, memory| vsock.fill(queues, memory));
        for socket in transport.device.closed() {
            self.watched.remove(&socket.as_raw_fd());
        }
        for (socket, interest) in transport.device.changed() {
            let before = self.watched.contains_key(&socket);
            let event = EpollEvent::new(interest.unwrap_or(EventSet::empty()), socket as u64);
            match interest {
                Some(interest) => {
                    let operation = if before { ControlOperation::Modify } else { ControlOperation::Add };
                    self.epoll.ctl(operation, socket, event).unwrap();
                    self.watched.insert(socket, interest);
                }
                None if before => {
                    self.epoll.ctl(ControlOperation::Delete, socket, event).unwrap();
                    self.watched.remove(&socket);
                }
                None => {}
            }
        }
    }

    fn connections(&self) -> u64 {
        lock(&self.transport).device.counts().0
    }
}

fn heard(stream: &mut UnixStream) -> String {
    let mut bytes = [0; 100];
    match stream.read(&mut bytes) {
        Ok(0) => "end".to_owned(),
        Ok(length) => String::from_utf8_lossy(&bytes[..length]).into_owned(),
        Err(error) if error.kind() == ErrorKind::WouldBlock => "nothing".to_owned(),
        // What a client said is dropped unread when it is hung up on.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => "end".to_owned(),
        Err(error) => error.to_string(),
    }
}

const AGENT: u32 = 1024;
const FIRST: u32 = 1 << 30;

#[test]
fn the_host_calls_both_talk_and_the_host_hangs_up() {
    let mut world = World::new();
    let mut client = world.call("CONNECT 1024\nearly");
    expect!["request #0>1024"].assert_eq(&world.got());
    world.send(FIRST, AGENT, 2, 0, b"");
    expect![[r#"data #0>1024 "early""#]].assert_eq(&world.got());
    assert_eq!(heard(&mut client), format!("OK {FIRST}\n"));
    world.send(FIRST, AGENT, 5, 0, b"hello");
    client.write_all(b"more").unwrap();
    expect![[r#"data #0>1024 "more" after 5"#]].assert_eq(&world.got());
    assert_eq!(heard(&mut client), "hello");
    drop(client);
    expect!["shutdown #0>1024 3 after 5"].assert_eq(&world.got());
    assert_eq!((world.connections(), world.watched.len()), (0, 0));
}

#[test]
fn either_side_may_end_its_half() {
    let mut world = World::new();
    let mut client = world.call("CONNECT 1024\n");
    world.got();
    world.send(FIRST, AGENT, 2, 0, b"");
    client.shutdown(std::net::Shutdown::Write).unwrap();
    expect!["shutdown #0>1024 2"].assert_eq(&world.got());
    world.send(FIRST, AGENT, 5, 0, b"last words");
    world.send(FIRST, AGENT, 4, 2, b"");
    expect!["reset #0>1024"].assert_eq(&world.got());
    assert_eq!(heard(&mut client), format!("OK {FIRST}\nlast words"));
    assert_eq!(heard(&mut client), "end");
    assert_eq!(world.connections(), 0);
}

#[test]
fn nobody_picks_up_and_nonsense_is_hung_up_on() {
    let mut world = World::new();
    let mut client = world.call("CONNECT 77\n");
    expect!["request #0>77"].assert_eq(&world.got());
    world.send(FIRST, 77, 3, 0, b"");
    let mut other = world.call("HELLO\n");
    expect![""].assert_eq(&world.got());
    assert_eq!((heard(&mut client), heard(&mut other)), ("end".to_owned(), "end".to_owned()));
}

#[test]
fn the_guest_dials_what_is_on_the_list_and_nothing_else() {
    let mut world = World::new();
    world.send(22, 5000, 1, 0, b"");
    expect!["reset 22>5000"].assert_eq(&world.got());
    world.send(2000, 5001, 1, 0, b"");
    expect![""].assert_eq(&world.got());
    assert_eq!(*lock(&world.dialled.0), [2000]);
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    ours.set_nonblocking(true).unwrap();
    lock(&world.transport).device.dialled(Some(theirs));
    expect!["response 2000>5001"].assert_eq(&world.got());
    world.send(2000, 5001, 5, 0, b"out");
    assert_eq!(heard(&mut ours), "out");
    world.send(2000, 5002, 1, 0, b"");
    lock(&world.transport).device.dialled(None);
    expect!["reset 2000>5002"].assert_eq(&world.got());
}

#[test]
fn a_guest_gets_no_more_than_it_has_room_for() {
    let mut world = World::new();
    let mut client = world.call("CONNECT 1024\n");
    world.got();
    world.room = 4;
    world.send(FIRST, AGENT, 2, 0, b"");
    client.write_all(b"0123456789").unwrap();
    expect![[r#"data #0>1024 "0123""#]].assert_eq(&world.got());
    expect![""].assert_eq(&world.got());
    world.room = 9;
    world.send(FIRST, AGENT, 6, 0, b"");
    expect![[r#"data #0>1024 "45678""#]].assert_eq(&world.got());
}

#[test]
fn a_guest_that_sends_more_than_there_is_room_for_is_cut_off() {
    let mut world = World::new();
    let _deaf = world.call("CONNECT 1024\n");
    world.got();
    world.send(FIRST, AGENT, 2, 0, b"");
    // The socket takes some, the buffer 64 KiB, and then it is over.
    let mut sent = 0;
    while world.connections() == 1 && sent < 100 {
        world.send(FIRST, AGENT, 5, 0, &[0; 0x1_0000]);
        sent += 1;
    }
    assert!((2..100).contains(&sent), "{sent}");
    assert!(world.got().ends_with("reset #0>1024"));
}

#[test]
fn callers_wait_at_a_closed_gate() {
    let mut world = World::new();
    lock(&world.transport).device.set_gate(false);
    let _client = world.call("CONNECT 1024\n");
    expect![""].assert_eq(&world.got());
    lock(&world.transport).device.set_gate(true);
    expect!["request #0>1024"].assert_eq(&world.got());
}

#[test]
fn a_restored_guest_is_told_and_waited_for() {
    let mut world = World::new();
    let state = world.transport.save();
    world.transport.restore(&state).unwrap();
    lock(&world.transport).device.set_gate(true);
    let _client = world.call("CONNECT 1024\n");
    let event = BUFFERS + 12 * PACKET;
    world.driver.fill(event, &[9; 4]);
    world.driver.offer(EVENTS, &[(event, 4, true)]);
    world.driver.kick(EVENTS);
    assert_eq!((world.driver.returned(EVENTS), world.driver.bytes(event, 4)), (vec![(0, 4)], vec![0; 4]));
    lock(&world.transport).device.set_gate(true);
    expect![""].assert_eq(&world.got());
    world.driver.offer(EVENTS, &[(event, 4, true)]);
    world.driver.kick(EVENTS);
    assert!(world.driver.returned(EVENTS).is_empty());
    lock(&world.transport).device.set_gate(true);
    expect!["request #0>1024"].assert_eq(&world.got());
}

#[test]
fn a_restored_guest_is_not_called_by_a_port_of_its_earlier_life() {
    let mut world = World::new();
    lock(&world.transport).device.set_gate(true);
    let _first = world.call("CONNECT 1024\n");
    expect!["request #0>1024"].assert_eq(&world.got());
    let state = lock(&world.transport).device.save();

    let mut world = World::new();
    lock(&world.transport).device.restore(&state).unwrap();
    let event = BUFFERS + 12 * PACKET;
    world.driver.offer(EVENTS, &[(event, 4, true)]);
    world.driver.kick(EVENTS);
    world.driver.returned(EVENTS);
    // A kick without a buffer is no sign that it has forgotten.
    world.driver.kick(EVENTS);
    lock(&world.transport).device.set_gate(true);
    let _call = world.call("CONNECT 1024\n");
    expect![""].assert_eq(&world.got());
    world.driver.offer(EVENTS, &[(event, 4, true)]);
    world.driver.kick(EVENTS);
    lock(&world.transport).device.set_gate(true);
    expect!["request #1>1024"].assert_eq(&world.got());
}

#[test]
fn ten_thousand_calls_take_what_is_there_and_no_more() {
    let mut world = World::new();
    for port in 0..10_000 {
        world.send(2000, 10_000 + port, 1, 0, b"");
        world.got_all();
    }
    assert_eq!((world.connections(), lock(&world.dialled.0).len()), (256, 256));
    let mut clients: Vec<_> = (0..40).map(|_| world.call("CONNECT 1024\n")).collect();
    world.got();
    assert!(clients.iter_mut().all(|client| heard(client) == "end"));
}

#[test]
fn calls_that_are_answered_and_taken_back_leave_nothing_behind() {
    let mut world = World::new();
    let nobody_reads = 10_000;
    for port in 10_000..10_000 + nobody_reads {
        world.send(2000, port, 1, 0, b"");
        let (_ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        lock(&world.transport).device.dialled(Some(theirs));
        // The first answers take the buffers that there are.
        world.watch();
        world.send(2000, port, 3, 0, b"");
        assert!(lock(&world.transport).device.is_tidy(), "{port}");
    }
    // With those back, the next one is heard.
    world.got();
    assert_eq!((world.connections(), world.watched.len()), (0, 0));
    world.send(2000, 5001, 1, 0, b"");
    let (_ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    lock(&world.transport).device.dialled(Some(theirs));
    expect!["response 2000>5001"].assert_eq(&world.got());
}

#[test]
fn callers_who_say_nothing_make_room_for_those_who_do() {
    let mut world = World::new();
    let mut silent: Vec<_> = (0..100).map(|_| world.call("")).collect();
    let _client = world.call("CONNECT 1024\n");
    expect!["request #0>1024"].assert_eq(&world.got());
    assert_eq!(silent.iter_mut().filter_map(|client| client.read(&mut [0]).ok()).count(), 69);
}

#[test]
fn packets_of_others_and_of_no_kind_are_faults() {
    let mut world = World::new();
    world.send_as((9, HOST, 1), 2000, 1, 1, 0, b"");
    world.send_as((GUEST, 1, 1), 2000, 1, 1, 0, b"");
    world.send_as((GUEST, HOST, 2), 2000, 1, 1, 0, b"");
    world.send(2000, 1, 99, 0, b"");
    expect!["reset 2000>1, reset 2000>1"].assert_eq(&world.got());
    assert_eq!(world.transport.faults(), 4);
    // A reset is never answered.
    world.send(2000, 1, 3, 0, b"");
    world.send(2000, 1, 5, 0, b"data for nobody");
    expect!["reset 2000>1"].assert_eq(&world.got());
}
