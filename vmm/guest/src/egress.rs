//! The host's end of a guest's way out: reads what a command wants, asks whoever decides, and carries bytes. It allows
//! nothing by itself, and resolves no name: the connection comes from the decision.
use std::{
    io,
    net::{Shutdown, TcpStream},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread,
};
use wire::{Egress, EgressAnswer, GuestFrame, HostFrame, Link, LinkError, Words, place};

/// Where the monitor brings a guest's requests to: beside its socket, with the port behind it.
pub fn egress_socket(vsock: &Path) -> PathBuf {
    let mut name = vsock.as_os_str().to_owned();
    name.push(format!("_{}", place::EGRESS_PORT));
    PathBuf::from(name)
}

/// Serves one request. `decide` returns a connection, or why there is none, in words that the command is shown.
pub fn carry(
    stream: UnixStream,
    decide: impl FnOnce(&Egress) -> Result<TcpStream, String>,
) -> Result<(), LinkError> {
    let mut link = Link::new(stream);
    let wanted = match link.receive()? {
        GuestFrame::Egress(wanted) => wanted,
        // A guest that says anything else here is not asking for a way out, and gets none.
        _other => return Ok(()),
    };
    let decided = decide(&wanted);
    let refusal = decided.as_ref().err().map(Words::cut);
    link.send(&HostFrame::EgressAnswer(EgressAnswer { refusal }))?;
    let Ok(mut outside) = decided else { return Ok(()) };
    let mut guest = link.into_inner();
    let (mut from_outside, mut to_guest) = (outside.try_clone()?, guest.try_clone()?);
    let back = thread::spawn(move || {
        // An end or an error of one side is the end of this direction.
        let _ended = io::copy(&mut from_outside, &mut to_guest);
        let _gone = to_guest.shutdown(Shutdown::Write);
    });
    let _ended = io::copy(&mut guest, &mut outside);
    let _gone = outside.shutdown(Shutdown::Write);
    back.join().map_err(|_| io::Error::other("a carrier panicked"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{Read, Write},
        net::TcpListener,
    };
    use wire::Text;

    fn ask(
        decide: impl FnOnce(&Egress) -> Result<TcpStream, String> + Send + 'static,
    ) -> (HostFrame, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        thread::spawn(move || carry(theirs, decide));
        let mut link = Link::new(ours);
        link.send(&GuestFrame::Egress(Egress { host: Text::cut("example.org"), port: 443 })).unwrap();
        let answer = link.receive().unwrap();
        (answer, link.into_inner())
    }

    #[test]
    fn what_is_refused_is_told_why_and_ends() {
        let (answer, mut stream) = ask(|wanted| Err(format!("{} is not on the list", wanted.host.as_str())));
        let refusal = Some(Words::cut("example.org is not on the list"));
        assert_eq!(answer, HostFrame::EgressAnswer(EgressAnswer { refusal }));
        assert_eq!(stream.read(&mut [0]).unwrap(), 0);
    }

    #[test]
    fn what_is_allowed_is_carried_in_both_directions_to_its_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut said = String::new();
            stream.read_to_string(&mut said).unwrap();
            stream.write_all(said.to_uppercase().as_bytes()).unwrap();
        });
        let (answer, mut stream) =
            ask(move |_| TcpStream::connect(address).map_err(|error| error.to_string()));
        assert_eq!(answer, HostFrame::EgressAnswer(EgressAnswer { refusal: None }));
        stream.write_all(b"ping").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert_eq!(said, "PING");
        server.join().unwrap();
    }

    #[test]
    fn the_socket_is_the_monitors_with_the_port_behind_it() {
        assert_eq!(egress_socket(Path::new("/run/one/vsock")), Path::new("/run/one/vsock_1026"));
    }
}
