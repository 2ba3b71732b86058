//! A disk that is full at any moment: the process says which file and why, acknowledges nothing more and ends; what it
//! had acknowledged is there for the next one.
use crate::homes::Mounted;
use frames::Frame;
use std::{fs, path::PathBuf, thread};
use tests::{Done, Ended, Place, turns};

/// What a file takes up at least.
const PAGE: usize = 4096;

/// A disk on which a session fits, and not much more.
const SMALL: &str = "size=1m,mode=700";

/// Files that fill the disk of a home to its last page.
fn fill(place: &Place) -> Vec<PathBuf> {
    let filler = |n| place.home().join(format!("filler{n}"));
    let mut fillers: Vec<_> =
        (0..).map(filler).take_while(|path| fs::write(path, [b'x'; PAGE]).is_ok()).collect();
    // The one that found no room is there all the same.
    fillers.push(filler(fillers.len()));
    fillers
}

fn make_room(fillers: impl IntoIterator<Item = PathBuf>) {
    fillers.into_iter().for_each(|filler| fs::remove_file(filler).expect("it is there"));
}

fn answers(done: &Done) -> usize {
    done.frames().iter().filter(|frame| matches!(frame, Frame::TurnCompleted(_))).count()
}

#[test]
fn a_disk_that_fills_up_under_a_session_ends_it() {
    let place = Place::new();
    let Some(disk) = Mounted::tmpfs(&place.home(), SMALL) else { return };
    let mut running = place.oxydra(&["run", "--json", "--session", "s"]).start();
    assert!(matches!(running.ask("My name is Ada.").ended, Ended::Answered(_)));
    let fillers = fill(&place);
    // Its input stays open: nobody tells it to end.
    running.say(&format!("write long.txt: {}", "words ".repeat(4_000)));
    let done = running.done().ended(1);
    assert!(done.err.starts_with("oxydra: cannot write .oxydra/journal/"), "{}", done.err);
    assert!(done.err.contains("No space left on device"), "{}", done.err);
    assert_eq!(answers(&done), 1, "nothing is acknowledged any more: {done:#?}");
    assert!(place.run(&["sessions"]).ended(0).text().starts_with("s  "), "it can be looked at");
    make_room(fillers);
    let after = place.run(&["run", "--session", "s", "-p", "what is my name?"]).ended(0);
    assert!(after.text().contains("Ada"), "{after:#?}");
    drop(disk);
}

/// How far a turn came on a disk with little room.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Came {
    Nowhere,
    ToItsStart,
    ToItsEnd,
}

/// Runs a turn with so many pages of room, then one with more. `None` where nothing can be mounted.
fn with_room(pages: usize) -> Option<Came> {
    let place = Place::new();
    let disk = Mounted::tmpfs(&place.home(), SMALL)?;
    place.run(&["run", "-p", "say hi"]).ended(0);
    let mut fillers = fill(&place);
    make_room(fillers.drain(..pages.min(fillers.len())));
    let prompt = format!("write long.txt: {}", "word".repeat(4 << 10));
    let done = place.oxydra(&["run", "--json", "-p", "-"]).input(prompt).done();
    let frames = done.frames();
    let started = frames.iter().find_map(|frame| {
        let Frame::TurnStarted(started) = frame else { return None };
        Some(started.turn.turn_id.clone())
    });
    let came = match (&started, answers(&done)) {
        (_, 1) => Came::ToItsEnd,
        (Some(_), _) => Came::ToItsStart,
        (None, _) => Came::Nowhere,
    };
    let last = format!("{}{}", done.out.last().map_or("", String::as_str), done.err);
    if came < Came::ToItsEnd {
        assert!(done.code() == 1 && last.contains("No space left on device"), "{pages} pages: {last}");
        assert!(last.contains(".oxydra/"), "{pages} pages: {last}");
    }
    assert!(!last.contains("panicked"), "{pages} pages: {last}");
    make_room(fillers);
    let resumed = turns(&place.run(&["run", "--json"]).ended(0).frames());
    assert!(resumed.len() <= 1 && resumed.iter().all(|turn| matches!(turn.ended, Ended::Answered(_))));
    match came {
        Came::ToItsEnd => assert!(resumed.is_empty(), "{pages}: it was told that this turn is over"),
        Came::ToItsStart => assert_eq!(resumed.first().map(|turn| &turn.turn), started.as_ref(), "{pages}"),
        Came::Nowhere => {}
    }
    drop(disk);
    Some(came)
}

#[test]
fn wherever_the_disk_is_full_what_was_acknowledged_stays() {
    let rooms = [0, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 64];
    let came = thread::scope(|scope| {
        let each = rooms.map(|pages| scope.spawn(move || with_room(pages)));
        each.map(|turn| turn.join().expect("its failure stands above"))
    });
    if came.contains(&None) {
        return;
    }
    for wanted in [Came::Nowhere, Came::ToItsStart, Came::ToItsEnd] {
        assert!(came.contains(&Some(wanted)), "no turn came {wanted:?}: {came:?}");
    }
}
