//! Connections between host and guest, as Firecracker's "hybrid" vsock: the host dials the guest on a Unix socket with a
//! line `CONNECT <port>`, the guest dials the host on a port of a short list. Nothing else of the host can be reached.
//!
//! `packet` is what crosses the queues, `connection` one conversation and its credit, `muxer` all of them and what is
//! bounded, `device` the queues, `host` the line that a host client says first.
mod connection;
mod device;
pub(crate) mod host;
mod muxer;
mod packet;
#[cfg(test)]
pub(crate) mod stories;

pub(crate) use device::{Knock, Vsock};
pub(crate) use muxer::Dial;

/// The address of the host.
pub(crate) const HOST: u64 = 2;
/// The address of every guest: each monitor has one, so no two meet. `wire::place::GUEST_CID` is the same number.
pub(crate) const GUEST: u64 = 3;
/// The largest payload of a packet, and what a connection buffers for a host that does not read.
pub(crate) const BUFFER: usize = 64 * 1024;
/// Conversations at a time. A guest's commands are far fewer; a hostile guest gets no more memory than these.
pub(crate) const CONNECTIONS_MAX: usize = 256;
