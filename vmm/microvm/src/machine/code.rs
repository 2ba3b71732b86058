//! Guests of a few instructions, as bytes: what the tests of the monitor run, within it and through its program. It runs
//! nothing. Most of them mean harm: drivers with chains that never end or lead out of memory, ten thousand calls, one who never
//! reads, and garbage wherever something can be written.
use crate::layout;

/// Here rings lie: one megabyte that no code and no table is in.
const RINGS: u64 = 0x40_0000;
/// Descriptors, what is offered and what came back have a page each.
const RING: u64 = 4 * layout::PAGE;
/// A buffer of the guest, and what it sends.
pub(crate) const BUFFER: u64 = 0x60_0000;
pub(crate) const PACKET: u64 = 0x68_0000;
/// Chains that a queue holds.
const SIZE: u16 = 64;

pub(crate) const NEXT: u16 = 1;
pub(crate) const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

/// Who is who on the vsock.
pub(crate) const GUEST: u64 = 3;
pub(crate) const HOST: u64 = 2;
/// The port of the host that is called.
pub(crate) const CALLED: u32 = 2000;
/// Where a driver says that there is something in a queue.
const NOTIFY: u64 = 0x50;
pub(crate) const VSOCK: usize = 0;
pub(crate) const RECEIVE: usize = 0;
pub(crate) const SEND: usize = 1;
/// Each device has a disk's one, the entropy's one, the balloon's two or the vsock's three; more are passed over.
const QUEUES: usize = 3;
/// Vsock, entropy, balloon, and a disk.
pub(crate) const DEVICES: usize = 4;

pub(crate) fn ring(device: usize, queue: usize) -> u64 {
    RINGS + (device * QUEUES + queue) as u64 * RING
}

/// A very small assembler: each method appends one instruction.
#[derive(Default)]
pub(crate) struct Code(pub(crate) Vec<u8>);

impl Code {
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Code {
        self.0.extend(bytes);
        self
    }

    /// `mov dx, port; mov al, value; out dx, al`
    pub(crate) fn out(self, port: u16, value: u8) -> Code {
        let [low, high] = port.to_le_bytes();
        self.raw(&[0x66, 0xba, low, high, 0xb0, value, 0xee])
    }

    /// `mov rdi, address`
    pub(crate) fn at(self, address: u64) -> Code {
        self.raw(&[0x48, 0xbf]).raw(&address.to_le_bytes())
    }

    /// `mov dword [rdi], value`
    pub(crate) fn store32(self, address: u64, value: u32) -> Code {
        self.at(address).raw(&[0xc7, 0x07]).raw(&value.to_le_bytes())
    }

    /// `mov rax, value; mov [rdi], rax`
    pub(crate) fn store64(self, address: u64, value: u64) -> Code {
        self.at(address).raw(&[0x48, 0xb8]).raw(&value.to_le_bytes()).raw(&[0x48, 0x89, 0x07])
    }

    /// `mov byte [rdi], value`, `mov word [rdi], value`, and reads of 1, 2, 4 and 8 bytes.
    fn poke(self, address: u64) -> Code {
        self.at(address)
            .raw(&[0xc6, 0x07, 0xa5, 0x66, 0xc7, 0x07, 0x5a, 0xff])
            .raw(&[0x8a, 0x07, 0x66, 0x8b, 0x07, 0x8b, 0x07, 0x48, 0x8b, 0x07])
    }

    /// Maps the 2 MiB around the registers of devices to themselves.
    pub(crate) fn with_devices(self) -> Code {
        let (level3, level2) = (layout::PAGE_TABLES.0 + layout::PAGE, 0xc000);
        let index = (layout::VIRTIO - layout::HOLE) >> 21;
        self.store64(level3 + 3 * 8, level2 | 3).store64(level2 + index * 8, layout::VIRTIO | 0x83)
    }

    /// Writes a byte to the serial port.
    pub(crate) fn says_so(self) -> Code {
        self.out(layout::SERIAL, b'k')
    }

    pub(crate) fn power_off(self) -> Code {
        self.out(layout::SLEEP_CONTROL, 1 << 5 | layout::SLEEP_OFF << 2).raw(&[0xeb, 0xfe])
    }

    /// `jmp` to itself.
    pub(crate) fn spin(self) -> Code {
        self.raw(&[0xeb, 0xfe])
    }
}

impl Code {
    pub(crate) fn register(self, device: usize, register: u64, value: u32) -> Code {
        self.store32(layout::virtio_base(device) + register, value)
    }

    /// Negotiates as a driver does, with all queues.
    pub(crate) fn drives(self, device: usize) -> Code {
        let mut code = self;
        for (register, value) in [(0x70, 0), (0x70, 3), (0x24, 1), (0x20, 1), (0x70, 11)] {
            code = code.register(device, register, value);
        }
        for queue in 0..QUEUES {
            let at = u32::try_from(ring(device, queue)).expect("rings lie low");
            code = code.register(device, 0x30, queue as u32).register(device, 0x38, SIZE.into());
            for (register, page) in [(0x80, 0), (0x90, 1), (0xa0, 2)] {
                code = code.register(device, register, at + page * layout::PAGE as u32);
                code = code.register(device, register + 4, 0);
            }
            code = code.register(device, 0x44, 1);
        }
        code.register(device, 0x70, 15)
    }

    pub(crate) fn describes(
        self,
        ring: u64,
        index: u16,
        address: u64,
        length: u32,
        flags: u16,
        next: u16,
    ) -> Code {
        let rest = u64::from(length) | u64::from(flags) << 32 | u64::from(next) << 48;
        let at = ring + u64::from(index) * 16;
        self.store64(at, address).store64(at + 8, rest)
    }

    /// Offers chains by their heads: flags, index, then the heads two by two.
    pub(crate) fn offers(self, ring: u64, heads: &[u16]) -> Code {
        let available = ring + layout::PAGE;
        let mut code = self;
        for (slot, pair) in heads.chunks(2).enumerate() {
            let word = u32::from(pair[0]) | u32::from(*pair.get(1).unwrap_or(&0)) << 16;
            code = code.store32(available + 4 + slot as u64 * 4, word);
        }
        code.store32(available, (heads.len() as u32) << 16)
    }

    pub(crate) fn kicks(self, device: usize, queue: usize) -> Code {
        self.register(device, NOTIFY, queue as u32)
    }

    /// A request for a conversation with a port of the host, in front of the device.
    fn writes_a_call(self, port: u32) -> Code {
        // From, to, the guest's port and the host's, no data, a stream, a request, no flags, room for much.
        self.store64(PACKET, GUEST)
            .store64(PACKET + 8, HOST)
            .store64(PACKET + 16, 1 | u64::from(port) << 32)
            .store64(PACKET + 24, 1 << 32 | 1 << 48)
            .store64(PACKET + 32, 1 << 48)
            .describes(ring(VSOCK, SEND), 0, PACKET, 44, 0, 0)
    }

    /// Does it so often. `ecx` counts.
    fn times(self, count: u32, body: Code) -> Code {
        // mov ecx, count; …; dec ecx; jnz to the body
        let back = -i32::try_from(body.0.len() + 8).expect("it is short");
        self.raw(&[0xb9])
            .raw(&count.to_le_bytes())
            .raw(&body.0)
            .raw(&[0xff, 0xc9, 0x0f, 0x85])
            .raw(&back.to_le_bytes())
    }

    /// Calls from the next port, and waits until the device took the packet.
    fn calls_once_more(self) -> Code {
        let ring = ring(VSOCK, SEND);
        // inc dword [the guest's port]; inc word [index]; mov ax, [index]
        let sent = self.at(PACKET + 16).raw(&[0xff, 0x07]);
        let sent = sent.at(ring + layout::PAGE + 2).raw(&[0x66, 0xff, 0x07, 0x66, 0x8b, 0x07]);
        // 1: cmp [what came back], ax; jne 1
        let kicked = sent.kicks(VSOCK, SEND);
        kicked.at(ring + 2 * layout::PAGE + 2).raw(&[0x66, 0x39, 0x07, 0x75, 0xfb])
    }

    /// Gives the device as many buffers as it has used, and half a ring.
    fn reads_everything(self) -> Code {
        let ring = ring(VSOCK, RECEIVE);
        // mov ax, [what came back]; add ax, half; mov [index], ax
        let [low, high] = (SIZE / 2).to_le_bytes();
        self.at(ring + 2 * layout::PAGE + 2)
            .raw(&[0x66, 0x8b, 0x07, 0x66, 0x05, low, high])
            .at(ring + layout::PAGE + 2)
            .raw(&[0x66, 0x89, 0x07])
            .kicks(VSOCK, RECEIVE)
    }
}

/// Counts in rbx, in memory and out of the serial port, for ever.
pub(crate) fn counter() -> Code {
    // inc ebx; mov [rdi], ebx; mov al, bl; mov dx, 0x3f8; out dx, al; jmp back
    Code::default()
        .raw(&[0x31, 0xdb])
        .at(0x5000)
        .raw(&[0xff, 0xc3, 0x89, 0x1f, 0x88, 0xd8, 0x66, 0xba, 0xf8, 0x03, 0xee, 0xeb, 0xf3])
}

/// Writes and reads every register of every device, in every width, and says so.
pub(crate) fn garbage() -> Code {
    let mut code = Code::default().with_devices();
    for device in 0..DEVICES {
        for register in (0..0x120).step_by(4).chain([0xffc]) {
            let address = layout::virtio_base(device) + register;
            code = code.store32(address, u32::MAX).store32(address, 0x0000_0005).poke(address + 1);
        }
    }
    code.says_so()
}

/// Writes so many bytes to the serial port.
pub(crate) fn flood(bytes: u32) -> Code {
    Code::default().times(bytes, Code::default().out(layout::SERIAL, b'x'))
}

/// Offers chains that never end or lead out of memory in every queue of every device, and says so.
pub(crate) fn chains() -> Code {
    let chains = [
        // To itself, and in a circle.
        (0, BUFFER, 64, NEXT, 0),
        (1, BUFFER, 64, NEXT, 2),
        (2, BUFFER, 64, NEXT | WRITE, 1),
        // Behind memory, around the end of all addresses, over registers.
        (3, 48 << 20, 64, WRITE, 0),
        (4, u64::MAX - 15, 64, WRITE, 0),
        (5, layout::VIRTIO, 4096, WRITE, 0),
        (6, BUFFER, u32::MAX, 0, 0),
        // A table that is none, and a table in a table.
        (7, u64::MAX, 64, INDIRECT, 0),
        (8, ring(0, 0), 4096, INDIRECT | NEXT, 8),
    ];
    // Heads that are none, too.
    let heads = [0, 1, 3, 4, 5, 6, 7, 8, SIZE, u16::MAX];
    let mut code = Code::default().with_devices();
    for device in 0..DEVICES {
        code = code.drives(device);
        for queue in 0..QUEUES {
            let ring = ring(device, queue);
            for (index, address, length, flags, next) in chains {
                code = code.describes(ring, index, address, length, flags, next);
            }
            code = code.offers(ring, &heads).kicks(device, queue);
        }
    }
    code.says_so()
}

/// Calls the host so often, reads what comes back, and says so.
pub(crate) fn calls(count: u32) -> Code {
    let code = Code::default().with_devices().drives(VSOCK);
    // Every buffer is the same one: nobody looks at it.
    let code = code.describes(ring(VSOCK, RECEIVE), 0, BUFFER, 0x1_0000, WRITE, 0).writes_a_call(CALLED);
    let body = Code::default().reads_everything().calls_once_more();
    code.times(count, body).says_so()
}

/// Calls the host ten thousand times, says so each time, and reads nothing.
pub(crate) fn never_reads() -> Code {
    let code = Code::default().with_devices().drives(VSOCK).writes_a_call(CALLED);
    code.times(10_000, Code::default().calls_once_more().says_so())
}

/// Writes to the first ports and reads them, among them those of devices that are not there.
pub(crate) fn ports() -> Code {
    // xor edx, edx; 1: mov al, 0xa5; out dx, al; in al, dx; inc edx; cmp edx, 0x1000; jne 1
    let body = [0xb0, 0xa5, 0xee, 0xec, 0xff, 0xc2, 0x81, 0xfa, 0, 0x10, 0, 0, 0x75, 0xf2];
    Code::default().raw(&[0x31, 0xd2]).raw(&body)
}
