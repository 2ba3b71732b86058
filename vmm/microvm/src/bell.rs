//! A bell between threads: ringing it makes a descriptor readable, however often it was rung.
use rustix::{
    event::{EventfdFlags, eventfd},
    io,
};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The bell.
#[derive(Debug)]
pub(crate) struct Bell(OwnedFd);

impl Bell {
    pub(crate) fn new() -> std::io::Result<Bell> {
        Ok(Bell(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?))
    }

    /// Rings. It cannot fail but by being rung 2^64 times.
    pub(crate) fn ring(&self) {
        let _ = io::write(&self.0, &1u64.to_ne_bytes());
    }

    /// Stops ringing.
    pub(crate) fn hush(&self) {
        let _ = io::read(&self.0, &mut [0; 8]);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
