//! What a helper is told: one order over a pair of sockets, the command's streams with its first byte and its end where the
//! other side closes. Both sides are the same program, so there is no version; what is cut is refused all the same.
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{ffi::OsStrExt, ffi::OsStringExt, net::UnixStream},
    },
    path::PathBuf,
};

/// What a helper does before it becomes a command, in this order, and what it becomes.
#[derive(Debug)]
pub struct Order {
    /// Its input, output and error output.
    pub streams: [OwnedFd; 3],
    /// The control group to join.
    pub group: Option<PathBuf>,
    /// Whether its input is a terminal that becomes its own.
    pub terminal: bool,
    /// Where to go.
    pub directory: PathBuf,
    /// The program, and its arguments.
    pub program: OsString,
    /// Those.
    pub arguments: Vec<OsString>,
    /// All that it finds in its environment.
    pub variables: Vec<(OsString, OsString)>,
}

impl Order {
    /// Its length, and each text with its own before it.
    fn bytes(&self) -> Vec<u8> {
        let group = self.group.as_ref().map_or(OsStr::new(""), |group| group.as_os_str());
        let terminal = OsStr::new(if self.terminal { "terminal" } else { "pipes" });
        let count = OsString::from(self.variables.len().to_string());
        let variables = self.variables.iter().flat_map(|(name, value)| [name.as_os_str(), value]);
        let all = [group, terminal, self.directory.as_os_str(), &count].into_iter();
        let all = all.chain(variables).chain([self.program.as_os_str()]);
        let mut bytes = vec![0; 8];
        for text in all.chain(self.arguments.iter().map(OsString::as_os_str)) {
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        let length = bytes.len() as u64 - 8;
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        bytes
    }

    /// Tells it to the helper at the other end, which is gone when this fails.
    pub fn give(&self, to: UnixStream) -> io::Result<()> {
        let message = self.bytes();
        let streams = self.streams.each_ref().map(OwnedFd::as_fd);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&streams));
        let sent = sendmsg(&to, &[IoSlice::new(&message)], &mut control, SendFlags::NOSIGNAL)?;
        // The agent takes no signal for a pipe that nobody reads, as no program of this language does.
        (&to).write_all(&message[sent..])
    }
}

/// An order that was cut, or is none.
fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the order is cut")
}

/// Waits for an order; `None` when the other side closes without one.
pub fn taken(from: BorrowedFd<'_>) -> io::Result<Option<Order>> {
    let mut first = [0; FIRST];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(from, &mut [IoSliceMut::new(&mut first)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    if received.bytes == 0 {
        return Ok(None);
    }
    let streams = control.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(streams) => streams.collect::<Vec<_>>(),
        _other => Vec::new(),
    });
    let streams: [OwnedFd; 3] = streams.collect::<Vec<_>>().try_into().map_err(|_| cut())?;
    let mut bytes = first[..received.bytes].to_vec();
    File::from(from.try_clone_to_owned()?).read_to_end(&mut bytes)?;
    read(&bytes, streams).map(Some).ok_or_else(cut)
}

/// Most orders are shorter.
const FIRST: usize = 4096;

fn read(bytes: &[u8], streams: [OwnedFd; 3]) -> Option<Order> {
    let (length, mut rest) = bytes.split_first_chunk()?;
    if u64::from_le_bytes(*length) != rest.len() as u64 {
        return None;
    }
    let mut texts = Vec::new();
    while let Some((length, more)) = rest.split_first_chunk() {
        let (text, more) = more.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        texts.push(OsString::from_vec(text.to_vec()));
        rest = more;
    }
    let mut texts = texts.into_iter().filter(|_| rest.is_empty());
    let (group, terminal, directory) = (texts.next()?, texts.next()? == "terminal", texts.next()?.into());
    let count: usize = texts.next()?.to_str()?.parse().ok()?;
    let variables: Vec<_> = (0..count).map_while(|_| texts.next().zip(texts.next())).collect();
    if variables.len() != count {
        return None;
    }
    let group = Some(PathBuf::from(group)).filter(|group| !group.as_os_str().is_empty());
    let program = texts.next()?;
    Some(Order { streams, group, terminal, directory, program, arguments: texts.collect(), variables })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams() -> [OwnedFd; 3] {
        [0; 3].map(|_| File::open("/dev/null").unwrap().into())
    }

    fn order() -> Order {
        Order {
            streams: streams(),
            group: None,
            terminal: true,
            directory: "/some where".into(),
            program: "sh".into(),
            arguments: vec!["-c".into(), "".into(), OsString::from_vec(vec![0xff, b'='])],
            variables: vec![
                ("".into(), "odd".into()),
                ("A".into(), "".into()),
                ("B".into(), "x".repeat(300_000).into()),
            ],
        }
    }

    #[test]
    fn an_order_arrives_as_it_was_given() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        // It is longer than a socket holds.
        let giving = std::thread::spawn(move || order().give(ours));
        let arrived = taken(theirs.as_fd()).unwrap().unwrap();
        giving.join().unwrap().unwrap();
        let shown = |order: &Order| {
            let Order { streams: _, group, terminal, directory, program, arguments, variables } = order;
            format!("{group:?} {terminal} {directory:?} {program:?} {arguments:?} {variables:?}")
        };
        assert_eq!(shown(&arrived), shown(&order()));
        assert_eq!(arrived.streams.len(), 3);
    }

    #[test]
    fn nothing_and_half_an_order_are_told_apart() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(ours);
        assert!(taken(theirs.as_fd()).unwrap().is_none());
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(b"without streams").unwrap();
        drop(ours);
        assert_eq!(taken(theirs.as_fd()).unwrap_err().to_string(), "the order is cut");
        let whole = order().bytes();
        assert!(read(&whole, streams()).is_some());
        for end in [0, 7, 8, 20, whole.len() - 1] {
            assert!(read(&whole[..end], streams()).is_none(), "{end}");
        }
    }

    #[test]
    fn a_helper_that_is_gone_is_noticed() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        assert!(order().give(ours).is_err());
    }
}
