//! One function per thing that reads what others wrote, for fuzzers and for the tests below: bytes are a script of what a
//! driver, a client or a file does. None may panic, hang or touch what is not the guest's.
use crate::{
    bell::Bell,
    bus::Bus,
    config::Config,
    control::Request,
    kernel, layout,
    lock::lock,
    machine::read_processor,
    memory, serial,
    snapshot::{format, pages},
    virtio::{
        Device,
        balloon::Balloon,
        block::Block,
        driver::{BUFFERS, Driver, MEMORY, line, memory as guest_memory},
        rng::Rng,
        transport::{Mmio, Transport},
        vsock::{Dial, Knock, Vsock},
    },
};
use rustix::fs::{MemfdFlags, memfd_create};
use std::{
    fs::File,
    io::Write,
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, atomic::AtomicBool},
};

/// A script is read to its end, and no further than this many steps.
const STEPS_MAX: usize = 512;

struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self, bytes: usize) -> Option<u64> {
        (0..bytes).try_fold(0, |number, _| Some(number << 8 | u64::from(self.byte()?)))
    }

    /// Somewhere in memory mostly, at its edges often, anywhere sometimes.
    fn address(&mut self) -> Option<u64> {
        let inside = self.number(2)?;
        Some(match self.byte()? % 8 {
            0 => MEMORY - inside % 64,
            1 => u64::MAX - inside,
            2 => inside,
            3 => self.number(8)?,
            _ => BUFFERS + inside * 16 % (MEMORY - BUFFERS),
        })
    }

    fn length(&mut self) -> Option<u32> {
        let small = self.byte()?;
        Some(match small % 4 {
            0 => u32::from(small) << 4,
            1 => 44,
            2 => 512 * u32::from(small >> 2),
            _ => self.number(4)? as u32,
        })
    }
}

fn file(bytes: &[u8]) -> File {
    let mut file = File::from(memfd_create(c"fuzz", MemfdFlags::CLOEXEC).expect("there is memory"));
    file.write_all(bytes).expect("there is memory");
    file
}

/// Plays a script against a device; `more` plays the host's part of it.
fn played<D: Device + 'static>(
    device: D,
    bytes: &[u8],
    more: impl Fn(&Mutex<Transport<D>>, &mut Script<'_>),
) {
    let memory = guest_memory();
    let transport = Arc::new(Mutex::new(Transport::new(device, memory.clone(), line())));
    let queues = D::QUEUES.len() as u16;
    let mut driver = Driver::start(transport.clone(), memory.clone(), queues);
    let mut script = Script(bytes);
    for _ in 0..STEPS_MAX {
        if step(&mut script, &mut driver, &transport, queues, &more).is_none() {
            break;
        }
    }
    let state = transport.save();
    // What was saved of a device that a bad driver left may be refused, but a sound one must come back.
    let _ = transport.restore(&state);
}

fn step<D: Device + 'static>(
    script: &mut Script<'_>,
    driver: &mut Driver,
    transport: &Arc<Mutex<Transport<D>>>,
    queues: u16,
    more: &impl Fn(&Mutex<Transport<D>>, &mut Script<'_>),
) -> Option<()> {
    let kind = script.byte()?;
    let queue = usize::from(kind >> 4) % usize::from(queues);
    match kind % 12 {
        0..=2 => {
            let (address, length, flags) = (script.address()?, script.length()?, script.byte()?);
            let (index, next) = (script.byte()? % 16, script.byte()?);
            driver.describe(queue, index.into(), address, length, (flags % 8).into(), u16::from(next) % 20);
        }
        3 | 4 => driver.offer_head(queue, u16::from(script.byte()?) % 18),
        5 | 6 => driver.kick(queue),
        7 => transport.write(script.number(2)? % 0x140, &script.number(4)?.to_le_bytes()[..4]),
        8 => transport.read(script.number(2)? % 0x140, &mut [0; 8][..usize::from(script.byte()?) % 9]),
        9 => {
            let (at, length) =
                (BUFFERS + script.number(2)? % 0x1_0000, usize::from(script.byte()?).min(script.0.len()));
            let (bytes, rest) = script.0.split_at(length);
            driver.fill(at, bytes);
            script.0 = rest;
        }
        10 => more(transport, script),
        _ => *driver = Driver::start(transport.clone(), driver.memory.clone(), queues),
    }
    Some(())
}

/// A driver of entropy.
pub fn fuzz_rng(bytes: &[u8]) {
    played(Rng, bytes, |_, _| {});
}

/// A driver of the balloon.
pub fn fuzz_balloon(bytes: &[u8]) {
    played(Balloon::default(), bytes, |transport, script| {
        let mut transport = lock(transport);
        transport.device.ask(u32::from(script.byte().unwrap_or(0)));
        transport.config_changed();
    });
}

/// A driver of a disk.
pub fn fuzz_block(bytes: &[u8]) {
    let image = file(&[0x55; 64 * 1024 + 512]);
    let writable = bytes.first().is_some_and(|byte| byte % 2 == 0);
    played(Block::new(image, writable).expect("there is memory"), bytes, |_, _| {});
}

struct Nobody;

impl Dial for Nobody {
    fn dial(&mut self, _port: u32) -> bool {
        true
    }
}

/// A driver of the vsock, and clients of the host that call, talk and hang up.
pub fn fuzz_vsock(bytes: &[u8]) {
    let bell = Arc::new(Bell::new().expect("there are descriptors"));
    let knock = Knock { heard: Arc::new(AtomicBool::new(false)), bell };
    let clients: Mutex<Vec<UnixStream>> = Mutex::new(Vec::new());
    played(Vsock::new(vec![2000, 1025], Box::new(Nobody), knock, line()), bytes, |transport, script| {
        let mut clients = lock(&clients);
        let mut transport = lock(transport);
        let device = &mut transport.device;
        assert!(device.is_tidy(), "turns are of conversations that there are");
        match script.byte().unwrap_or(0) % 8 {
            0 => device.set_gate(true),
            1 => device.set_gate(false),
            2 => device.dialled(None),
            3 => clients.truncate(2),
            kind => {
                let Ok((ours, theirs)) = UnixStream::pair() else { return };
                // A blocking socket would wait for a client that does not read.
                if theirs.set_nonblocking(true).is_err() || ours.set_nonblocking(true).is_err() {
                    return;
                }
                let _ = (&ours).write_all(if kind == 4 { b"CONNECT 1024\nhello" } else { b"nonsense\n" });
                if kind == 7 {
                    device.dialled(Some(theirs))
                } else {
                    device.arrived(theirs)
                }
                clients.push(ours);
            }
        }
        for (socket, interest) in device.changed() {
            device.woken(socket, interest.unwrap_or(event_manager::EventSet::HANG_UP));
        }
        drop(device.closed());
    });
}

/// One device of each kind, and nobody who drives them.
fn devices(memory: &memory::Memory) -> [Arc<dyn Mmio>; 4] {
    let disk = Block::new(file(&[0x55; 64 * 1024]), true).expect("there is memory");
    let knock = Knock {
        heard: Arc::new(AtomicBool::new(false)),
        bell: Arc::new(Bell::new().expect("there are descriptors")),
    };
    let vsock = Vsock::new(vec![2000], Box::new(Nobody), knock, line());
    [
        Arc::new(Mutex::new(Transport::new(vsock, memory.clone(), line()))),
        Arc::new(Mutex::new(Transport::new(disk, memory.clone(), line()))),
        Arc::new(Mutex::new(Transport::new(Rng, memory.clone(), line()))),
        Arc::new(Mutex::new(Transport::new(Balloon::default(), memory.clone(), line()))),
    ]
}

/// A guest's processor: any value to any port and any address that is no memory, and reads of both. Every device is there,
/// and none has a driver but this.
pub fn fuzz_bus(bytes: &[u8]) {
    let memory = guest_memory();
    let bus = Bus::new(serial::port(line(), None), devices(&memory).into());
    let mut script = Script(bytes);
    for _ in 0..STEPS_MAX {
        if access(&mut script, &bus).is_none() {
            break;
        }
    }
    let port = lock(&bus.serial);
    assert!(port.writer().tail().len() <= serial::RING, "the log is a ring");
    serial::reload(&mut serial::port(line(), None), serial::save(&port));
}

fn access(script: &mut Script<'_>, bus: &Bus) -> Option<()> {
    let kind = script.byte()?;
    let width = [1, 2, 4, 8][usize::from(kind >> 2 & 3)];
    let port = match kind >> 4 {
        0..12 => layout::SERIAL + u16::from(kind >> 4 & 7),
        12 => layout::SLEEP_CONTROL,
        _ => script.number(2)? as u16,
    };
    match kind & 3 {
        // How a guest ends is for who runs it.
        0 => drop(bus.port_out(port, &script.number(width)?.to_le_bytes()[..width])),
        1 => bus.port_in(port, &mut [0; 8][..width]),
        direction => {
            let page = layout::VIRTIO + u64::from(kind >> 4) % 5 * layout::PAGE;
            let address = page + script.number(2)? % layout::PAGE;
            match direction {
                2 => bus.mmio_write(address, &script.number(width)?.to_le_bytes()[..width]),
                _ => bus.mmio_read(address, &mut [0; 8][..width]),
            }
        }
    }
    Some(())
}

/// A line of a client of the control socket.
pub fn fuzz_control(bytes: &[u8]) {
    let read = Request::parse(bytes).map(|request| Request::parse(request.line().as_bytes()) == Ok(request));
    assert_ne!(read, Ok(false), "a request reads back as it was written");
}

/// A configuration.
pub fn fuzz_config(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Config::parse(text).map(Config::checked);
    }
}

/// A kernel image.
pub fn fuzz_kernel(bytes: &[u8]) {
    let memory = memory::fresh(48 << 20).expect("there is memory");
    let image = file(bytes);
    if let Ok(loaded) = kernel::load(&memory, &image) {
        let _ = kernel::load_initrd(&memory, &image, loaded.end);
    }
}

/// The state of a snapshot, its checksum wrong and right, and its changed pages.
pub fn fuzz_snapshot(bytes: &[u8]) {
    let _ = format::opened(bytes);
    let _ = format::opened(&format::headed(bytes));
    let _ = read_processor(bytes);
    let memory = guest_memory();
    let _ = pages::Changed::of(file(bytes), MEMORY).map(|changed| changed.put(&memory));
    for device in devices(&memory) {
        let _ = device.restore(bytes);
        device.revive();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same numbers in every run (xorshift).
    struct Chance(u64);

    impl Chance {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        fn bytes(&mut self, most: u64) -> Vec<u8> {
            let length = self.next() % most;
            (0..length).map(|_| (self.next() >> 24) as u8).collect()
        }

        /// A seed with a few bytes changed, cut or doubled.
        fn changed(&mut self, seed: &[u8]) -> Vec<u8> {
            let mut bytes = seed.to_vec();
            for _ in 0..self.next() % 6 {
                let at = (self.next() % (bytes.len() as u64 + 1)) as usize;
                match self.next() % 4 {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes.extend_from_within(at..),
                    _ => {
                        if let Some(byte) = bytes.get_mut(at) {
                            *byte = (self.next() >> 16) as u8;
                        }
                    }
                }
                bytes.truncate(1 << 16);
            }
            bytes
        }
    }

    /// What reads bytes, and bytes that it accepts.
    type Seed<'a> = (fn(&[u8]), &'a [u8]);

    #[test]
    fn drivers_by_chance_break_no_device() {
        for (fuzz, seed) in
            [(fuzz_rng as fn(&[u8]), 1), (fuzz_balloon, 2), (fuzz_block, 3), (fuzz_vsock, 4), (fuzz_bus, 5)]
        {
            let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ seed);
            (0..300).for_each(|_| fuzz(&chance.bytes(2000)));
        }
    }

    #[test]
    fn texts_and_files_by_chance_are_refused() {
        let state = format::sealed(
            &format::Identity {
                kernel: "k".into(),
                agent: String::new(),
                model: "m".into(),
                monitor: "1".into(),
                shape: "s".into(),
            },
            &format::Kind::Whole(format::Mark([1; 16])),
            &[3; 200],
        )
        .unwrap();
        let kernel = kernel::tests::image(&[0xf4; 600]);
        let request = br#"{"v":1,"id":3,"do":"snapshot","name":"golden","extent":"difference"}"#;
        let config = br#"{"kernel":"k","socket":"s","vsock":"v","memory_mib":64,"disks":[{"image":"d"}],"start":"wait"}"#;
        let seeds: [Seed<'_>; 4] =
            [(fuzz_control, request), (fuzz_config, config), (fuzz_snapshot, &state), (fuzz_kernel, &kernel)];
        for (fuzz, seed) in seeds {
            let mut chance = Chance(0x2545_f491_4f6c_dd1d);
            (0..300).for_each(|_| fuzz(&chance.changed(seed)));
            (0..100).for_each(|_| fuzz(&chance.bytes(600)));
        }
    }
}
