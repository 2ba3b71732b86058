//! The queues of the vsock: packets to the guest, packets from it, and the one event there is, which tells a restored guest
//! that its conversations are gone. Until it has taken that event, callers of the host are held.
use super::{
    GUEST,
    muxer::{DATA_MAX, Dial, Heard, Muxer},
};
use crate::{
    bell::Bell,
    bytes::{Reader, Unreadable, Writer},
    config::KNOCK_PORT,
    memory::Memory,
    virtio::{Device, Served},
};
use event_manager::EventSet;
use std::{
    os::{fd::RawFd, unix::net::UnixStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use virtio_queue::{Queue, QueueOwnedT, QueueT};
use virtio_vsock::packet::VsockPacket;
use vm_memory::Bytes;
use vmm_sys_util::eventfd::EventFd;

const TO_GUEST: usize = 0;
const FROM_GUEST: usize = 1;
const EVENTS: usize = 2;
/// `VIRTIO_VSOCK_EVENT_TRANSPORT_RESET`.
const TRANSPORT_RESET: u32 = 0;

/// The agent's knock, for whoever waits for it.
#[derive(Debug, Clone)]
pub(crate) struct Knock {
    pub(crate) heard: Arc<AtomicBool>,
    pub(crate) bell: Arc<Bell>,
}

/// Whether the guest knows that its conversations are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Forgetting {
    /// There is nothing to know.
    Done,
    /// It is to be told.
    ToTell,
    /// It was told and has not offered the buffer of the event again, which it does once it has forgotten: then it has
    /// offered more than this. A call before that could be forgotten with the rest.
    Told(u16),
}

/// The device.
pub(crate) struct Vsock {
    muxer: Muxer,
    knock: Knock,
    forgetting: Forgetting,
    /// Wakes whoever watches sockets, when sockets change on another thread.
    wake: Arc<EventFd>,
}

impl Vsock {
    pub(crate) fn new(allowed: Vec<u32>, dialler: Box<dyn Dial>, knock: Knock, wake: Arc<EventFd>) -> Vsock {
        Vsock { muxer: Muxer::new(allowed, dialler), knock, forgetting: Forgetting::Done, wake }
    }

    /// What callers of the host may do: nothing before the agent listens.
    pub(crate) fn set_gate(&mut self, open: bool) {
        self.muxer.set_gate(open && self.forgetting == Forgetting::Done);
        let _ = self.wake.write(1);
    }

    pub(crate) fn arrived(&mut self, stream: UnixStream) {
        self.muxer.arrived(stream);
    }

    pub(crate) fn dialled(&mut self, stream: Option<UnixStream>) {
        self.muxer.dialled(stream);
    }

    pub(crate) fn woken(&mut self, socket: RawFd, events: EventSet) {
        self.muxer.woken(socket, events);
    }

    pub(crate) fn closed(&mut self) -> Vec<UnixStream> {
        self.muxer.closed()
    }

    pub(crate) fn changed(&mut self) -> Vec<(RawFd, Option<EventSet>)> {
        self.muxer.changed()
    }

    /// Open conversations, bytes to the guest, bytes to the host.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        (self.muxer.count() as u64, self.muxer.to_guest, self.muxer.to_host)
    }

    /// Whether nobody who is gone is still in the way of others.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn is_tidy(&self) -> bool {
        self.muxer.waiting() <= self.muxer.count()
    }

    /// Gives the guest what there is for it, as far as it offers buffers. A guest and a host that are both fast must not keep
    /// the others waiting: one pass fills as many buffers as the queue holds, and asks for the next.
    pub(crate) fn fill(&mut self, queues: &mut [Queue], memory: &Memory) -> Served {
        let mut served = Served::default();
        let queue = &mut queues[TO_GUEST];
        for _ in 0..queue.size() {
            if !self.muxer.has_something() {
                return served;
            }
            let Some(mut chain) = queue.pop_descriptor_chain(memory) else { return served };
            let head = chain.head_index();
            let filled = VsockPacket::from_rx_virtq_chain(memory, &mut chain, DATA_MAX)
                .map(|mut packet| self.muxer.fill(&mut packet));
            let written = match filled {
                Ok(Some(written)) => written,
                Ok(None) => {
                    // Nothing was there after all: the buffer stays the guest's.
                    queue.go_to_previous_position();
                    return served;
                }
                Err(_) => {
                    served.faults += 1;
                    0
                }
            };
            served.used |= queue.add_used(memory, head, written).is_ok();
        }
        let _ = self.wake.write(1);
        served
    }

    /// Takes what the guest sends, as long as its answers have room.
    fn drain(&mut self, queues: &mut [Queue], memory: &Memory) -> Served {
        let mut served = Served::default();
        let queue = &mut queues[FROM_GUEST];
        for _ in 0..queue.size() {
            if !self.muxer.listens() {
                break;
            }
            let Some(mut chain) = queue.pop_descriptor_chain(memory) else { break };
            let head = chain.head_index();
            match VsockPacket::from_tx_virtq_chain(memory, &mut chain, DATA_MAX)
                .map(|packet| self.muxer.heard(&packet))
            {
                Ok(Heard::Fine) => {}
                Ok(Heard::Dialled(port)) => self.dialled_by_guest(port),
                Ok(Heard::Fault) | Err(_) => served.faults += 1,
            }
            served.used |= queue.add_used(memory, head, 0).is_ok();
        }
        served
    }

    fn dialled_by_guest(&mut self, port: u32) {
        if port == KNOCK_PORT && !self.knock.heard.swap(true, Ordering::SeqCst) {
            self.knock.bell.ring();
        }
    }

    /// Tells the guest that its conversations are gone, once it offers a buffer to say it in.
    fn tell(&mut self, queues: &mut [Queue], memory: &Memory) -> Served {
        match self.forgetting {
            Forgetting::Done => return Served::default(),
            Forgetting::Told(before) => {
                // A kick alone says nothing: it may be one from before.
                if offered(&queues[EVENTS], memory).is_some_and(|now| now != before) {
                    self.forgetting = Forgetting::Done;
                    self.knock.bell.ring();
                }
                return Served::default();
            }
            Forgetting::ToTell => {}
        }
        let queue = &mut queues[EVENTS];
        let before = offered(queue, memory);
        let Some(chain) = queue.pop_descriptor_chain(memory) else { return Served::default() };
        let head = chain.head_index();
        let room = chain.writable().next().filter(|room| room.len() >= 4);
        let written = room.is_some_and(|room| memory.write_obj(TRANSPORT_RESET.to_le(), room.addr()).is_ok());
        let told = before.filter(|_| written);
        if let Some(before) = told {
            self.forgetting = Forgetting::Told(before);
        }
        let told = told.is_some();
        let used = queue.add_used(memory, head, if told { 4 } else { 0 }).is_ok();
        Served { used, faults: u64::from(!told) }
    }

    /// Whether a restored guest has forgotten its conversations.
    pub(crate) fn forgot(&self) -> bool {
        self.forgetting == Forgetting::Done
    }
}

/// How many buffers the guest has offered in a queue, counted around.
fn offered(queue: &Queue, memory: &Memory) -> Option<u16> {
    queue.avail_idx(memory, Ordering::Acquire).ok().map(|index| index.0)
}

impl Device for Vsock {
    const KIND: u32 = 19;
    const QUEUES: &'static [u16] = &[128, 128, 16];

    fn config(&self) -> Vec<u8> {
        GUEST.to_le_bytes().to_vec()
    }

    fn serve(&mut self, queue: usize, queues: &mut [Queue], memory: &Memory) -> Served {
        let served = match queue {
            // Room for answers may be what a full list of resets waited for.
            TO_GUEST => self.fill(queues, memory).and(self.drain(queues, memory)),
            FROM_GUEST => self.drain(queues, memory),
            _events => self.tell(queues, memory),
        };
        served.and(self.fill(queues, memory))
    }

    fn reset(&mut self) {
        self.muxer.forget_all();
        self.forgetting = Forgetting::Done;
        let _ = self.wake.write(1);
    }

    /// Conversations end with this process: the snapshot says only that there were some to forget. Their ports are not used
    /// again, because a guest may still be closing them, and would answer a new call for an old one.
    fn save(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.put(&u8::from(self.knock.heard.load(Ordering::SeqCst))).put(&self.muxer.next_port);
        writer.done()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), Unreadable> {
        let mut reader = Reader::new(state, "the vsock");
        self.knock.heard.store(reader.flag()?, Ordering::SeqCst);
        self.muxer.go_on_at(reader.get()?);
        self.forgetting = Forgetting::ToTell;
        reader.end()
    }
}
