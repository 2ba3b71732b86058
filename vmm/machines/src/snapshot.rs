//! Has a guest written down by its monitor, says how far that is, and waits no longer than a slow disk needs. What a restore
//! needs besides lies beside what the monitor writes: the settings of the guest.
use crate::{Extent, Home, Machine, Name, Problem, Settings, control::Asked, problem::failed};
use serde_json::json;
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    process,
    time::{Duration, Instant},
};

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
        let settings = Settings::read(&self.place.join("settings"))?;
        self.snapshot_within(home, snapshot, extent, &settings, Patience::of(&settings), tell)
    }

    fn snapshot_within(
        &self,
        home: &Home,
        snapshot: &Name,
        extent: Extent,
        settings: &Settings,
        patience: Patience,
        tell: &mut dyn FnMut(&str),
    ) -> Result<(), Problem> {
        let place = home.snapshot_settings(snapshot);
        home.make(place.parent().expect("it is in a directory"))?;
        // Without them a snapshot is of no use and its name is taken, so they are on the disk before it is; and not yet under
        // its name, which may be another's.
        let ready = place.with_file_name(format!("{snapshot}.{}", process::id()));
        let kept = || fs::rename(&ready, &place).map_err(failed(format!("write {}", place.display())));
        let mut progress = || {
            let written = home.snapshots().join(format!(".{snapshot}.unfinished")).join("memory");
            tell(&format!("{} MiB of at most {} are written", mib(&written), settings.memory_mib));
        };
        let done = settings.write(&ready).and_then(|()| {
            match self.written_down(snapshot, extent, patience, &mut progress)? {
                Written::Whole => kept(),
                Written::NotYet => {
                    // It will be of use if it comes.
                    kept()?;
                    Err(Problem::Refused(format!(
                        "the guest `{}` is not written down within {} s; its monitor may still do it, and `{snapshot}` can be restored once \
                         it did: if it does not, the disk is slow or the monitor hangs",
                        self.name,
                        patience.all.as_secs()
                    )))
                }
            }
        });
        if done.is_err() {
            // Of one that was never written there is nothing.
            let _gone = fs::remove_file(&ready);
        }
        done
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
        let mut asked = Asked::begin(&self.control(), request).map_err(unanswered)?;
        while since.elapsed() < patience.all {
            let left = patience.all.saturating_sub(since.elapsed()).min(patience.told_every);
            if asked.answer(left.max(Duration::from_millis(1))).map_err(unanswered)?.is_some() {
                return Ok(Written::Whole);
            }
            progress();
        }
        Ok(Written::NotYet)
    }
}

/// How far a monitor came.
enum Written {
    Whole,
    NotYet,
}

impl Extent {
    fn word(self) -> &'static str {
        match self {
            Extent::Full => "full",
            Extent::Difference => "difference",
        }
    }
}

/// How much of a file is on the disk: it has gaps where the guest's memory is empty.
fn mib(file: &Path) -> u64 {
    const BLOCK_BYTES: u64 = 512;
    fs::metadata(file).map_or(0, |facts| (facts.blocks() * BLOCK_BYTES) >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::tests::answered;
    use expect_test::expect;
    use std::{os::unix::net::UnixListener, thread};

    fn guest() -> (tempfile::TempDir, Home, Machine, Settings) {
        let root = tempfile::tempdir().unwrap();
        let home = Home::new(root.path().to_owned());
        let machine = home.machine(&Name::new("one").unwrap());
        home.make(&machine.place).unwrap();
        let settings = Settings {
            kernel: "/k".into(),
            initrd: "/i".into(),
            image: "x".to_owned(),
            memory_mib: 48,
            vcpus: 1,
        };
        settings.write(&machine.place.join("settings")).unwrap();
        (root, home, machine, settings)
    }

    #[test]
    fn settings_of_a_snapshot_are_there_with_it_or_not_at_all() {
        let (_root, home, machine, settings) = guest();
        let listener = UnixListener::bind(machine.control()).unwrap();
        let monitor = thread::spawn(move || {
            for answer in ["\"error\":{\"message\":\"the disk is full\"}", "\"ok\":{}"] {
                answered(&listener, &format!("{{\"v\":1,{answer}}}\n"));
            }
        });
        let gold = Name::new("gold").unwrap();
        let place = home.snapshot_settings(&gold);
        let there = || fs::read_dir(place.parent().unwrap()).unwrap().count();
        let snapshot = || machine.snapshot(&home, &gold, Extent::Full, &mut |_| ());
        assert_eq!(snapshot().unwrap_err().chain(), "the guest `one` cannot snapshot: the disk is full");
        assert_eq!(there(), 0);
        snapshot().unwrap();
        assert_eq!((there(), Settings::read(&place).unwrap()), (1, settings));
        monitor.join().unwrap();
    }

    #[test]
    fn one_that_takes_too_long_is_told_of_and_of_use_if_it_comes() {
        let (_root, home, machine, settings) = guest();
        let gold = Name::new("gold").unwrap();
        let unfinished = home.snapshots().join(".gold.unfinished");
        fs::create_dir_all(&unfinished).unwrap();
        fs::write(unfinished.join("memory"), vec![7; 3 << 20]).unwrap();
        let _says_nothing = UnixListener::bind(machine.control()).unwrap();
        let patience = Patience { told_every: Duration::from_millis(1), all: Duration::from_millis(20) };
        let mut told = Vec::new();
        let why = machine
            .snapshot_within(&home, &gold, Extent::Full, &settings, patience, &mut |what| {
                told.push(what.to_owned())
            })
            .unwrap_err()
            .chain();
        expect!["the guest `one` is not written down within 0 s; its monitor may still do it, and `gold` can be restored once it did: if it does not, the disk is slow or the monitor hangs"].assert_eq(&why);
        expect!["3 MiB of at most 48 are written"].assert_eq(&told[0]);
        assert_eq!(Settings::read(&home.snapshot_settings(&gold)).unwrap(), settings);
    }

    #[test]
    fn a_large_guest_has_more_time() {
        let (_root, _home, _machine, settings) = guest();
        let all = |memory_mib| Patience::of(&Settings { memory_mib, ..settings.clone() }).all.as_secs();
        assert_eq!([48, 1024, 65536].map(all), [66, 188, 8252]);
    }
}
