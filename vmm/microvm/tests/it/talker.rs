//! A guest of a few instructions that does with every device what a kernel does: it knocks, is called and answers, calls, reads
//! and writes a disk, draws random numbers, gives a page back, and says over the serial port when that is done.
use crate::{
    code::{BUFFER, CALLED, Code, GUEST, HOST, NEXT, PACKET, RECEIVE, SEND, VSOCK, WRITE, ring},
    layout,
};

/// The port on which it is called.
pub(crate) const LISTENS: u32 = 1024;
/// What it says to its caller, and over the serial port in the end.
pub(crate) const SAYS: &str = "hello";

const RANDOM: usize = 1;
const BALLOON: usize = 2;
const DISK: usize = 3;
const REQUEST: u16 = 1;
const RESPONSE: u16 = 2;
const SHUTDOWN: u16 = 4;
const DATA: u16 = 5;
const NO_MORE_SEND: u32 = 2;
/// The knock of an agent.
const KNOCK: u32 = 1025;
/// The host's port of the first call.
const CALLER: u32 = 1 << 30;
/// Buffers to be answered in.
const BUFFERS: u16 = 8;

/// A packet of the guest: the host's port and its own, what it is, flags, and its data.
struct Packet<'a> {
    host: u32,
    guest: u32,
    op: u16,
    flags: u32,
    data: &'a [u8],
}

impl Code {
    /// Offers so many chains, whose heads are told already, and tells the device.
    fn offers_up_to(self, device: usize, queue: usize, chains: u16) -> Code {
        let available = ring(device, queue) + layout::PAGE;
        self.store32(available, u32::from(chains) << 16).kicks(device, queue)
    }

    /// Waits until so many chains came back.
    fn waits_for(self, device: usize, queue: usize, chains: u8) -> Code {
        // 1: cmp word [what came back], chains; jb 1
        self.at(ring(device, queue) + 2 * layout::PAGE + 2).raw(&[0x66, 0x83, 0x3f, chains, 0x72, 0xfa])
    }

    /// Puts a packet in front of the device, as the chain of this number.
    fn writes(self, chain: u16, packet: &Packet<'_>) -> Code {
        const STREAM: u64 = 1 << 32;
        const ROOM: u64 = 1 << 48;
        let Packet { host, guest, op, flags, data } = packet;
        let at = PACKET + u64::from(chain) * 128;
        let length = u32::try_from(data.len()).expect("it is short");
        let code = self
            .store64(at, GUEST)
            .store64(at + 8, HOST)
            .store64(at + 16, u64::from(*guest) | u64::from(*host) << 32)
            .store64(at + 24, u64::from(length) | STREAM | u64::from(*op) << 48)
            .store64(at + 32, u64::from(*flags) | ROOM)
            .store32(at + 40, 0);
        let words = data.chunks(4).enumerate().map(|(index, bytes)| {
            let mut word = [0; 4];
            word[..bytes.len()].copy_from_slice(bytes);
            (at + 44 + index as u64 * 4, u32::from_le_bytes(word))
        });
        let code = words.fold(code, |code, (at, word)| code.store32(at, word));
        code.describes(ring(VSOCK, SEND), chain, at, 44 + length, 0, 0)
    }
}

/// Knocks, so that it counts as one whose agent is there, and spins.
pub(crate) fn knocks() -> Vec<u8> {
    knocking().spin().0
}

fn knocking() -> Code {
    let mut code = Code::default().with_devices().drives(VSOCK);
    for number in 0..BUFFERS {
        let at = BUFFER + u64::from(number) * layout::PAGE;
        code = code.describes(ring(VSOCK, RECEIVE), number, at, layout::PAGE as u32, WRITE, 0);
    }
    let heads: Vec<_> = (0..BUFFERS).collect();
    let packet = |guest, host, op, flags, data| Packet { host, guest, op, flags, data };
    code.writes(0, &packet(5000, KNOCK, REQUEST, 0, b""))
        .writes(1, &packet(LISTENS, CALLER, RESPONSE, 0, b""))
        .writes(2, &packet(LISTENS, CALLER, DATA, 0, SAYS.as_bytes()))
        .writes(3, &packet(LISTENS, CALLER, SHUTDOWN, NO_MORE_SEND, b""))
        .writes(4, &packet(5001, CALLED, REQUEST, 0, b""))
        // All heads are there before the device looks for the first time.
        .offers(ring(VSOCK, SEND), &[0, 1, 2, 3, 4])
        .store32(ring(VSOCK, SEND) + layout::PAGE, 0)
        .offers(ring(VSOCK, RECEIVE), &heads)
        .kicks(VSOCK, RECEIVE)
        .offers_up_to(VSOCK, SEND, 1)
}

/// All of it. The disk has a page that may be written.
pub(crate) fn talks() -> Vec<u8> {
    // The knock is refused, the call comes, and its caller says something.
    let called = knocking().waits_for(VSOCK, RECEIVE, 2).offers_up_to(VSOCK, SEND, 3);
    let heard = called.waits_for(VSOCK, RECEIVE, 3).offers_up_to(VSOCK, SEND, 4);
    // It calls, and is answered.
    let calls = heard.offers_up_to(VSOCK, SEND, 5).waits_for(VSOCK, RECEIVE, 4);

    let (read, write, page) = (BUFFER + 0x1_0000, BUFFER + 0x1_1000, BUFFER + 0x1_2000);
    let status = page + layout::PAGE;
    let disk = ring(DISK, 0);
    let disk_works = calls
        .drives(DISK)
        .store64(write, 1)
        .store64(write + 8, 0)
        .store64(read, 0)
        .store64(read + 8, 0)
        .describes(disk, 0, write, 16, NEXT, 1)
        .describes(disk, 1, page, 512, NEXT, 2)
        .describes(disk, 2, status, 1, WRITE, 0)
        .describes(disk, 3, read, 16, NEXT, 4)
        .describes(disk, 4, page, 4096, NEXT | WRITE, 5)
        .describes(disk, 5, status, 1, WRITE, 0)
        .offers(disk, &[0, 3])
        .kicks(DISK, 0)
        .waits_for(DISK, 0, 2);

    let random = ring(RANDOM, 0);
    let draws = disk_works.drives(RANDOM).describes(random, 0, page, 64, WRITE, 0).offers(random, &[0]);
    let drawn = draws.kicks(RANDOM, 0).waits_for(RANDOM, 0, 1);

    let balloon = ring(BALLOON, 0);
    let number = u32::try_from(page / layout::PAGE).expect("pages lie low");
    let gives = drawn.drives(BALLOON).store32(read, number).describes(balloon, 0, read, 4, 0, 0);
    let given = gives.offers(balloon, &[0]).kicks(BALLOON, 0).waits_for(BALLOON, 0, 1);
    SAYS.bytes().fold(given, |code, byte| code.out(layout::SERIAL, byte)).spin().0
}
