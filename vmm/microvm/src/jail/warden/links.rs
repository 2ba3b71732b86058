//! The monitor's ends: one for ports, one for files. What may be asked about files depends on whether the guest runs, and
//! so does its type: snapshots of others are read before the first instruction of a guest, its own are written after it.
use super::questions::{Part, Question, port_bytes};
use crate::{config::SnapshotName, virtio::vsock::Dial};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, SocketFlags,
        SocketType, recvmsg, send, socketpair,
    },
};
use std::{
    fs::File,
    io::{self, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
        unix::net::UnixStream,
    },
    sync::Arc,
};

/// The end for ports, used by the thread of the devices.
#[derive(Debug)]
pub(crate) struct DialLink(OwnedFd);

impl DialLink {
    /// An answer that has come: a connection, or that there is none.
    pub(crate) fn answer(&self) -> Option<Option<UnixStream>> {
        let (status, descriptor) = receive(self.0.as_fd(), RecvFlags::DONTWAIT).ok()?;
        Some(descriptor.filter(|_| status == 0).map(UnixStream::from))
    }
}

impl AsRawFd for DialLink {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Dial for Arc<DialLink> {
    fn dial(&mut self, port: u32) -> bool {
        send(&self.0, &port_bytes(port), SendFlags::DONTWAIT | SendFlags::NOSIGNAL).is_ok()
    }
}

/// The end for files of a monitor whose guest has not run an instruction yet. Its main thread waits for each answer.
#[derive(Debug)]
pub(crate) struct Reading(OwnedFd);

impl Reading {
    /// A file of a snapshot.
    pub(crate) fn open(&self, name: &SnapshotName, part: Part) -> io::Result<File> {
        file(&self.0, &Question::Open(name.clone(), part))
    }

    /// Removes the golden snapshot that does not fit any more.
    pub(crate) fn remove(&self, name: &SnapshotName) -> io::Result<()> {
        ask(&self.0, &Question::Remove(name.clone())).map(|_| ())
    }

    /// Whether the warden is gone.
    pub(crate) fn is_alone(&self) -> bool {
        let mut polled = [PollFd::new(&self.0, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut polled, Some(&now)).is_ok_and(|ready| ready > 0)
            && polled[0].revents().contains(PollFlags::HUP)
    }

    /// Says that the guest is about to run: from here on the warden opens and removes nothing, whoever asks. It hears this
    /// before anything that is asked later, so nobody waits for an answer.
    pub(crate) fn guest_runs(self) -> io::Result<Writing> {
        send(&self.0, &Question::Runs.bytes(), SendFlags::NOSIGNAL)?;
        Ok(Writing(self.0))
    }
}

/// The end for files of a monitor whose guest runs, or did.
#[derive(Debug)]
pub(crate) struct Writing(OwnedFd);

impl Writing {
    /// Begins a snapshot.
    pub(crate) fn begin(&self, name: &SnapshotName) -> io::Result<()> {
        ask(&self.0, &Question::Begin(name.clone())).map(|_| ())
    }

    /// A new file in it.
    pub(crate) fn make(&self, part: Part) -> io::Result<File> {
        file(&self.0, &Question::Make(part))
    }

    /// Gives it its name.
    pub(crate) fn finish(&self) -> io::Result<()> {
        ask(&self.0, &Question::Finish).map(|_| ())
    }

    /// Removes what was begun.
    pub(crate) fn forget(&self) -> io::Result<()> {
        ask(&self.0, &Question::Drop).map(|_| ())
    }
}

fn file(link: &OwnedFd, question: &Question) -> io::Result<File> {
    ask(link, question)?.map(File::from).ok_or_else(|| io::Error::other("the warden sent no file"))
}

fn ask(link: &OwnedFd, question: &Question) -> io::Result<Option<OwnedFd>> {
    send(link, &question.bytes(), SendFlags::NOSIGNAL)?;
    let (status, descriptor) = receive(link.as_fd(), RecvFlags::empty())?;
    match status {
        0 => Ok(descriptor),
        errno => Err(io::Error::from_raw_os_error(errno)),
    }
}

fn receive(end: BorrowedFd<'_>, flags: RecvFlags) -> io::Result<(i32, Option<OwnedFd>)> {
    let mut status = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = flags | RecvFlags::CMSG_CLOEXEC;
    let received = loop {
        match recvmsg(end, &mut [IoSliceMut::new(&mut status)], &mut control, flags) {
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    if received.bytes != status.len() {
        return Err(io::Error::other("the warden is gone"));
    }
    let mut descriptors = control.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect::<Vec<_>>(),
        _other => Vec::new(),
    });
    Ok((i32::from_le_bytes(status), descriptors.next()))
}

/// The warden's ends.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(super) dial: OwnedFd,
    pub(super) file: OwnedFd,
}

/// Descriptors that the jailed side keeps, and the warden's ends of them.
pub(crate) fn links() -> io::Result<((DialLink, Reading), Ends)> {
    let pair = || socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
    let ((dial, dial_end), (file, file_end)) = (pair()?, pair()?);
    Ok(((DialLink(dial), Reading(file)), Ends { dial: dial_end, file: file_end }))
}
