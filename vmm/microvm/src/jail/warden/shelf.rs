//! Where the warden finds and puts snapshots. It works beneath open directories, one plain name at a time, and follows no
//! link; its list of system calls opens nothing in any other way. Once the guest runs, the directory that it reads from is
//! closed: a monitor that its guest owns can have no other guest's memory, nor put its own in another's place.
use super::questions::{Part, Question};
use crate::config::SnapshotName;
use rustix::{
    fs::{self, AtFlags, FileType, Mode, OFlags},
    io::Errno,
};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The directories of one guest's snapshots.
#[derive(Debug)]
pub(crate) struct Shelf {
    phase: Phase,
    /// Where this guest's snapshots are written.
    into: Option<OwnedFd>,
}

/// What may be asked.
#[derive(Debug)]
enum Phase {
    /// The guest has not run an instruction: snapshots are read.
    Before {
        from: Option<OwnedFd>,
        /// The one snapshot that may be removed.
        golden: Option<SnapshotName>,
    },
    /// It runs: a snapshot is written, if one was begun.
    Runs(Option<Begun>),
}

/// A snapshot that is not whole yet.
#[derive(Debug)]
struct Begun {
    name: SnapshotName,
    directory: OwnedFd,
}

impl Begun {
    /// Gives it its name. In a directory that guests share, another monitor may have begun one of that name since, and
    /// cleared this away: what it writes is not published. Should it do so between this look and the renaming, then what
    /// has the name is its own, as if it had added it, and ours is not called written.
    fn named(&self, into: BorrowedFd<'_>) -> Result<(), Errno> {
        self.is_at(into, &unfinished(&self.name))?;
        fs::renameat(into, unfinished(&self.name), into, self.name.as_str())?;
        self.is_at(into, self.name.as_str())
    }

    /// Removes it, if it is still there.
    fn dropped(&self, into: BorrowedFd<'_>) -> Result<(), Errno> {
        let unfinished = unfinished(&self.name);
        match self.is_at(into, &unfinished) {
            Ok(()) => emptied(into, &unfinished),
            Err(Errno::NOENT | Errno::STALE) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Refuses a name under which something else lies.
    fn is_at(&self, into: BorrowedFd<'_>, name: &str) -> Result<(), Errno> {
        let ours = fs::fstat(&self.directory)?;
        let there = fs::statat(into, name, AtFlags::SYMLINK_NOFOLLOW)?;
        match (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino) {
            true => Ok(()),
            false => Err(Errno::STALE),
        }
    }
}

impl Shelf {
    /// Reads from one directory until the guest runs, and writes into the other from then on.
    pub(crate) fn new(from: Option<OwnedFd>, into: Option<OwnedFd>, golden: Option<SnapshotName>) -> Shelf {
        Shelf { phase: Phase::Before { from, golden }, into }
    }

    /// Says that the guest runs.
    pub(super) fn guest_runs(&mut self) {
        if let Phase::Before { .. } = self.phase {
            self.phase = Phase::Runs(None);
        }
    }

    /// Does what was asked, if it is asked at its time.
    pub(super) fn done(&mut self, question: Question) -> Result<Option<OwnedFd>, Errno> {
        match (question, &mut self.phase) {
            (Question::Open(name, part), Phase::Before { from, .. }) => {
                opened(beneath(from)?, &name, part).map(Some)
            }
            (Question::Remove(name), Phase::Before { from, golden }) => match golden {
                Some(golden) if *golden == name => emptied(beneath(from)?, name.as_str()).map(|()| None),
                Some(_) | None => Err(Errno::PERM),
            },
            (Question::Begin(name), Phase::Runs(begun)) => {
                *begun = Some(begin(beneath(&self.into)?, name)?);
                Ok(None)
            }
            (Question::Make(part), Phase::Runs(Some(begun))) => {
                let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | CAREFULLY;
                fs::openat(&begun.directory, part.file_name(), flags, Mode::RUSR | Mode::WUSR).map(Some)
            }
            (Question::Finish, Phase::Runs(begun)) => {
                let into = beneath(&self.into)?;
                begun.as_ref().ok_or(Errno::PERM)?.named(into)?;
                // Until here it can be dropped.
                *begun = None;
                fs::fsync(into).map(|()| None)
            }
            (Question::Drop, Phase::Runs(begun)) => {
                begun.take().ok_or(Errno::PERM)?.dropped(beneath(&self.into)?).map(|()| None)
            }
            (
                Question::Open(..)
                | Question::Remove(_)
                | Question::Begin(_)
                | Question::Make(_)
                | Question::Finish
                | Question::Drop
                | Question::Runs,
                Phase::Before { .. } | Phase::Runs(_),
            ) => Err(Errno::PERM),
        }
    }
}

fn beneath(directory: &Option<OwnedFd>) -> Result<BorrowedFd<'_>, Errno> {
    directory.as_ref().map(OwnedFd::as_fd).ok_or(Errno::NOENT)
}

/// Over no link, and without waiting for whoever is at the other end of a pipe.
const CAREFULLY: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

fn directory(above: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    fs::openat(above, name, OFlags::RDONLY | OFlags::DIRECTORY | CAREFULLY, Mode::empty())
}

fn opened(from: BorrowedFd<'_>, name: &SnapshotName, part: Part) -> Result<OwnedFd, Errno> {
    let snapshot = directory(from, name.as_str())?;
    let file = fs::openat(&snapshot, part.file_name(), OFlags::RDONLY | CAREFULLY, Mode::empty())?;
    match FileType::from_raw_mode(fs::fstat(&file)?.st_mode) {
        FileType::RegularFile => Ok(file),
        _no_file => Err(Errno::INVAL),
    }
}

fn begin(into: BorrowedFd<'_>, name: SnapshotName) -> Result<Begun, Errno> {
    if fs::statat(into, name.as_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok() {
        return Err(Errno::EXIST);
    }
    let unfinished = unfinished(&name);
    // One that an earlier monitor left.
    emptied(into, &unfinished)?;
    fs::mkdirat(into, &unfinished, Mode::RWXU)?;
    Ok(Begun { directory: directory(into, &unfinished)?, name })
}

/// Removes a snapshot, if there is one. Guests that run from it keep what they mapped.
fn emptied(above: BorrowedFd<'_>, snapshot: &str) -> Result<(), Errno> {
    let gone = |done: Result<(), Errno>| match done {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(errno),
    };
    let directory = match directory(above, snapshot) {
        Err(Errno::NOENT) => return Ok(()),
        other => other?,
    };
    for part in Part::all() {
        gone(fs::unlinkat(&directory, part.file_name(), AtFlags::empty()))?;
    }
    gone(fs::unlinkat(above, snapshot, AtFlags::REMOVEDIR))
}

fn unfinished(name: &SnapshotName) -> String {
    format!(".{name}.unfinished")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use std::{
        fs::{create_dir, read_to_string, write},
        os::unix::fs::symlink,
        path::Path,
    };

    fn at(place: &Path) -> Option<OwnedFd> {
        Some(fs::open(place, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap())
    }

    fn name(text: &str) -> SnapshotName {
        text.parse().unwrap()
    }

    /// What comes of each question, a line for each.
    fn story(shelf: &mut Shelf, questions: impl IntoIterator<Item = Question>) -> String {
        let line = |question: Question| {
            let asked = format!("{question:?}");
            let answer = shelf.done(question).map(|file| if file.is_some() { "a file" } else { "done" });
            format!("{asked}: {:?}\n", answer.map_err(|errno| std::io::Error::from(errno).kind()))
        };
        questions.into_iter().map(line).collect()
    }

    #[test]
    fn once_the_guest_runs_nothing_is_read_or_removed_and_nothing_of_another_written() {
        let (shared, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let theirs = shared.path().join("theirs");
        create_dir(&theirs).unwrap();
        write(theirs.join("memory"), "secret").unwrap();
        let mut shelf = Shelf::new(at(shared.path()), at(own.path()), Some(name("gold")));
        let read = || [Question::Open(name("theirs"), Part::Memory), Question::Remove(name("theirs"))];
        let written = || {
            [
                Question::Make(Part::State),
                Question::Begin(name("theirs")),
                Question::Make(Part::State),
                Question::Finish,
                Question::Finish,
                Question::Drop,
            ]
        };
        expect![[r#"
            Open(SnapshotName("theirs"), Memory): Ok("a file")
            Remove(SnapshotName("theirs")): Err(PermissionDenied)
        "#]]
        .assert_eq(&story(&mut shelf, read()));
        let early = story(&mut shelf, written());
        assert_eq!(early.matches("PermissionDenied").count(), 6, "{early}");
        shelf.guest_runs();
        let late = story(&mut shelf, read().into_iter().chain([Question::Remove(name("gold"))]));
        assert_eq!(late.matches("PermissionDenied").count(), 3, "{late}");
        expect![[r#"
            Make(State): Err(PermissionDenied)
            Begin(SnapshotName("theirs")): Ok("done")
            Make(State): Ok("a file")
            Finish: Ok("done")
            Finish: Err(PermissionDenied)
            Drop: Err(PermissionDenied)
        "#]]
        .assert_eq(&story(&mut shelf, written()));
        // What it wrote is its own; the other's is as it was.
        assert_eq!(read_to_string(theirs.join("memory")).unwrap(), "secret");
        assert!(own.path().join("theirs/state").exists() && !theirs.join("state").exists());
        shelf.guest_runs();
        assert!(shelf.done(Question::Finish).is_err(), "saying it twice begins nothing");
    }

    #[test]
    fn what_another_began_under_the_same_name_is_neither_published_nor_removed() {
        let shared = tempfile::tempdir().unwrap();
        let running = || {
            let mut shelf = Shelf::new(None, at(shared.path()), None);
            shelf.guest_runs();
            shelf
        };
        let (mut first, mut second) = (running(), running());
        let write = || [Question::Begin(name("gold")), Question::Make(Part::State)];
        story(&mut first, write());
        story(&mut second, write());
        expect![[r#"
            Finish: Err(StaleNetworkFileHandle)
            Drop: Ok("done")
        "#]]
        .assert_eq(&story(&mut first, [Question::Finish, Question::Drop]));
        assert!(shared.path().join(".gold.unfinished/state").exists());
        assert_eq!(story(&mut second, [Question::Finish]), "Finish: Ok(\"done\")\n");
        assert!(shared.path().join("gold/state").exists());
    }

    #[test]
    fn what_cannot_have_its_name_can_be_dropped() {
        let own = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::new(None, at(own.path()), None);
        shelf.guest_runs();
        story(&mut shelf, [Question::Begin(name("gold")), Question::Make(Part::Memory)]);
        // Somebody has the name meanwhile.
        write(own.path().join("gold"), "mine").unwrap();
        expect![[r#"
            Finish: Err(NotADirectory)
            Drop: Ok("done")
        "#]]
        .assert_eq(&story(&mut shelf, [Question::Finish, Question::Drop]));
        assert_eq!(std::fs::read_dir(own.path()).unwrap().count(), 1);
        assert_eq!(read_to_string(own.path().join("gold")).unwrap(), "mine");
    }

    #[test]
    fn no_link_is_followed_and_what_is_no_file_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let place = |name: &str| dir.path().join(name);
        for (snapshot, file) in [("precious", "memory"), ("odd", "state"), ("snapshots", "unused")] {
            create_dir(place(snapshot)).unwrap();
            write(place(snapshot).join(file), "mine").unwrap();
        }
        let shelves = place("snapshots");
        symlink("../precious", shelves.join("linked")).unwrap();
        symlink("../precious", shelves.join(".new.unfinished")).unwrap();
        create_dir(shelves.join("odd")).unwrap();
        symlink("../../odd/state", shelves.join("odd/state")).unwrap();
        fs::mkfifoat(fs::CWD, shelves.join("odd/memory"), Mode::RWXU).unwrap();
        create_dir(shelves.join("odd/disk0")).unwrap();
        let shelf = || Shelf::new(at(&shelves), at(&shelves), Some(name("linked")));
        expect![[r#"
            Open(SnapshotName("linked"), Memory): Err(NotADirectory)
            Remove(SnapshotName("linked")): Err(NotADirectory)
            Open(SnapshotName("odd"), State): Err(FilesystemLoop)
            Open(SnapshotName("odd"), Memory): Err(InvalidInput)
            Open(SnapshotName("odd"), Disk(0)): Err(InvalidInput)
        "#]]
        .assert_eq(&story(
            &mut shelf(),
            [
                Question::Open(name("linked"), Part::Memory),
                Question::Remove(name("linked")),
                Question::Open(name("odd"), Part::State),
                Question::Open(name("odd"), Part::Memory),
                Question::Open(name("odd"), Part::Disk(0)),
            ],
        ));
        let mut running = shelf();
        running.guest_runs();
        expect![[r#"
            Begin(SnapshotName("linked")): Err(AlreadyExists)
            Begin(SnapshotName("new")): Err(NotADirectory)
        "#]]
        .assert_eq(&story(&mut running, [Question::Begin(name("linked")), Question::Begin(name("new"))]));
        assert_eq!(read_to_string(place("precious/memory")).unwrap(), "mine");
    }
}
