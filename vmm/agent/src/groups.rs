//! Control groups of sessions, all of them beneath one that leaves the kernel's last processes to the agent: whoever kills a
//! session needs threads for it. Each session has a group of its own, which is gone when everybody in it is.
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use std::{
    fs::{self, File},
    io::{self, Read, Seek},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};
use wire::SpawnSession;

/// How long the killed may take to die. One that waits for a device does so for as long as it likes.
const DYING: Duration = Duration::from_secs(10);

/// Where groups are made.
#[derive(Debug)]
pub struct Groups {
    place: PathBuf,
    /// How many were made: a session that is opened again does not get the limits of the one before it.
    made: AtomicU64,
}

impl Groups {
    /// Makes the group of all sessions beneath the mounted root of groups.
    pub fn begin(root: &Path) -> io::Result<Groups> {
        const CONTROLLERS: &str = "+memory +pids";
        let place = root.join("sessions");
        fs::write(root.join("cgroup.subtree_control"), CONTROLLERS)?;
        fs::create_dir_all(&place)?;
        fs::write(place.join("cgroup.subtree_control"), CONTROLLERS)?;
        let kernel = Path::new("/proc/sys/kernel");
        let most = number(&kernel.join("threads-max"))?.min(number(&kernel.join("pid_max"))?);
        fs::write(place.join("pids.max"), share(most).to_string())?;
        Ok(Groups::at(place))
    }

    fn at(place: PathBuf) -> Groups {
        Groups { place, made: AtomicU64::new(0) }
    }

    /// Makes a group with the session's limits.
    pub(crate) fn make(&self, wanted: &SpawnSession) -> io::Result<PathBuf> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let group = self.place.join(format!("session-{}-{number}", wanted.session));
        fs::create_dir(&group)?;
        if let Err(error) = limit(&group, wanted) {
            // Whoever asks again gets another one. Nobody is in this one, so nothing keeps it.
            let _stays = fs::remove_dir(&group);
            return Err(error);
        }
        Ok(group)
    }
}

fn limit(group: &Path, wanted: &SpawnSession) -> io::Result<()> {
    if let Some(bytes) = wanted.memory_bytes_max {
        fs::write(group.join("memory.max"), bytes.to_string())?;
    }
    if let Some(processes) = wanted.processes_max {
        fs::write(group.join("pids.max"), processes.to_string())?;
    }
    Ok(())
}

/// What all sessions together may have of the processes and threads that the kernel starts: the other half is its own, and
/// the agent's, which needs a few for each conversation and call.
fn share(most: u64) -> u64 {
    most / 2
}

fn number(place: &Path) -> io::Result<u64> {
    let text = fs::read_to_string(place)?;
    text.trim().parse().map_err(|_| io::Error::other(format!("{} says {text:?}", place.display())))
}

/// Kills everybody in a group and in those beneath it.
pub(crate) fn kill(group: &Path) -> io::Result<()> {
    or_gone(fs::write(group.join("cgroup.kill"), "1"))
}

/// Removes a group whose processes were killed, once they are gone, and those that commands made beneath it.
pub(crate) fn remove(group: &Path) -> io::Result<()> {
    or_gone(emptied(group).and_then(|()| remove_tree(group)))
}

/// A command is root and can remove its own group, once it has left it: that is as good. The kernel has one word for a group
/// that is not there and another for one that goes while it is looked at.
fn or_gone(outcome: io::Result<()>) -> io::Result<()> {
    outcome.or_else(|error| match Errno::from_io_error(&error) {
        Some(Errno::NOENT | Errno::NODEV) => Ok(()),
        _ => Err(error),
    })
}

/// Removes a group and those beneath it, inner ones first, however deep they are. The files of a group go with it.
fn remove_tree(group: &Path) -> io::Result<()> {
    let mut all = vec![group.to_owned()];
    let mut looked = 0;
    while let Some(group) = all.get(looked) {
        let mut beneath = Vec::new();
        for entry in fs::read_dir(group)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                beneath.push(entry.path());
            }
        }
        all.append(&mut beneath);
        looked += 1;
    }
    all.iter().rev().try_for_each(|group| or_gone(fs::remove_dir(group)))
}

/// Waits until nobody is in a group or beneath it, or long enough.
fn emptied(group: &Path) -> io::Result<()> {
    let mut events = File::open(group.join("cgroup.events"))?;
    let deadline = Instant::now() + DYING;
    loop {
        let mut text = String::new();
        events.rewind()?;
        events.read_to_string(&mut text)?;
        let left = deadline.saturating_duration_since(Instant::now());
        if is_empty(&text) || left.is_zero() {
            // One that is not empty says so when it is removed.
            return Ok(());
        }
        let left =
            Timespec { tv_sec: left.as_secs().try_into().unwrap_or(0), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&events, PollFlags::PRI)], Some(&left)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn is_empty(events: &str) -> bool {
    events.lines().any(|line| line == "populated 0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{List, SessionId};

    fn wanted(processes_max: Option<u32>) -> SpawnSession {
        SpawnSession {
            session: SessionId(7),
            directory: None,
            variables: List::default(),
            memory_bytes_max: None,
            processes_max,
        }
    }

    #[test]
    fn a_session_that_is_opened_again_does_not_get_the_limits_of_the_one_before_it() {
        let place = tempfile::tempdir().unwrap();
        let groups = Groups::at(place.path().to_owned());
        let limited = groups.make(&wanted(Some(8))).unwrap();
        assert_eq!(fs::read_to_string(limited.join("pids.max")).unwrap(), "8");
        // Somebody in it does not die: what the kernel would not remove is a directory that is not empty here.
        kill(&limited).unwrap();
        fs::write(limited.join("cgroup.events"), "populated 0\n").unwrap();
        assert_eq!(remove(&limited).unwrap_err().kind(), io::ErrorKind::DirectoryNotEmpty);
        let free = groups.make(&wanted(None)).unwrap();
        assert!(!free.join("pids.max").exists(), "the kernel's own word, no limit, stays");
    }

    #[test]
    fn a_group_goes_with_those_beneath_it_and_one_that_a_command_removed_is_gone() {
        let place = tempfile::tempdir().unwrap();
        let group = Groups::at(place.path().to_owned()).make(&wanted(None)).unwrap();
        fs::create_dir_all(group.join("a/b")).unwrap();
        fs::create_dir(group.join("c")).unwrap();
        remove_tree(&group).unwrap();
        assert!(!group.exists());
        kill(&group).unwrap();
        remove(&group).unwrap();
    }

    #[test]
    fn sessions_leave_processes_to_the_agent() {
        assert_eq!(share(1000), 500);
        assert!(is_empty("populated 0\nfrozen 0\n") && !is_empty("populated 1\nfrozen 0\n") && !is_empty(""));
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("n"), "soon\n").unwrap();
        assert!(number(&place.path().join("n")).unwrap_err().to_string().ends_with("says \"soon\\n\""));
    }
}
