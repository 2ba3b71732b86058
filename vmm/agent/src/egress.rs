//! The way out for commands: a proxy on the guest's loopback that asks the host for each connection and then carries bytes.
//! It speaks `CONNECT` only, decides nothing, and resolves no name; without an answer of the host there is no way.
use crate::{boot::dial, sys::loopback_up};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::Arc,
    thread,
};
use wire::{Egress, GuestFrame, HostFrame, Link, Text, place};

/// Where the proxy listens, in the guest only.
const PORT: u16 = 3128;
/// The same as commands read it.
pub const PROXY_URL: &str = "http://127.0.0.1:3128";
/// As many connections as are carried at once, each by two threads: more than any browser opens.
const CONNECTIONS_MAX: usize = 128;
/// A request's head is a line and a few fields.
const HEAD_BYTES_MAX: u64 = 16 * 1024;

/// Brings the loopback up and listens on it.
pub fn start() -> io::Result<()> {
    loopback_up()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, PORT))?;
    let carried = Arc::new(());
    thread::Builder::new().spawn(move || {
        for stream in listener.incoming().flatten() {
            // One is the loop's own.
            if Arc::strong_count(&carried) > CONNECTIONS_MAX {
                // Closing it is the answer.
                continue;
            }
            let one = Arc::clone(&carried);
            let carrier = thread::Builder::new().spawn(move || {
                // The command sees why, if it still listens.
                let _told = carry(stream);
                drop(one);
            });
            if let Err(error) = carrier {
                eprintln!("agent: a command found no way out: {error}");
            }
        }
    })?;
    Ok(())
}

/// Takes one request, asks the host, and carries bytes until both sides are done.
fn carry(stream: TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let wanted = head(&mut reader)?;
    let early = reader.buffer().to_vec();
    let mut stream = stream;
    let Some(wanted) = wanted else {
        return stream.write_all(
            b"HTTP/1.1 405 Method Not Allowed\r\nallow: CONNECT\r\n\r\nonly CONNECT is carried\n",
        );
    };
    let mut host = match ask(wanted) {
        Ok(host) => host,
        Err(why) => {
            let why = format!("HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\n\r\n{why}\n");
            return stream.write_all(why.as_bytes());
        }
    };
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    host.write_all(&early)?;
    let (mut from_host, mut to_command) = (host.try_clone()?, stream.try_clone()?);
    let back = thread::Builder::new().spawn(move || {
        // An end or an error of one side is the end of this direction.
        let _ended = io::copy(&mut from_host, &mut to_command);
        let _gone = to_command.shutdown(Shutdown::Write);
    })?;
    let _ended = io::copy(&mut stream, &mut host);
    let _gone = rustix::net::shutdown(&host, rustix::net::Shutdown::Write);
    back.join().map_err(|_| io::Error::other("a carrier panicked"))
}

/// Asks the host for a connection, or returns why there is none.
fn ask(wanted: Egress) -> Result<File, String> {
    let said = |error: &dyn std::fmt::Display| format!("the host offers no way out: {error}");
    let mut link = Link::new(dial(place::EGRESS_PORT).map_err(|error| said(&error))?);
    link.send(&GuestFrame::Egress(wanted)).map_err(|error| said(&error))?;
    match link.receive::<HostFrame>().map_err(|error| said(&error))? {
        HostFrame::EgressAnswer(answer) => match answer.refusal {
            None => Ok(link.into_inner()),
            Some(why) => Err(format!("the host refuses: {}", why.as_str())),
        },
        _other => Err("the host answered something else".to_owned()),
    }
}

/// Reads the head of a request; `None` if it is not for a connection.
fn head(reader: &mut impl BufRead) -> io::Result<Option<Egress>> {
    let mut reader = reader.take(HEAD_BYTES_MAX);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        if line.trim_end().is_empty() {
            return Ok(target(&first));
        }
    }
}

fn target(line: &str) -> Option<Egress> {
    let mut words = line.split_ascii_whitespace();
    let (host, port) = words.next().filter(|word| *word == "CONNECT").and(words.next())?.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some(Egress { host: Text::new(host).ok()?, port: port.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head_bytes: &str, wanted: Option<(&str, u16)>) {
        let read = head(&mut head_bytes.as_bytes()).unwrap();
        assert_eq!(read.as_ref().map(|egress| (egress.host.as_str(), egress.port)), wanted, "{head_bytes:?}");
    }

    #[test]
    fn only_a_connection_is_asked_for() {
        check("CONNECT example.org:443 HTTP/1.1\r\nhost: x\r\n\r\n", Some(("example.org", 443)));
        check("CONNECT [::1]:80 HTTP/1.1\r\n\r\n", Some(("::1", 80)));
        check("GET http://example.org/ HTTP/1.1\r\n\r\n", None);
        check("CONNECT example.org HTTP/1.1\r\n\r\n", None);
        check("CONNECT example.org:99999 HTTP/1.1\r\n\r\n", None);
    }

    #[test]
    fn a_head_without_an_end_is_an_error() {
        assert!(head(&mut "CONNECT a:1 HTTP/1.1\r\n".as_bytes()).is_err());
        assert!(head(&mut "x".repeat(20_000).as_bytes()).is_err());
    }
}
