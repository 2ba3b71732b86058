//! The thread of the devices: it waits for queues that the guest filled, callers, answers of the warden and sockets of
//! conversations. It takes a lock for each event, so that a snapshot can hold it between two.
use super::thread::{self, Ending};
use crate::{
    jail::{filters, warden::DialLink},
    lock::lock,
    virtio::{
        transport::{Mmio, Transport},
        vsock::Vsock,
    },
};
use event_manager::{EventManager, EventOps, EventSet, Events, MutEventSubscriber, SubscriberOps};
use rustix::net::{SocketFlags, accept_with};
use std::{
    collections::HashMap,
    io,
    os::{
        fd::{AsRawFd, RawFd},
        unix::net::{UnixListener, UnixStream},
    },
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};
use vmm_sys_util::eventfd::EventFd;

/// A queue that the guest can fill.
pub(super) struct Kick {
    pub(super) event: EventFd,
    pub(super) device: Arc<dyn Mmio>,
    pub(super) queue: usize,
}

/// What the thread watches.
pub(super) struct Watched {
    pub(super) kicks: Vec<Kick>,
    pub(super) vsock: Arc<Mutex<Transport<Vsock>>>,
    pub(super) callers: UnixListener,
    pub(super) link: Arc<DialLink>,
    pub(super) wake: Arc<EventFd>,
}

/// The hold that a machine has on the thread.
pub(super) struct Watch {
    floor: Arc<Mutex<()>>,
    over: Arc<AtomicBool>,
    wake: Arc<EventFd>,
    thread: Option<JoinHandle<()>>,
}

/// What an event is about. Sockets of conversations are told apart by their descriptor.
const CALLERS: u32 = 0;
const LINK: u32 = 1;
const WAKE: u32 = 2;
const SOCKET: u32 = 3;
const KICKS: u32 = 4;

/// What one look at the kernel brings at most.
const EVENTS_AT_ONCE: usize = 32;

impl Watch {
    pub(super) fn start(watched: Watched, filter: filters::Program, ending: Ending) -> io::Result<Watch> {
        let (floor, over, wake) =
            (Arc::new(Mutex::new(())), Arc::new(AtomicBool::new(false)), watched.wake.clone());
        let watcher = Watcher { watched, floor: floor.clone(), sockets: HashMap::new() };
        let mut manager = EventManager::new_with_capacity(EVENTS_AT_ONCE).map_err(io::Error::other)?;
        manager.add_subscriber(watcher);
        let ended = over.clone();
        let thread = thread::start("devices".to_owned(), filter, ending, move || {
            while !ended.load(Ordering::SeqCst) {
                // Interrupted by a signal, or out of kernel memory: both pass.
                let _ = manager.run();
            }
        })?;
        Ok(Watch { floor, over, wake, thread: Some(thread) })
    }

    /// Runs something while no device does anything.
    pub(super) fn quiet<T>(&self, work: impl FnOnce() -> T) -> T {
        let _floor = lock(&self.floor);
        work()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let _ = self.wake.write(1);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Watcher {
    watched: Watched,
    floor: Arc<Mutex<()>>,
    /// What each socket is watched for.
    sockets: HashMap<RawFd, EventSet>,
}

impl MutEventSubscriber for Watcher {
    fn init(&mut self, ops: &mut EventOps<'_>) {
        let watched = &self.watched;
        let mut add = |fd: RawFd, data: u32| {
            // A descriptor that is open and watched once is taken.
            ops.add(Events::with_data_raw(fd, data, EventSet::IN)).expect("each descriptor is watched once");
        };
        add(watched.callers.as_raw_fd(), CALLERS);
        add(watched.link.as_raw_fd(), LINK);
        add(watched.wake.as_raw_fd(), WAKE);
        for (index, kick) in (KICKS..).zip(&watched.kicks) {
            add(kick.event.as_raw_fd(), index);
        }
    }

    fn process(&mut self, events: Events, ops: &mut EventOps<'_>) {
        let floor = self.floor.clone();
        let _floor = lock(&floor);
        match events.data() {
            CALLERS => self.caller(),
            LINK => {
                let answer = self.watched.link.answer();
                if let Some(stream) = answer {
                    lock(&self.watched.vsock).device.dialled(stream);
                }
            }
            WAKE => {
                let _ = self.watched.wake.read();
            }
            SOCKET => lock(&self.watched.vsock).device.woken(events.fd(), events.event_set()),
            kick => self.kicked(kick),
        }
        self.settle(ops);
    }
}

impl Watcher {
    fn kicked(&self, index: u32) {
        if let Some(kick) = self.watched.kicks.get((index - KICKS) as usize) {
            let _ = kick.event.read();
            kick.device.kicked(kick.queue);
        }
    }

    fn caller(&self) {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        // A caller that is gone already, or no descriptor left: the next one may fare better.
        if let Ok(stream) = accept_with(&self.watched.callers, flags) {
            lock(&self.watched.vsock).device.arrived(UnixStream::from(stream));
        }
    }

    /// Gives the guest what came, and watches what is there now.
    fn settle(&mut self, ops: &mut EventOps<'_>) {
        let mut vsock = lock(&self.watched.vsock);
        vsock.with_queues(|vsock, queues, memory| vsock.fill(queues, memory));
        for stream in vsock.device.closed() {
            if self.sockets.remove(&stream.as_raw_fd()).is_some() {
                let _ = ops.remove(Events::empty(&stream));
            }
        }
        for (socket, interest) in vsock.device.changed() {
            let before = self.sockets.get(&socket).copied();
            let event = |interest| Events::with_data_raw(socket, SOCKET, interest);
            let done = match (before, interest) {
                (None, Some(interest)) => ops.add(event(interest)),
                (Some(before), Some(interest)) if before != interest => ops.modify(event(interest)),
                (Some(_), None) => ops.remove(Events::empty_raw(socket)),
                (Some(_), Some(_)) | (None, None) => Ok(()),
            };
            match interest.filter(|_| done.is_ok()) {
                Some(interest) => self.sockets.insert(socket, interest),
                None => self.sockets.remove(&socket),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::thread::tests::ending, *};
    use crate::{
        bus::End,
        bytes::Unreadable,
        config::Seccomp,
        jail::{filters::Class, warden},
        virtio::{driver, vsock::stories},
    };

    /// A device of ours that is wrong.
    struct Wrong;

    impl Mmio for Wrong {
        fn read(&self, _offset: u64, _to: &mut [u8]) {}
        fn write(&self, _offset: u64, _from: &[u8]) {}
        fn kicked(&self, _queue: usize) {
            panic!("what cannot be is");
        }
        fn save(&self) -> Vec<u8> {
            Vec::new()
        }
        fn restore(&self, _state: &[u8]) -> Result<(), Unreadable> {
            Ok(())
        }
        fn revive(&self) {}
        fn faults(&self) -> u64 {
            0
        }
    }

    #[test]
    fn a_device_that_panics_ends_the_guest() {
        let dir = tempfile::tempdir().unwrap();
        let ((link, _files), _ends) = warden::links().unwrap();
        let (vsock, _dialled) = stories::vsock();
        let event = EventFd::new(libc::EFD_NONBLOCK).unwrap();
        event.write(1).unwrap();
        let watched = Watched {
            kicks: vec![Kick { event, device: Arc::new(Wrong), queue: 0 }],
            vsock: Arc::new(Mutex::new(Transport::new(vsock, driver::memory(), driver::line()))),
            callers: UnixListener::bind(dir.path().join("v")).unwrap(),
            link: Arc::new(link),
            wake: driver::line(),
        };
        let (filter, ending) = (filters::Program::of(Class::Devices, Seccomp::Off).unwrap(), ending());
        let mut watch = Watch::start(watched, filter, ending.clone()).unwrap();
        watch.thread.take().unwrap().join().unwrap();
        assert_eq!(*lock(&ending.how), Some(End::Broken("its thread devices panicked".to_owned())));
    }
}
