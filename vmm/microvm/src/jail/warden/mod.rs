//! The helper outside of the jail. The monitor cannot open a file or dial a port; it asks, and the warden does it if it is on
//! its short list: a port that the guest may dial (`links` asks, this answers), a file of a snapshot (`questions`, `shelf`). It
//! answers with a descriptor and knows nothing of guests but whether one has begun to run. When the monitor is gone it
//! clears its sockets away.
mod links;
mod questions;
mod shelf;

pub(crate) use links::{DialLink, Ends, Reading, Writing, links};
pub(crate) use questions::Part;
pub(crate) use shelf::Shelf;

use crate::bell::Bell;
use questions::{QUESTION_MAX, Question, port};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
        SocketFlags, SocketType, connect, recv, sendmsg, socket_with,
    },
};
use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::PathBuf,
    sync::OnceLock,
};
use vmm_sys_util::signal::register_signal_handler;

/// What a warden may do.
#[derive(Debug)]
pub(crate) struct Warden {
    pub(crate) ends: Ends,
    /// The guest dials `<vsock>_<port>`.
    pub(crate) vsock: PathBuf,
    pub(crate) ports: Vec<u32>,
    /// Where snapshots are.
    pub(crate) shelf: Shelf,
}

/// Why a warden stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// The monitor ended, by itself or not.
    MonitorGone,
    /// A signal asked this process to end, and the monitor with it.
    Asked,
}

/// Rings when a signal asks this process to end. A handler has nowhere else to look.
static ASKED: OnceLock<Bell> = OnceLock::new();

/// Lets the signals of a terminal and of a supervisor end this process in order.
pub(crate) fn heed_signals() -> io::Result<()> {
    extern "C" fn asked(_: i32, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
        if let Some(bell) = ASKED.get() {
            bell.ring();
        }
    }
    let bell = Bell::new()?;
    // Set once: a second warden in one process would share it.
    let _ = ASKED.set(bell);
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        register_signal_handler(signal, asked)
            .map_err(|error| io::Error::from_raw_os_error(error.errno()))?;
    }
    Ok(())
}

impl Warden {
    /// Answers until the monitor is gone, or somebody asks this process to end.
    pub(crate) fn serve(&mut self) -> Over {
        let mut open = [true; 2];
        while open.contains(&true) {
            let wanted = |open| if open { PollFlags::IN } else { PollFlags::empty() };
            let ends = [&self.ends.dial, &self.ends.file];
            let mut polled: Vec<_> =
                ends.iter().zip(open).map(|(end, open)| PollFd::new(*end, wanted(open))).collect();
            polled.extend(ASKED.get().map(|bell| PollFd::new(bell, PollFlags::IN)));
            match poll(&mut polled, None) {
                Err(Errno::INTR) => continue,
                Err(_) => return Over::MonitorGone,
                Ok(_) => {}
            }
            let ready: Vec<_> = polled.iter().map(|polled| !polled.revents().is_empty()).collect();
            if ready.get(ends.len()) == Some(&true) {
                return Over::Asked;
            }
            let [dial, file] = &mut open;
            *dial = *dial && (!ready[0] || self.dials());
            *file = *file && (!ready[1] || self.files());
        }
        Over::MonitorGone
    }

    /// Answers one question for a port. Returns whether there may be more.
    fn dials(&self) -> bool {
        let end = self.ends.dial.as_fd();
        heard(end, |bytes| {
            let dialled = port(bytes).ok_or(Errno::INVAL).and_then(|port| self.dialled(port));
            reply(end, &dialled.map(Some)).is_ok()
        })
    }

    /// Answers one question about files. Returns whether there may be more.
    fn files(&mut self) -> bool {
        let Warden { ends, shelf, .. } = self;
        let end = ends.file.as_fd();
        heard(end, |bytes| {
            let answer = match Question::read(bytes) {
                Some(Question::Runs) => {
                    shelf.guest_runs();
                    // Nobody waits for an answer to that.
                    return true;
                }
                Some(question) => shelf.done(question),
                None => Err(Errno::INVAL),
            };
            reply(end, &answer).is_ok()
        })
    }

    fn dialled(&self, port: u32) -> Result<OwnedFd, Errno> {
        if !self.ports.contains(&port) {
            return Err(Errno::ACCESS);
        }
        let mut path = self.vsock.as_os_str().as_bytes().to_vec();
        path.extend(format!("_{port}").bytes());
        let address = SocketAddrUnix::new(path)?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        // A full backlog is an answer too: the guest may dial again.
        connect(&socket, &address)?;
        Ok(socket)
    }
}

/// Hears one question, and answers it. Returns whether there may be more.
fn heard(end: BorrowedFd<'_>, answer: impl FnOnce(&[u8]) -> bool) -> bool {
    let mut bytes = [0; QUESTION_MAX];
    match recv(end, &mut bytes[..], RecvFlags::empty()) {
        Ok((0, _)) => false,
        // A question longer than the longest is cut, and then none.
        Ok((_, length)) => answer(bytes.get(..length).unwrap_or_default()),
        Err(Errno::INTR) => true,
        Err(_) => false,
    }
}

fn reply(end: BorrowedFd<'_>, answer: &Result<Option<OwnedFd>, Errno>) -> Result<usize, Errno> {
    let status = answer.as_ref().err().map_or(0, |errno| errno.raw_os_error());
    let descriptors: Vec<_> = answer.iter().flatten().map(OwnedFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    sendmsg(end, &[IoSlice::new(&status.to_le_bytes())], &mut control, SendFlags::NOSIGNAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::SnapshotName, virtio::vsock::Dial};
    use rustix::fs::{self, Mode, OFlags};
    use std::{
        io::{Read, Write},
        os::unix::net::UnixListener,
        path::Path,
        sync::Arc,
    };

    fn with_warden(dir: &Path, golden: Option<&SnapshotName>, work: impl FnOnce(Arc<DialLink>, Reading)) {
        let ((dial, files), ends) = links().unwrap();
        let open = || Some(fs::open(dir, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap());
        let shelf = Shelf::new(open(), open(), golden.cloned());
        let mut warden = Warden { ends, vsock: dir.join("v"), ports: vec![7, 8], shelf };
        let thread = std::thread::spawn(move || warden.serve());
        work(Arc::new(dial), files);
        thread.join().unwrap();
    }

    #[test]
    fn a_snapshot_is_there_when_it_is_whole_and_never_twice() {
        let dir = tempfile::tempdir().unwrap();
        let [golden, other] = ["golden", "other"].map(|name| name.parse::<SnapshotName>().unwrap());
        let left = || {
            let entries = std::fs::read_dir(dir.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        with_warden(dir.path(), None, |_dial, files| {
            let files = files.guest_runs().unwrap();
            files.begin(&golden).unwrap();
            files.make(Part::State).unwrap().write_all(b"state").unwrap();
            assert_eq!(files.make(Part::State).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            // A monitor that died half-way leaves nothing that the next one stumbles over.
            files.begin(&golden).unwrap();
            files.make(Part::Disk(3)).unwrap();
            files.finish().unwrap();
            assert_eq!(files.begin(&golden).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            files.begin(&other).unwrap();
            files.make(Part::Memory).unwrap();
            files.forget().unwrap();
            files.begin(&other).unwrap();
            files.make(Part::Memory).unwrap();
            files.finish().unwrap();
        });
        assert_eq!(left(), ["golden", "other"]);
        with_warden(dir.path(), Some(&other), |_dial, files| {
            assert!(files.open(&golden, Part::Disk(3)).is_ok());
            assert_eq!(files.open(&golden, Part::State).unwrap_err().kind(), io::ErrorKind::NotFound);
            files.remove(&other).unwrap();
            files.remove(&other).unwrap();
            assert_eq!(files.remove(&golden).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        });
        assert_eq!(left(), ["golden"]);
    }

    #[test]
    fn only_ports_of_the_list_are_dialled() {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("v_7")).unwrap();
        let secret = UnixListener::bind(dir.path().join("v_9")).unwrap();
        secret.set_nonblocking(true).unwrap();
        with_warden(dir.path(), None, |mut dial, _files| {
            let mut ask = |port| {
                assert!(dial.dial(port));
                loop {
                    if let Some(answer) = dial.answer() {
                        return answer;
                    }
                    std::thread::yield_now();
                }
            };
            let mut stream = ask(7).unwrap();
            stream.write_all(b"hello").unwrap();
            drop(stream);
            assert!(ask(8).is_none());
            assert!(ask(9).is_none());
        });
        let mut said = String::new();
        listener.accept().unwrap().0.read_to_string(&mut said).unwrap();
        assert_eq!(said, "hello");
        assert!(secret.accept().is_err());
    }
}
