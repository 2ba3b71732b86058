//! One client of the control socket: what it said and has not been answered, and what it was answered and has not read. It
//! is listened to when there is nothing left to tell it, so that neither grows and answers keep the order of the requests.
use super::{ErrorKind, LINE_MAX, Phase, Reply};
use rustix::{
    event::PollFlags,
    io::Errno,
    net::{RecvFlags, SendFlags, recv, send},
};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A client.
pub(super) struct Peer {
    socket: OwnedFd,
    heard: Vec<u8>,
    /// What its socket has not taken: one reply at most, of which the longest is a serial log with an escape for each byte.
    unsaid: Vec<u8>,
    /// The id of its request, and how far the guest is to be.
    waits: Option<(Option<u64>, Phase)>,
}

/// Whether a client stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stays {
    Yes,
    /// It hung up, or says what nobody understands.
    No,
}

impl Peer {
    pub(super) fn new(socket: OwnedFd) -> Peer {
        Peer { socket, heard: Vec::new(), unsaid: Vec::new(), waits: None }
    }

    /// Whether everything that it asked for was answered, and the answers taken.
    fn is_idle(&self) -> bool {
        self.unsaid.is_empty() && self.waits.is_none()
    }

    /// Whether it has not read what it was answered.
    pub(super) fn is_deaf(&self) -> bool {
        !self.unsaid.is_empty()
    }

    /// What it is watched for. That it hung up is seen in any case.
    pub(super) fn interest(&self) -> PollFlags {
        match (self.unsaid.is_empty(), self.is_idle()) {
            (false, _) => PollFlags::OUT,
            (true, true) => PollFlags::IN,
            (true, false) => PollFlags::empty(),
        }
    }

    /// Its socket has an event.
    pub(super) fn woken(&mut self) -> Stays {
        match (self.unsaid.is_empty(), self.is_idle()) {
            (false, _) => self.flush(),
            (true, true) => self.listen(),
            // It waits, and is watched for nothing else.
            (true, false) => Stays::No,
        }
    }

    fn listen(&mut self) -> Stays {
        let mut bytes = [0; LINE_MAX];
        match recv(&self.socket, &mut bytes[..], RecvFlags::DONTWAIT) {
            Ok((0, _)) => return Stays::No,
            Ok((_, length)) => self.heard.extend(&bytes[..length]),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => return Stays::No,
        }
        if self.heard.len() > LINE_MAX && !self.heard.contains(&b'\n') {
            let message = format!("the line is longer than {LINE_MAX} bytes");
            self.say(&Reply::refused(None, ErrorKind::Refused, message));
            return Stays::No;
        }
        Stays::Yes
    }

    /// Whether there is a line that may be answered now.
    pub(super) fn has_request(&self) -> bool {
        self.is_idle() && self.heard.contains(&b'\n')
    }

    /// Takes the next line, without its end.
    pub(super) fn request(&mut self) -> Option<Vec<u8>> {
        let end = self.heard.iter().position(|byte| *byte == b'\n').filter(|_| self.is_idle())?;
        let mut line: Vec<u8> = self.heard.drain(..=end).collect();
        line.truncate(end);
        Some(line)
    }

    /// Puts its answer off until the guest is this far.
    pub(super) fn wait(&mut self, id: Option<u64>, phase: Phase) {
        self.waits = Some((id, phase));
    }

    /// The id of its request, and how far the guest is to be, if it waits.
    pub(super) fn waits(&self) -> Option<(Option<u64>, Phase)> {
        self.waits
    }

    /// Answers its request: as much as it takes now, and the rest when it takes more.
    pub(super) fn say(&mut self, reply: &Reply) -> Stays {
        self.waits = None;
        self.unsaid.extend(reply.line().bytes());
        self.unsaid.push(b'\n');
        self.flush()
    }

    fn flush(&mut self) -> Stays {
        match send(&self.socket, &self.unsaid, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(sent) => drop(self.unsaid.drain(..sent)),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => return Stays::No,
        }
        if self.unsaid.is_empty() {
            // A log is long, and seldom asked for.
            self.unsaid = Vec::new();
        }
        Stays::Yes
    }
}

impl AsFd for Peer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{control::Answer, serial::RING};
    use std::{
        io::{BufRead, BufReader, Write},
        os::unix::net::UnixStream,
    };

    fn peer() -> (Peer, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Peer::new(ours.into()), theirs)
    }

    fn log() -> Reply {
        Reply::ok(None, Answer::Log { log: "\0".repeat(RING) })
    }

    #[test]
    fn the_longest_reply_is_taken_in_pieces_and_whole() {
        let (mut peer, client) = peer();
        assert_eq!((peer.say(&log()), peer.interest()), (Stays::Yes, PollFlags::OUT));
        let reader = std::thread::spawn(move || {
            let mut line = String::new();
            BufReader::new(client).read_line(&mut line).unwrap();
            line
        });
        while peer.interest() == PollFlags::OUT {
            assert_eq!(peer.woken(), Stays::Yes);
        }
        assert_eq!(reader.join().unwrap(), log().line() + "\n");
        assert_eq!(peer.interest(), PollFlags::IN);
    }

    #[test]
    fn nothing_is_heard_of_a_client_that_does_not_read_or_waits() {
        let (mut peer, mut client) = peer();
        client.write_all(b"one\ntwo\nthr").unwrap();
        assert_eq!((peer.has_request(), peer.woken(), peer.has_request()), (false, Stays::Yes, true));
        assert_eq!(peer.request().unwrap(), b"one");
        peer.wait(Some(1), Phase::Paused);
        assert_eq!((peer.has_request(), peer.request(), peer.interest()), (false, None, PollFlags::empty()));
        assert_eq!(peer.waits(), Some((Some(1), Phase::Paused)));
        peer.say(&log());
        assert_eq!((peer.waits(), peer.request(), peer.interest()), (None, None, PollFlags::OUT));
        assert!(peer.is_deaf());
        let mut reader = BufReader::new(client.try_clone().unwrap());
        let taken = std::thread::spawn(move || reader.read_line(&mut String::new()).unwrap());
        while peer.interest() == PollFlags::OUT {
            assert_eq!(peer.woken(), Stays::Yes);
        }
        assert_eq!(taken.join().unwrap(), log().line().len() + 1);
        assert_eq!(peer.request().unwrap(), b"two");
        assert!(!peer.has_request(), "half a line is none");
        drop(client);
        assert_eq!((peer.woken(), peer.heard.len()), (Stays::No, 3));
    }

    #[test]
    fn a_line_without_an_end_is_refused_and_its_client_let_go() {
        let (mut peer, mut client) = peer();
        client.write_all(&[b'x'; 2 * LINE_MAX]).unwrap();
        assert_eq!((peer.woken(), peer.woken()), (Stays::Yes, Stays::No));
        drop(peer);
        let mut said = String::new();
        BufReader::new(client).read_line(&mut said).unwrap();
        assert!(said.contains("the line is longer than 4096 bytes"), "{said}");
    }
}
