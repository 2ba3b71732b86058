//! Frames over anything that reads and writes bytes, blocking. Starts no thread and keeps no more than one frame.
use crate::{Frame, HEADER_BYTES, Header, Unreadable};
use std::io::{self, ErrorKind, Read, Write};

/// Why a frame did not come or go.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The peer closed between two frames.
    #[error("the peer closed the connection")]
    Closed,
    /// The connection failed, or ended within a frame.
    #[error("the connection to the peer failed")]
    Broken(#[from] io::Error),
    /// The peer sent what is no frame.
    #[error("the peer sent what is no frame: {0}")]
    Unreadable(#[from] Unreadable),
}

/// One side of a conversation.
#[derive(Debug)]
pub struct Link<S> {
    stream: S,
    payload: Vec<u8>,
    out: Vec<u8>,
}

impl<S> Link<S> {
    /// Speaks over the stream.
    pub fn new(stream: S) -> Link<S> {
        Link { stream, payload: Vec::new(), out: Vec::new() }
    }

    /// Returns the stream, between two frames.
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// Returns the stream, to set or ask something of it.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }
}

impl<S: Write> Link<S> {
    /// Sends a frame.
    pub fn send(&mut self, frame: &impl Frame) -> Result<(), LinkError> {
        self.out.clear();
        frame.encode(&mut self.out);
        self.stream.write_all(&self.out)?;
        self.stream.flush()?;
        Ok(())
    }
}

impl<S: Read> Link<S> {
    /// Waits for a frame.
    pub fn receive<F: Frame>(&mut self) -> Result<F, LinkError> {
        let mut header = [0; HEADER_BYTES];
        loop {
            match self.stream.read(&mut header[..1]) {
                Ok(0) => return Err(LinkError::Closed),
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.stream.read_exact(&mut header[1..])?;
        let Header { kind, len } = Header::decode(header)?;
        self.payload.resize(len, 0);
        self.stream.read_exact(&mut self.payload)?;
        Ok(F::decode(kind, &self.payload)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HostFrame;
    use expect_test::{Expect, expect};

    fn check(bytes: &[u8], outcome: Expect) {
        let mut link = Link::new(bytes);
        let mut told = String::new();
        loop {
            match link.receive::<HostFrame>() {
                Ok(frame) => told += &format!("{frame:?}\n"),
                Err(error) => break told += &format!("{error}\n"),
            }
        }
        outcome.assert_eq(&told);
    }

    #[test]
    fn frames_come_one_after_the_other_until_the_peer_closes() {
        let mut link = Link::new(Vec::new());
        link.send(&HostFrame::InputEnd(())).unwrap();
        link.send(&HostFrame::Status(())).unwrap();
        check(
            &link.into_inner(),
            expect![[r#"
                InputEnd(())
                Status(())
                the peer closed the connection
            "#]],
        );
    }

    #[test]
    fn a_frame_that_is_cut_foreign_or_unknown_is_refused() {
        check(&[1, 5, 0], expect![["the connection to the peer failed\n"]]);
        check(&[1, 5, 0, 0, 1, 0, 0, 0], expect![["the connection to the peer failed\n"]]);
        check(
            b"GET / HTTP/1.1",
            expect![["the peer sent what is no frame: the peer speaks version 71, this side version 1\n"]],
        );
        check(
            &[1, 5, 0, 0, 1, 0, 0, 0, 9],
            expect![["the peer sent what is no frame: 1 bytes are left over at the end of the frame\n"]],
        );
        check(
            &[1, 99, 0, 0, 0, 0, 0, 0],
            expect![["the peer sent what is no frame: 99 stands for no HostFrame\n"]],
        );
        check(
            &[1, 5, 0, 0, 0, 0, 0, 1],
            expect![["the peer sent what is no frame: 16777216 is more than the 163840 that fit\n"]],
        );
        check(
            &[1, 5, 1, 0, 0, 0, 0, 0],
            expect![["the peer sent what is no frame: reserved bytes of the header are not zero\n"]],
        );
    }
}
