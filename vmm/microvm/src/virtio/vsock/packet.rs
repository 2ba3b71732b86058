//! Headers of packets, as plain numbers.
use virtio_vsock::packet::VsockPacket;
use vm_memory::bitmap::BitmapSlice;

/// The stream type, the only one there is.
pub(super) const STREAM: u16 = 1;
/// The sender will receive no more.
pub(super) const NO_MORE_RECEIVE: u32 = 1;
/// The sender will send no more.
pub(super) const NO_MORE_SEND: u32 = 2;

/// What a packet is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Request,
    Response,
    Reset,
    Shutdown,
    Data,
    CreditUpdate,
    CreditRequest,
}

impl Op {
    pub(super) fn of(number: u16) -> Option<Op> {
        match number {
            1 => Some(Op::Request),
            2 => Some(Op::Response),
            3 => Some(Op::Reset),
            4 => Some(Op::Shutdown),
            5 => Some(Op::Data),
            6 => Some(Op::CreditUpdate),
            7 => Some(Op::CreditRequest),
            _ => None,
        }
    }

    pub(super) fn number(self) -> u16 {
        match self {
            Op::Request => 1,
            Op::Response => 2,
            Op::Reset => 3,
            Op::Shutdown => 4,
            Op::Data => 5,
            Op::CreditUpdate => 6,
            Op::CreditRequest => 7,
        }
    }
}

/// Both ends of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ports {
    pub(super) host: u32,
    pub(super) guest: u32,
}

/// What the guest says of itself in every packet: how much it has room for, and how much it has taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Credit {
    pub(super) room: u32,
    pub(super) taken: u32,
}

/// A packet to the guest without data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) ports: Ports,
    pub(super) op: Op,
    pub(super) flags: u32,
    pub(super) credit: Credit,
}

impl Header {
    /// That a conversation does not exist, or no longer.
    pub(super) fn reset(ports: Ports) -> Header {
        Header { ports, op: Op::Reset, flags: 0, credit: Credit::default() }
    }

    /// Writes it over a packet of the guest's.
    pub(super) fn write<B: BitmapSlice>(&self, packet: &mut VsockPacket<'_, B>, length: u32) {
        packet
            .set_src_cid(super::HOST)
            .set_dst_cid(super::GUEST)
            .set_src_port(self.ports.host)
            .set_dst_port(self.ports.guest)
            .set_len(length)
            .set_type(STREAM)
            .set_op(self.op.number())
            .set_flags(self.flags)
            .set_buf_alloc(self.credit.room)
            .set_fwd_cnt(self.credit.taken);
    }
}
