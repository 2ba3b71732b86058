//! A disk that takes what is written and can't sync it: the process says which file and why, tries no second time,
//! acknowledges nothing behind it and ends; what it had acknowledged is there for the next one. A small library, made
//! here by the C compiler, stands between the binary and the disk; should it have no effect, these fail.
use frames::{ErrorCode, Frame};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};
use tests::{Ended, Oxydra, Place, turns};

/// What a disk says that is about to die.
const DYING: &str = "Input/output error";

/// The library, and the file that is there while syncs fail.
struct Disk {
    library: PathBuf,
    switch: PathBuf,
}

impl Disk {
    fn of(place: &Place) -> Disk {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows/failed_sync.c");
        let disk = Disk { library: place.root().join("disk.so"), switch: place.root().join("syncs-fail") };
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-Wall", "-o"]).arg(&disk.library).arg(source);
        let made = compiler.output().expect("there is a C compiler: the build needs one too");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        disk
    }

    /// Puts it under a process, so many of whose syncs succeed in any case.
    fn under(&self, oxydra: Oxydra, syncs: usize) -> Oxydra {
        let text = |path: &Path| path.to_str().expect("a temporary path is text").to_owned();
        let oxydra = oxydra.env("LD_PRELOAD", &text(&self.library));
        oxydra.env("SYNC_FAILS_WHEN", &text(&self.switch)).env("SYNC_FAILS_AFTER", &syncs.to_string())
    }

    fn fails(&self) {
        fs::write(&self.switch, "").expect("the switch is a file");
    }

    /// Returns the files whose sync has failed in the meantime. A snapshot is not waited for, and is none of them.
    fn works_again(&self) -> Vec<String> {
        let failed = fs::read_to_string(&self.switch).expect("the switch is there");
        fs::remove_file(&self.switch).expect("the switch is there");
        failed.lines().filter(|path| !path.contains(".snapshot")).map(str::to_owned).collect()
    }
}

#[test]
fn a_sync_that_fails_under_a_session_ends_it() {
    let place = Place::new();
    let disk = Disk::of(&place);
    let args = ["run", "--json", "--session", "s"];
    let mut running = disk.under(place.oxydra(&args), 0).start();
    let first = running.ask("My name is Ada.");
    assert!(matches!(first.ended, Ended::Answered(_)), "{first:#?}");
    disk.fails();
    // Its input stays open: nobody tells it to end.
    running.say("say hi");
    let done = running.done().ended(1);
    assert_eq!(disk.works_again().len(), 1, "one sync fails, and it is not tried again: {done:#?}");
    assert!(done.err.starts_with("oxydra: cannot sync .oxydra/journal/"), "{}", done.err);
    assert!(done.err.contains(DYING), "{}", done.err);
    assert!(!done.err.contains("panicked"), "{}", done.err);
    let frames = done.frames();
    let answers = frames.iter().filter(|frame| matches!(frame, Frame::TurnCompleted(_))).count();
    assert_eq!(answers, 1, "nothing is acknowledged any more: {frames:#?}");
    let behind = frames.iter().skip_while(|frame| !matches!(frame, Frame::TurnCompleted(_))).skip(1);
    let behind: Vec<_> = behind.collect();
    let [Frame::Error(error)] = &behind[..] else { panic!("a word of a turn comes behind it: {behind:#?}") };
    assert_eq!((&error.code, &error.turn), (&ErrorCode::Storage, &None), "{error:#?}");

    // What was written may be in memory only: a life that can't sync it shows none of it.
    disk.fails();
    let again = disk.under(place.oxydra(&["run", "--session", "s", "-p", "what is my name?"]), 0);
    again.done().refused(1, &["cannot sync .oxydra/journal", DYING]);
    assert_eq!(disk.works_again().len(), 1);

    // Of "say hi" nothing was said: it may be there, and is answered then.
    let after = place.run(&["run", "--json", "--session", "s", "-p", "what is my name?"]).ended(0);
    let after = turns(&after.frames());
    assert!(
        after.len() <= 2 && after.iter().all(|turn| matches!(turn.ended, Ended::Answered(_))),
        "{after:#?}"
    );
    assert!(after.last().is_some_and(|turn| turn.answer().contains("Ada")), "{after:#?}");
}

/// How far a turn came until a sync failed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Came {
    Nowhere,
    ToItsStart,
    ToItsEnd,
}

/// Runs a turn with a call on a disk that syncs so often and no more, then goes on with one that does.
fn with_syncs(syncs: usize) -> Came {
    let place = Place::new();
    let disk = Disk::of(&place);
    place.run(&["run", "-p", "say hi"]).ended(0);
    disk.fails();
    let done = disk.under(place.oxydra(&["run", "--json", "-p", "write short.txt: words"]), syncs).done();
    let failed = disk.works_again();
    let frames = done.frames();
    let started = frames.iter().find_map(|frame| {
        let Frame::TurnStarted(started) = frame else { return None };
        Some(started.turn.turn_id.clone())
    });
    let completed = frames.iter().any(|frame| matches!(frame, Frame::TurnCompleted(_)));
    let came = match (&started, completed) {
        (_, true) => Came::ToItsEnd,
        (Some(_), false) => Came::ToItsStart,
        (None, false) => Came::Nowhere,
    };
    let last = format!("{}{}", done.out.last().map_or("", String::as_str), done.err);
    if came < Came::ToItsEnd {
        assert_eq!((done.code(), failed.len()), (1, 1), "{syncs} syncs: {failed:?} {last}");
        assert!(
            last.contains("cannot sync .oxydra/journal") && last.contains(DYING),
            "{syncs} syncs: {last}"
        );
    }
    assert!(!last.contains("panicked"), "{syncs} syncs: {last}");
    let resumed = turns(&place.run(&["run", "--json"]).ended(0).frames());
    assert!(resumed.len() <= 1 && resumed.iter().all(|turn| matches!(turn.ended, Ended::Answered(_))));
    if came == Came::ToItsEnd {
        assert!(resumed.is_empty(), "{syncs}: it was told that this turn is over");
    }
    assert!(
        resumed.iter().all(|turn| started.as_ref().is_none_or(|started| turn.turn == *started)),
        "{syncs}"
    );
    // Its end may have been written and not been told, so that there is nothing left to resume.
    let list = place.run(&["instances"]).ended(0).text();
    let answered = list.lines().filter(|line| line.contains("Turn v3  Answered")).count();
    let begun = started.is_some() || !resumed.is_empty();
    assert_eq!(answered, 1 + usize::from(begun), "{syncs} syncs, {came:?}: {list}");
    came
}

#[test]
fn whichever_sync_fails_what_was_acknowledged_stays() {
    // The last of them are those of a close.
    let came = thread::scope(|scope| {
        let each: [_; 12] = std::array::from_fn(|syncs| scope.spawn(move || with_syncs(syncs)));
        each.map(|turn| turn.join().expect("its failure stands above"))
    });
    for wanted in [Came::Nowhere, Came::ToItsStart, Came::ToItsEnd] {
        assert!(came.contains(&wanted), "no turn came {wanted:?}: {came:?}");
    }
}
