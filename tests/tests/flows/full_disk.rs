//! A disk that fills up under a process that is awake: it says which file and why, acknowledges nothing more and ends;
//! what it had acknowledged is there for the next one.
use crate::homes::Mounted;
use std::{fs, path::PathBuf};
use tests::{Ended, Place, Running, turns};

/// So much is left for the process to find the disk full in the middle of something.
const CRUMB: usize = 4096;

/// Fills the disk of a home to the last block, and returns with what.
fn fill(place: &Place) -> Vec<PathBuf> {
    let mut fillers = Vec::new();
    for size in [64 << 10, CRUMB] {
        loop {
            let filler = place.home().join(format!("filler{}", fillers.len()));
            let full = fs::write(&filler, vec![b'x'; size]).is_err();
            fillers.push(filler);
            if full {
                break;
            }
        }
    }
    fillers
}

/// A session on a small disk, in which somebody has said their name.
fn session(place: &Place) -> Running {
    let mut running = place.oxydra(&["run", "--json", "--session", "s"]).start();
    let ended = running.ask("My name is Ada.").ended;
    assert!(matches!(ended, Ended::Answered(_)), "{ended:?}");
    running
}

/// What is said about a disk that is full names the file and the cause.
fn says_so(err: &str) {
    assert!(err.contains("cannot write") && err.contains(".oxydra/journal/"), "{err}");
    assert!(err.contains("No space left on device"), "{err}");
    assert!(!err.contains("panicked"), "{err}");
}

#[test]
fn a_disk_that_fills_up_ends_the_process_and_the_next_one_goes_on() {
    let place = Place::new();
    let Some(disk) = Mounted::tmpfs(&place.home(), "size=1m,mode=700") else { return };
    let mut running = session(&place);
    let fillers = fill(&place);
    // Its input stays open: nobody tells it to end.
    running.say(&format!("say {}", "words ".repeat(4_000)));
    let done = running.done().ended(1);
    says_so(&done.err);
    let seen = turns(&done.frames());
    let answered = seen.iter().filter(|turn| matches!(turn.ended, Ended::Answered(_))).count();
    assert_eq!(answered, 1, "{seen:#?}");
    // While it is full, every start says the same.
    let again = place.run(&["run", "--session", "s", "-p", "hello"]).ended(1);
    assert!(again.err.contains("No space left on device"), "{again:#?}");
    assert!(place.run(&["sessions"]).ended(0).text().starts_with("s  "), "and it can be looked at");
    for filler in fillers {
        fs::remove_file(filler).expect("it is there");
    }
    let after = place.run(&["run", "--session", "s", "-p", "what is my name?"]).ended(0).text();
    assert!(after.contains("Ada"), "{after}");
    drop(disk);
}
