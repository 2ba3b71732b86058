//! Has a guest written down by its monitor, says how far that is, and waits no longer than a slow disk needs. One at a time of
//! a guest; it takes no snapshot away and looks into none.
use crate::{
    Extent, Home, Machine, Name, Problem, Settings,
    folder::Folder,
    home::{OUTBOX, SNAPSHOTS},
    wanted::{Wanted, is_held},
};
use serde_json::json;
use std::time::{Duration, Instant};

/// How often is said how far it is.
const TOLD_EVERY: Duration = Duration::from_secs(2);
/// What a snapshot takes besides its memory, on an emulated machine that is busy.
const BESIDES: Duration = Duration::from_secs(60);
/// What the slowest disk that is worth waiting for writes in a second.
const SLOWEST_MIB: u64 = 8;

/// How long something may take, and how often is said how far it is.
#[derive(Debug, Clone, Copy)]
struct Patience {
    told_every: Duration,
    all: Duration,
}

impl Patience {
    fn of(settings: &Settings) -> Patience {
        let memory = Duration::from_secs(settings.memory_mib / SLOWEST_MIB);
        Patience { told_every: TOLD_EVERY, all: BESIDES + memory }
    }
}

impl Machine {
    /// Writes the guest down under a name, or what changed in it since it was restored. `tell` hears how far that is.
    ///
    /// # Errors
    /// When there is one of this name, or the monitor cannot write it; the guest goes on. When it takes too long: it may still be
    /// written then, and can be restored once it is.
    pub fn snapshot(
        &self,
        home: &Home,
        snapshot: &Name,
        extent: Extent,
        tell: &mut dyn FnMut(&str),
    ) -> Result<(), Problem> {
        let Some(folder) = self.folder()? else { return Err(self.not_there()) };
        let patience = Patience::of(&Settings::read(&folder)?);
        self.snapshot_within(home, &folder, (snapshot, extent), patience, tell)
    }

    fn snapshot_within(
        &self,
        home: &Home,
        folder: &Folder,
        (snapshot, extent): (&Name, Extent),
        patience: Patience,
        tell: &mut dyn FnMut(&str),
    ) -> Result<(), Problem> {
        home.collect()?;
        let Some(wanted) = Wanted::held(folder)? else { return Err(is_held(folder)) };
        let snapshots = home.made(SNAPSHOTS)?;
        let already = || {
            Problem::Refused(format!(
                "there is a snapshot `{snapshot}` already: take another name, or remove it"
            ))
        };
        // One that was asked for before, by somebody who went.
        let earlier = wanted.extent(snapshot)?;
        let came = || earlier.map_or(Ok(false), |extent| wanted.taken(&snapshots, snapshot, extent));
        if snapshots.folder(snapshot.as_str())?.is_some() || came()? {
            return Err(already());
        }
        let outbox = folder.made(OUTBOX)?;
        outbox.remove_folder(snapshot.as_str())?;
        let memory_mib = Settings::read(folder)?.memory_mib;
        let mut progress = || {
            let unfinished = outbox.folder(format!(".{snapshot}.unfinished")).ok().flatten();
            let written = unfinished.map_or(0, |unfinished| unfinished.size("memory"));
            tell(&format!("{} MiB of at most {memory_mib} are written", written >> 20));
        };
        // Before it is asked for: whoever asks may be gone when it comes.
        wanted.note(snapshot, extent)?;
        match self.written_down(snapshot, extent, patience, &mut progress) {
            Ok(Written::Whole) if wanted.taken(&snapshots, snapshot, extent)? => Ok(()),
            Ok(Written::Whole) => {
                wanted.forget(snapshot)?;
                Err(Problem::Refused(format!(
                    "the monitor of the guest `{}` wrote the snapshot elsewhere, as one of another version does: stop the guest and \
                     boot it again",
                    self.name
                )))
            }
            Ok(Written::NotYet) => Err(Problem::Unavailable(format!(
                "the guest `{}` is not written down within {} s; its monitor may still do it, and `{snapshot}` can be restored once \
                 it did: if it does not, the disk is slow or the monitor hangs",
                self.name,
                patience.all.as_secs()
            ))),
            // It stands in the way of this one.
            Err(_) if came()? => Err(already()),
            Err(why) => {
                wanted.forget(snapshot)?;
                Err(why)
            }
        }
    }

    fn written_down(
        &self,
        snapshot: &Name,
        extent: Extent,
        patience: Patience,
        progress: &mut dyn FnMut(),
    ) -> Result<Written, Problem> {
        let request = json!({"do": "snapshot", "name": snapshot.as_str(), "extent": extent.word()});
        let unanswered = |why| self.unanswered("snapshot", why);
        let since = Instant::now();
        let mut asked = self.asking(request).map_err(unanswered)?;
        loop {
            let left = patience.all.saturating_sub(since.elapsed()).min(patience.told_every);
            if asked.answer(left.max(Duration::from_millis(1))).map_err(unanswered)?.is_some() {
                return Ok(Written::Whole);
            }
            progress();
            if since.elapsed() >= patience.all {
                return Ok(Written::NotYet);
            }
        }
    }
}

/// How far a monitor came.
enum Written {
    Whole,
    NotYet,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::tests::{answered, heard, made};
    use expect_test::expect;
    use std::{fs, io::Write, os::unix::net::UnixListener, thread};

    fn guest() -> (tempfile::TempDir, Home, Machine, Folder) {
        let root = tempfile::tempdir().unwrap();
        let home = Home::new(root.path().to_owned());
        let machine = home.machine(&Name::new("one").unwrap());
        let folder = made(&home, &machine);
        settings().write(&folder).unwrap();
        (root, home, machine, folder)
    }

    fn settings() -> Settings {
        let image = "x".to_owned();
        Settings { kernel: "/k".into(), initrd: "/i".into(), image, memory_mib: 48, vcpus: 1 }
    }

    #[test]
    fn a_snapshot_has_its_name_when_its_settings_are_in_it_and_never_twice() {
        let (_root, home, machine, folder) = guest();
        let listener = UnixListener::bind(machine.control()).unwrap();
        let outbox = folder.made(OUTBOX).unwrap();
        // What a monitor wrote that nobody asked for.
        outbox.made("gold").unwrap().write("state", "planted").unwrap();
        let monitor = thread::spawn(move || {
            answered(&listener, "{\"v\":1,\"error\":{\"message\":\"the disk is full\"}}\n");
            answered(&listener, "{\"v\":1,\"ok\":{}}\n");
            let mut stream = heard(&listener);
            outbox.made("gold").unwrap().write("state", "asked").unwrap();
            stream.write_all(b"{\"v\":1,\"ok\":{}}\n").unwrap();
        });
        let gold = Name::new("gold").unwrap();
        let snapshot = || machine.snapshot(&home, &gold, Extent::Full, &mut |_| ());
        let said = || snapshot().unwrap_err().chain();
        assert_eq!(said(), "the guest `one` cannot snapshot: the disk is full");
        assert!(said().contains("wrote the snapshot elsewhere"));
        assert_eq!(home.snapshot_names().unwrap(), []);
        snapshot().unwrap();
        monitor.join().unwrap();
        let there = home.folder(SNAPSHOTS).unwrap().unwrap().folder("gold").unwrap().unwrap();
        assert_eq!(Settings::read(&there).unwrap(), settings());
        assert_eq!(there.read("state").unwrap().unwrap(), b"asked");
        assert!(said().starts_with("there is a snapshot `gold` already"));
        assert_eq!(folder.folder(OUTBOX).unwrap().unwrap().names().unwrap(), []);
    }

    #[test]
    fn one_that_takes_too_long_is_told_of_and_taken_when_it_comes() {
        let (_root, home, machine, folder) = guest();
        let gold = Name::new("gold").unwrap();
        let outbox = folder.made(OUTBOX).unwrap();
        let unfinished = outbox.made(".gold.unfinished").unwrap();
        fs::write(unfinished.place().join("memory"), vec![7; 3 << 20]).unwrap();
        let _says_nothing = UnixListener::bind(machine.control()).unwrap();
        let patience = Patience { told_every: Duration::from_millis(1), all: Duration::from_millis(20) };
        let mut told = Vec::new();
        let mut tell = |what: &str| told.push(what.to_owned());
        let late = machine.snapshot_within(&home, &folder, (&gold, Extent::Full), patience, &mut tell);
        expect!["the guest `one` is not written down within 0 s; its monitor may still do it, and `gold` can be restored once it did: if it does not, the disk is slow or the monitor hangs"].assert_eq(&late.unwrap_err().chain());
        expect!["3 MiB of at most 48 are written"].assert_eq(&told[0]);
        home.collect().unwrap();
        assert_eq!(home.snapshot_names().unwrap(), []);
        // Now it is whole, and something that nobody asked for beside it.
        fs::rename(unfinished.place(), outbox.place().join("gold")).unwrap();
        outbox.made("planted").unwrap();
        home.collect().unwrap();
        assert_eq!(home.snapshot_names().unwrap(), [gold]);
        let there = home.folder(SNAPSHOTS).unwrap().unwrap().folder("gold").unwrap().unwrap();
        assert_eq!(Settings::read(&there).unwrap(), settings());
        assert_eq!(home.outbox_emptied(&folder).unwrap().names().unwrap(), []);
    }

    #[test]
    fn one_that_was_asked_for_before_is_taken_when_it_stands_in_the_way() {
        let (_root, home, machine, folder) = guest();
        let (gold, never) = (Name::new("gold").unwrap(), Name::new("never").unwrap());
        // Whoever asked for it went.
        Wanted::held(&folder).unwrap().unwrap().note(&gold, Extent::Full).unwrap();
        let listener = UnixListener::bind(machine.control()).unwrap();
        let outbox = folder.made(OUTBOX).unwrap();
        let monitor = thread::spawn(move || {
            let mut stream = heard(&listener);
            outbox.made("gold").unwrap().write("state", "earlier").unwrap();
            stream.write_all(b"{\"v\":1,\"error\":{\"message\":\"File exists\"}}\n").unwrap();
            answered(&listener, "{\"v\":1,\"error\":{\"message\":\"the disk is full\"}}\n");
        });
        let said = |name| machine.snapshot(&home, name, Extent::Full, &mut |_| ()).unwrap_err().chain();
        assert!(said(&gold).starts_with("there is a snapshot `gold` already"));
        assert_eq!(home.snapshot_names().unwrap(), std::slice::from_ref(&gold));
        assert!(said(&never).ends_with("the disk is full"));
        monitor.join().unwrap();
        let held = Wanted::held(&folder).unwrap().unwrap();
        assert_eq!(held.extent(&never).unwrap(), None, "nobody waits for what was refused");
        expect!["a snapshot of the guest `one` is just being written down: wait for it"]
            .assert_eq(&said(&never));
    }

    #[test]
    fn a_large_guest_has_more_time() {
        let all = |memory_mib| Patience::of(&Settings { memory_mib, ..settings() }).all.as_secs();
        assert_eq!([48, 1024, 65536].map(all), [66, 188, 8252]);
    }
}
