//! The first line of a host client: `CONNECT <port>`. Nothing after it is read before the guest has answered.
use rustix::net::{RecvFlags, recv};
use std::{io::ErrorKind, os::unix::net::UnixStream};

/// `CONNECT 4294967295` and the end of a line.
const LINE_MAX: usize = 19;

/// A client that has not said all of its line.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) stream: UnixStream,
}

/// What a caller said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Not all yet.
    NotYet,
    /// Whom it wants.
    Connect(u32),
    /// Nonsense, or nothing any more.
    Nonsense,
}

impl Caller {
    /// Looks at what came, and takes the line when it is whole.
    pub(crate) fn listen(&mut self) -> Said {
        let mut bytes = [0; LINE_MAX];
        let peeked = match recv(&self.stream, &mut bytes[..], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Ok((0, _)) => return Said::Nonsense,
            Ok((_, length)) => length.min(LINE_MAX),
            Err(errno) if std::io::Error::from(errno).kind() == ErrorKind::WouldBlock => return Said::NotYet,
            Err(_) => return Said::Nonsense,
        };
        let Some(end) = bytes[..peeked].iter().position(|byte| *byte == b'\n') else {
            return if peeked < LINE_MAX { self.part(&bytes[..peeked]) } else { Said::Nonsense };
        };
        let line = &bytes[..end];
        let taken = recv(&self.stream, &mut [0; LINE_MAX][..=end], RecvFlags::DONTWAIT);
        let port =
            line.strip_prefix(b"CONNECT ").and_then(|port| std::str::from_utf8(port).ok()?.parse().ok());
        match (taken, port) {
            (Ok(_), Some(port)) => Said::Connect(port),
            _ => Said::Nonsense,
        }
    }

    fn part(&self, bytes: &[u8]) -> Said {
        let word = b"CONNECT ";
        let length = bytes.len().min(word.len());
        if bytes[..length] == word[..length] { Said::NotYet } else { Said::Nonsense }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn said(bytes: &[u8]) -> (Said, usize) {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(bytes).unwrap();
        let mut caller = Caller { stream: theirs };
        let said = caller.listen();
        drop(ours);
        let mut rest = Vec::new();
        caller.stream.read_to_end(&mut rest).unwrap();
        (said, rest.len())
    }

    #[test]
    fn a_line_is_taken_and_what_follows_is_left() {
        assert_eq!(said(b"CONNECT 1024\nhello"), (Said::Connect(1024), 5));
        assert_eq!(said(b"CONNECT 4294967295\n"), (Said::Connect(u32::MAX), 0));
        assert_eq!(said(b"CONN"), (Said::NotYet, 4));
        assert_eq!(said(b"CONNECT 10"), (Said::NotYet, 10));
    }

    #[test]
    fn nonsense_is_not_waited_for() {
        for bytes in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"\n",
            b"CONNECT\n",
            b"CONNECT -1\n",
            b"CONNECT 4294967296\n",
            b"CONNECT 1 2\n",
            b"X",
        ] {
            assert_eq!(said(bytes).0, Said::Nonsense, "{bytes:?}");
        }
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(ours);
        assert_eq!(Caller { stream: theirs }.listen(), Said::Nonsense);
    }
}
