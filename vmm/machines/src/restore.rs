//! A guest from a snapshot, made itself before anybody may use it: its time is now, and its random numbers are its own. Until
//! then a note in its directory says so, which stays when whoever restores it is killed; a guest that could not be made itself
//! is ended.
use crate::{
    Home, Machine, Name, Problem, Settings,
    folder::{Folder, Lock},
    home::SNAPSHOTS,
    machine::{AGENT_PATIENCE, Start, silent},
    patience::within,
    problem::failed,
};
use std::{
    process::Child,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

impl Home {
    /// Starts a guest from a snapshot, and makes it itself: its time is now, and its random numbers are its own.
    ///
    /// # Errors
    /// When there is no such snapshot, it does not fit any more, or the guest does not come up.
    pub fn restore(&self, snapshot: &Name, name: &Name) -> Result<(Machine, Child), Problem> {
        if Folder::home(&self.root)?.is_none() {
            return Err(self.no_snapshot(snapshot)?);
        }
        let _in_use = self.in_use()?;
        self.collect()?;
        let snapshots = self.folder(SNAPSHOTS)?;
        let there = snapshots.map_or(Ok(None), |snapshots| snapshots.folder(snapshot.as_str()))?;
        let Some(there) = there else { return Err(self.no_snapshot(snapshot)?) };
        let settings = Settings::read(&there)?;
        let started = self.start(name, &settings, &Start::Restore(snapshot, &there));
        let (machine, mut child, _lock) =
            started.map_err(failed(format!("restore the snapshot `{snapshot}`")))?;
        machine.made_itself(&mut child, AGENT_PATIENCE)?;
        Ok((machine, child))
    }

    pub(crate) fn no_snapshot(&self, snapshot: &Name) -> Result<Problem, Problem> {
        let there: Vec<_> = self.snapshot_names()?.iter().map(|name| format!("`{name}`")).collect();
        let there = if there.is_empty() { "there are none".to_owned() } else { there.join(", ") };
        Ok(Problem::Refused(format!("there is no snapshot `{snapshot}`: {there}")))
    }
}

/// Is there while a restored guest is not itself.
const UNREADY: &str = "unready";

/// Notes that nobody may use the guest yet.
pub(crate) fn note_unready(folder: &Folder) -> Result<(), Problem> {
    folder.write(UNREADY, "")
}

/// Notes that anybody may.
pub(crate) fn note_ready(folder: &Folder) -> Result<(), Problem> {
    folder.remove(UNREADY)
}

impl Machine {
    /// Whether it is noted that a restored guest is not itself yet. What cannot be looked at is none that may be used.
    pub(crate) fn is_unready(&self) -> bool {
        let noted = self.folder().and_then(|folder| folder.map_or(Ok(false), |folder| folder.has(UNREADY)));
        noted.unwrap_or(true)
    }

    /// Makes a restored guest itself, or ends it: with the snapshot's random numbers it would repeat what others from it said in
    /// secret.
    fn made_itself(&self, child: &mut Child, patience: Duration) -> Result<(), Problem> {
        let done = self.refresh(patience).and_then(|()| match self.folder()? {
            Some(folder) => note_ready(&folder),
            None => Err(self.not_there()),
        });
        done.inspect_err(|_| self.abandon(child)).map_err(failed(format!(
            "give the restored guest `{}` its own time and random numbers, so it was ended",
            self.name
        )))
    }

    /// Gives a restored guest the time, and random numbers of its own.
    fn refresh(&self, patience: Duration) -> Result<(), Problem> {
        let mut entropy = [0; 64];
        rustix::rand::getrandom(&mut entropy, rustix::rand::GetRandomFlags::empty())
            .map_err(failed("draw random numbers"))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_nanos()).map_err(failed("tell the time"))?;
        let mut conversation = self.begun(patience)?;
        within(patience, move || conversation.refresh(now, &entropy))
            .unwrap_or_else(|| Err(silent(patience).into()))
            .map_err(failed("set them"))
    }

    /// Says why nobody may use a restored guest that runs.
    pub(crate) fn not_ready(&self) -> Problem {
        let name = &self.name;
        let lock = self.folder().and_then(|folder| folder.map_or(Ok(None), |folder| Lock::taken(&folder)));
        match lock {
            Ok(Some(_nobody_starts_it)) => Problem::Refused(format!(
                "the guest `{name}` was restored, and whoever did it went before it had its own time and random numbers: \
                 `guest stop {name}` ends it"
            )),
            Ok(None) => {
                Problem::Unavailable(format!("the guest `{name}` is just being restored: wait for it"))
            }
            Err(why) => why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Standing,
        home::tests::{answered, made},
    };
    use expect_test::expect;
    use std::{
        io::{Read, Write},
        os::unix::net::{UnixListener, UnixStream},
        process::{Command, Stdio},
        thread,
    };
    use wire::{GuestFrame, HostFrame, Link, Refusal, Refused, Text, Welcome, Words};

    /// What an agent says to the clock and to random numbers; one that has nothing more to say hangs up.
    type Says = &'static [Result<(), &'static str>];

    fn agent(mut stream: UnixStream, says: Says) {
        let mut asked = [0; 13];
        stream.read_exact(&mut asked).unwrap();
        stream.write_all(b"OK 1\n").unwrap();
        let mut link = Link::new(stream);
        let _hello: HostFrame = link.receive().unwrap();
        link.send(&GuestFrame::Welcome(Welcome { agent: Text::cut("0.1.0"), boot: 1 })).unwrap();
        for said in says {
            let _asked: HostFrame = link.receive().unwrap();
            let answer = match said {
                Ok(()) => GuestFrame::Done(()),
                Err(why) => GuestFrame::Refused(Refused { kind: Refusal::Failed, why: Words::cut(*why) }),
            };
            link.send(&answer).unwrap();
        }
        // It hangs up when it is asked for more, and has heard all: both are said before either is answered.
        let unanswered = 2_usize.saturating_sub(says.len()).max(1);
        for _ in 0..unanswered {
            let _asked: Result<HostFrame, _> = link.receive();
        }
    }

    /// A restored guest whose agent came up, with a process for a monitor.
    fn restored(says: Option<Says>) -> (tempfile::TempDir, Home, Machine, Child) {
        let root = tempfile::tempdir().unwrap();
        let home = Home::new(root.path().to_owned());
        let machine = home.machine(&Name::new("one").unwrap());
        note_unready(&made(&home, &machine)).unwrap();
        let (control, vsock) =
            (UnixListener::bind(machine.control()).unwrap(), UnixListener::bind(machine.vsock()).unwrap());
        thread::spawn(move || {
            loop {
                answered(&control, "{\"v\":1,\"ok\":{\"phase\":\"agent_ready\"}}\n");
            }
        });
        thread::spawn(move || {
            for stream in vsock.incoming().flatten() {
                match says {
                    Some(says) => agent(stream, says),
                    None => std::mem::forget(stream),
                }
            }
        });
        let child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        (root, home, machine, child)
    }

    /// Longer than a test runs.
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_clone_that_cannot_be_made_itself_is_ended_and_offered_to_nobody() {
        let mut said = String::new();
        for (says, patience) in [
            (Some(&[Err("no clock")][..]), LONG),
            (Some(&[Ok(()), Err("no entropy")]), LONG),
            (Some(&[Ok(())]), LONG),
            (Some(&[]), LONG),
            (None, Duration::from_millis(50)),
        ] {
            let (_root, home, machine, mut child) = restored(says);
            said += &format!("{}\n", machine.made_itself(&mut child, patience).unwrap_err().chain());
            assert!(child.try_wait().unwrap().is_some(), "its monitor goes on");
            assert_eq!(home.list().unwrap(), [], "it is offered");
            assert!(machine.converse().is_err());
        }
        let first = "cannot give the restored guest `one` its own time and random numbers, so it was ended: ";
        expect![[r#"
            … cannot set them: the guest refuses: no clock
            … cannot set them: the guest refuses: no entropy
            … cannot set them: the peer closed the connection
            … cannot set them: the peer closed the connection
            … cannot speak with the agent of the guest `one`: the connection to the peer failed: it says nothing for 0 s
        "#]].assert_eq(&said.replace(first, "… "));
    }

    #[test]
    fn until_it_is_made_itself_a_clone_is_listed_and_not_offered() {
        let (_root, home, machine, mut child) = restored(Some(&[Ok(()), Ok(())]));
        let lock = Lock::taken(&machine.folder().unwrap().unwrap()).unwrap();
        let standing = || home.list().unwrap().remove(0).standing;
        let refused = || machine.converse().unwrap_err().chain();
        assert!(matches!(standing(), Standing::Unready(_)));
        expect!["the guest `one` is just being restored: wait for it"].assert_eq(&refused());
        // Whoever restored it was killed.
        drop(lock);
        assert!(matches!(standing(), Standing::Unready(_)));
        expect!["the guest `one` was restored, and whoever did it went before it had its own time and random numbers: `guest stop one` ends it"]
            .assert_eq(&refused());

        machine.made_itself(&mut child, LONG).unwrap();
        assert!(matches!(standing(), Standing::Running(_)));
        assert!(machine.converse().is_ok() && child.try_wait().unwrap().is_none());
        machine.abandon(&mut child);
    }
}
