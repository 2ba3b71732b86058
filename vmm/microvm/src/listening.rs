//! The sockets that a monitor listens at. One appears under its name when it listens already and is closed to others, so that
//! whoever sees it can call; one that a dead monitor left is replaced, one of a living monitor never, and a file of another
//! kind neither.
use crate::run::RunError;
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, fstat, open, statat},
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with},
};
use std::{
    ffi::OsString,
    fs::{self, File, TryLockError},
    io::{self, ErrorKind},
    os::{
        fd::OwnedFd,
        unix::{
            fs::{FileTypeExt, PermissionsExt},
            net::UnixListener,
        },
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How long others may hold the directory: they do what we do, in microseconds.
const OTHERS_PATIENCE: Duration = Duration::from_secs(5);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(1);
/// Behind the name of a socket that does not listen yet. No longer than a port behind a vsock's.
const NOT_YET: &str = ".new";

/// The name of a socket of ours, and which socket that is: names are used again, by a monitor that begins while we end.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// Opens nothing. As long as it is held, no other socket gets the same number.
    socket: OwnedFd,
}

impl Place {
    /// Removes the socket, if the name is still its own. Asks for nothing that is not on the warden's list of system calls.
    pub(crate) fn cleared(&self) -> io::Result<()> {
        let ours = fstat(&self.socket)?;
        match statat(CWD, &self.path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(there) if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino) => gone(&self.path),
            // Another monitor's by now, or nobody's.
            Ok(_) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Listens at a path, alone.
///
/// # Errors
/// When another monitor listens there, something else is there, or the directory is none of ours.
pub(crate) fn bound(key: &'static str, path: &Path) -> Result<(UnixListener, Place), RunError> {
    let failed = |step| move |source| RunError::Open { key, step, path: path.to_owned(), source };
    let _others = alone(path).map_err(failed("lock the directory of"))?;
    match fs::symlink_metadata(path) {
        Ok(facts) if !facts.file_type().is_socket() => {
            let other = io::Error::new(ErrorKind::AlreadyExists, "something that is no socket is there");
            return Err(failed("listen at")(other));
        }
        Ok(_) if is_heard(path) => {
            return Err(RunError::Taken { key, path: path.to_owned() });
        }
        // Nothing, or what a dead monitor left.
        Ok(_) | Err(_) => {}
    }
    let ready = not_yet(path);
    let listens = || {
        let listener = UnixListener::bind(&ready)?;
        fs::set_permissions(&ready, fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let socket = open(&ready, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
        fs::rename(&ready, path)?;
        Ok((listener, Place { path: path.to_owned(), socket }))
    };
    gone(&ready).and_then(|()| listens()).map_err(|source| {
        let _left = gone(&ready);
        failed("listen at")(source)
    })
}

/// Whether a monitor listens at a socket. Waits for none: one that has more callers than it takes is there too.
fn is_heard(path: &Path) -> bool {
    let called = || {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let caller = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        connect(&caller, &SocketAddrUnix::new(path)?)
    };
    matches!(called(), Ok(()) | Err(Errno::AGAIN))
}

/// Removes a socket, or finds that somebody did.
fn gone(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Keeps others who want to listen in the same directory waiting, as long as it is held.
fn alone(path: &Path) -> io::Result<File> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = File::open(parent.unwrap_or(Path::new(".")))?;
    let since = Instant::now();
    loop {
        match directory.try_lock() {
            Ok(()) => return Ok(directory),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if since.elapsed() > OTHERS_PATIENCE => {
                return Err(io::Error::new(ErrorKind::TimedOut, "somebody holds it"));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(LOOK),
        }
    }
}

fn not_yet(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(NOT_YET);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    /// Enough for the moment between a socket that is there and one that listens to be met.
    const ROUNDS: usize = 200;

    #[test]
    fn whoever_sees_a_socket_can_call() {
        let home = tempfile::tempdir().unwrap();
        let path = |round: usize| home.path().join(format!("c{round}"));
        let mut listeners = Vec::new();
        thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    // One that never comes is a call that fails.
                    let _seen = (0..10_000_000).find(|_| path(round).exists());
                    UnixStream::connect(path(round)).unwrap();
                }
            });
            listeners.extend((0..ROUNDS).map(|round| bound("socket", &path(round))));
        });
        for (round, listener) in listeners.iter().enumerate() {
            assert!(listener.is_ok());
            assert_eq!(fs::metadata(path(round)).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), ROUNDS, "nothing else is left");
    }

    #[test]
    fn of_many_at_once_one_listens_and_the_others_are_told() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("c");
        // What a dead monitor left, and one that died before it listened.
        drop(UnixListener::bind(&path).unwrap());
        drop(UnixListener::bind(not_yet(&path)).unwrap());
        let outcomes: Vec<_> = thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(|| bound("socket", &path))).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let told = |outcome: &Result<_, RunError>| matches!(outcome, Err(RunError::Taken { .. }));
        assert_eq!(outcomes.iter().filter(|outcome| told(outcome)).count(), 7);
        let (listener, _place) = outcomes.into_iter().find_map(Result::ok).unwrap();
        // It has no caller but those who looked whether somebody listens.
        while listener.accept().is_ok() {}
        let _caller = UnixStream::connect(&path).unwrap();
        assert!(listener.accept().is_ok(), "the socket that is there is the one of who won");
    }

    #[test]
    fn a_socket_is_cleared_by_whoever_bound_it_and_by_nobody_else() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("c");
        let (dead, before) = bound("socket", &path).unwrap();
        drop(dead);
        // The next begins before the first has cleared up behind itself.
        let (_listener, place) = bound("socket", &path).unwrap();
        before.cleared().unwrap();
        UnixStream::connect(&path).expect("what the first clears is not the second's");
        place.cleared().unwrap();
        assert!(!path.exists());
        place.cleared().expect("what is gone is cleared");
    }

    #[test]
    fn a_monitor_that_takes_no_more_callers_is_there_and_nobody_waits_for_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("c");
        let busy = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
        rustix::net::bind(&busy, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        rustix::net::listen(&busy, 0).unwrap();
        let _one = UnixStream::connect(&path).unwrap();
        assert!(matches!(bound("socket", &path), Err(RunError::Taken { .. })));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_socket_stays_and_is_named() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("notes");
        fs::write(&path, "mine").unwrap();
        let why = crate::chain(&bound("socket", &path).unwrap_err());
        assert!(why.starts_with("`socket`: cannot listen at ") && why.contains("/notes: "), "{why}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        let nowhere = crate::chain(&bound("vsock", Path::new("/nowhere/v")).unwrap_err());
        assert!(nowhere.starts_with("`vsock`: cannot lock the directory of /nowhere/v: "), "{nowhere}");
        let long = home.path().join("x".repeat(120));
        assert!(bound("socket", &long).is_err());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
