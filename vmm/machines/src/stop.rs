//! Ends a guest. It is asked first, so that it can write down what it has; one that does not listen, or says that it will and
//! does not, is ended by its monitor. Processes are not killed here: a monitor that does not answer is named.
use crate::{
    Machine, Problem, Standing,
    control::NoAnswer,
    folder::Lock,
    machine::{clear, ungroup},
    patience::within,
};
use serde_json::json;
use std::{
    io, thread,
    time::{Duration, Instant},
};
use wire::HostFrame;

/// How long each may take.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// A monitor that answers: at once, or when it has written a snapshot down.
    answer: Duration,
    /// A guest that powers itself off: in an emulated machine, seconds.
    power_off: Duration,
    /// A monitor whose guest has ended.
    end: Duration,
    /// The helper of a monitor that is gone, which clears its sockets away.
    clear: Duration,
}

const PATIENCE: Patience = Patience {
    answer: Duration::from_secs(30),
    power_off: Duration::from_secs(30),
    end: Duration::from_secs(30),
    clear: Duration::from_secs(10),
};
/// How often is looked.
const LOOK: Duration = Duration::from_millis(10);

impl Machine {
    /// Powers the guest off, or ends it if it cannot or does not; what a killed monitor left is cleared away. Returns whether
    /// there was still anything that ran.
    ///
    /// # Errors
    /// When there is no such guest, its monitor does not answer, or it does not end.
    pub fn stop(&self) -> Result<bool, Problem> {
        self.stop_within(PATIENCE)
    }

    fn stop_within(&self, patience: Patience) -> Result<bool, Problem> {
        let stats = match self.asked(json!({"do": "stats"}), patience.answer) {
            Ok(stats) => stats,
            Err(NoAnswer::Gone(error)) if error.kind() != io::ErrorKind::TimedOut => {
                if !self.is_left() {
                    return Err(self.not_there());
                }
                self.clear_away()?;
                return Ok(false);
            }
            Err(why) => return Err(self.unanswered("stats", why)),
        };
        // Only an agent that came up can power off; before, its monitor ends the guest.
        let went = stats["phase"] == "agent_ready" && self.powers_off(patience);
        if !went {
            match self.asked(json!({"do": "stop"}), patience.answer) {
                Ok(_) => {}
                // It ended meanwhile, or will be seen not to have.
                Err(NoAnswer::Gone(error)) if error.kind() != io::ErrorKind::TimedOut => {}
                Err(why) => return Err(self.unanswered("stop", why)),
            }
        }
        if !self.ends_within(patience.end, patience.clear)? {
            return Err(Problem::Unavailable(format!("the guest `{}` does not end", self.name)));
        }
        if let Some(folder) = self.folder()?
            && let Some(_lock) = Lock::taken(&folder)?
        {
            ungroup(&folder);
        }
        Ok(true)
    }

    /// Asks the guest itself, and says whether it is gone. What it answers is no proof.
    fn powers_off(&self, patience: Patience) -> bool {
        let since = Instant::now();
        let machine = self.clone();
        let asked = within(patience.power_off, move || {
            machine
                .converse()
                .is_ok_and(|mut conversation| conversation.ask(&HostFrame::PowerOff(())).is_ok())
        });
        let left = patience.power_off.saturating_sub(since.elapsed());
        asked == Some(true) && self.ends_within(left, patience.clear).unwrap_or(false)
    }

    /// Waits until the monitor is gone, and its sockets with it; says whether it is.
    fn ends_within(&self, patience: Duration, clear: Duration) -> Result<bool, Problem> {
        let since = Instant::now();
        while let Some(standing) = self.standing() {
            match standing {
                // Its helper clears them away; unless somebody killed that, too.
                Standing::Gone if since.elapsed() > clear => return self.clear_away().map(|()| true),
                Standing::Running(_) | Standing::Unready(_) | Standing::Silent(_)
                    if since.elapsed() > patience =>
                {
                    return Ok(false);
                }
                Standing::Gone | Standing::Running(_) | Standing::Unready(_) | Standing::Silent(_) => {
                    thread::sleep(LOOK);
                }
            }
        }
        Ok(true)
    }

    /// Clears away what a killed monitor left, unless the guest is just being started again.
    fn clear_away(&self) -> Result<(), Problem> {
        let Some(folder) = self.folder()? else { return Ok(()) };
        let Some(_lock) = Lock::taken(&folder)? else { return Err(self.is_starting()) };
        clear(&folder)?;
        ungroup(&folder);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Home, Name};
    use expect_test::{Expect, expect};
    use std::{
        fs,
        io::{BufRead, BufReader, Read, Write},
        os::unix::net::{UnixListener, UnixStream},
    };
    use wire::{GuestFrame, Link, Text, Welcome};

    /// Longer than a test runs where it must not pass, and none where it must.
    const PATIENCE: Patience = Patience {
        answer: Duration::from_secs(60),
        power_off: Duration::from_millis(300),
        end: Duration::from_secs(60),
        clear: Duration::from_secs(60),
    };

    /// What the agent behind the socket does with a conversation.
    type Agent = fn(UnixStream);

    fn agent(listener: UnixListener, agent: Agent) {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = [0; 13];
            stream.read_exact(&mut asked).unwrap();
            stream.write_all(b"OK 1\n").unwrap();
            agent(stream);
        }
    }

    /// A monitor that goes when it is told to stop; returns what it was told besides how it is.
    fn monitor(listener: &UnixListener, machine: &Machine) -> String {
        loop {
            let (mut stream, _) = listener.accept().unwrap();
            let mut line = String::new();
            BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
            if !line.contains("stats") {
                clear(&machine.folder().unwrap().unwrap()).unwrap();
            }
            stream.write_all(b"{\"v\":1,\"ok\":{\"phase\":\"agent_ready\"}}\n").unwrap();
            if !line.contains("stats") {
                return line;
            }
        }
    }

    fn machine(root: &tempfile::TempDir) -> Machine {
        let machine = Home::new(root.path().to_owned()).machine(&Name::new("one").unwrap());
        fs::create_dir_all(machine.control().parent().unwrap()).unwrap();
        machine
    }

    fn check(behaves: Agent, expected: Expect) {
        let root = tempfile::tempdir().unwrap();
        let machine = machine(&root);
        let control = UnixListener::bind(machine.control()).unwrap();
        let vsock = UnixListener::bind(machine.vsock()).unwrap();
        thread::spawn(move || agent(vsock, behaves));
        let served = machine.clone();
        let told = thread::spawn(move || monitor(&control, &served));
        let stopped = machine.stop_within(PATIENCE).map_err(|why| why.chain());
        expected.assert_eq(&format!("{stopped:?} {}", told.join().unwrap().trim()));
    }

    #[test]
    fn a_guest_that_does_not_power_off_is_ended_by_its_monitor() {
        let ended = || expect![[r#"Ok(true) {"do":"stop","v":1}"#]];
        // It says nothing.
        check(std::mem::forget, ended());
        // It says that it goes, and stays.
        check(
            |stream| {
                let mut link = Link::new(stream);
                let _hello: HostFrame = link.receive().unwrap();
                link.send(&GuestFrame::Welcome(Welcome { agent: Text::cut("0.1.0"), boot: 1 })).unwrap();
                let _power_off: HostFrame = link.receive().unwrap();
                link.send(&GuestFrame::Done(())).unwrap();
                std::mem::forget(link);
            },
            ended(),
        );
        // It hangs up.
        check(drop, ended());
    }

    #[test]
    fn a_monitor_that_stands_still_is_named() {
        let root = tempfile::tempdir().unwrap();
        let machine = machine(&root);
        let _silent = UnixListener::bind(machine.control()).unwrap();
        let impatient = Patience { answer: Duration::from_millis(1), ..PATIENCE };
        let why = machine.stop_within(impatient).unwrap_err().chain();
        expect!["the guest `one`: its monitor does not answer. It does not while it writes a snapshot down; if it hangs, end its process, and `guest stop one` clears it away"]
            .assert_eq(&why);
        assert!(machine.control().exists());
    }

    #[test]
    fn nothing_behind_a_link_is_asked_locked_or_cleared_away() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let home = Home::new(root.path().join("home"));
        let behind = root.path().join("behind");
        for place in [&behind, &root.path().join("home/machines/linked")] {
            fs::create_dir_all(place).unwrap();
        }
        let theirs = UnixListener::bind(behind.join("control")).unwrap();
        fs::write(behind.join("vsock"), "mine").unwrap();
        symlink("../../behind", home.root.join("machines/whole")).unwrap();
        symlink(behind.join("control"), home.root.join("machines/linked/control")).unwrap();
        symlink("/dev/zero", home.root.join("machines/linked/groups")).unwrap();
        let listed = home.list().unwrap();
        let names: Vec<_> = listed.iter().map(|listed| listed.name.as_str()).collect();
        assert_eq!(names, ["linked", "whole"]);
        for (listed, link) in listed.iter().zip(["linked/control", "whole"]) {
            let why = home.machine(&listed.name).stop_within(PATIENCE).unwrap_err().chain();
            assert_eq!(listed.standing, Standing::Silent(why.clone()));
            let expected = format!(
                "{}/machines/{link} is a link, and none is followed in a home of guests: remove it",
                home.root.display()
            );
            assert_eq!(why, expected);
        }
        let mut left: Vec<_> =
            fs::read_dir(&behind).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["control", "vsock"]);
        theirs.set_nonblocking(true).unwrap();
        assert!(theirs.accept().is_err(), "nobody asked it");
    }

    #[test]
    fn what_was_killed_is_not_cleared_away_while_somebody_starts_it() {
        let root = tempfile::tempdir().unwrap();
        let machine = machine(&root);
        drop(UnixListener::bind(machine.control()).unwrap());
        let lock = Lock::taken(&machine.folder().unwrap().unwrap()).unwrap();
        let why = machine.stop_within(PATIENCE).unwrap_err().chain();
        expect!["the guest `one` is just being started: wait for it, or take another name"].assert_eq(&why);
        assert!(machine.control().exists());
        assert!(machine.stop_within(PATIENCE).unwrap_err().passes(), "whoever asks again is told more");
        drop(lock);
        assert!(!machine.stop_within(PATIENCE).unwrap());
        assert!(!machine.control().exists());
    }
}
