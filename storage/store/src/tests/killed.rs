//! A process that is killed while it feeds a view: the next one goes on, with the same rows. The kill comes after a
//! number of groups, not after a time.
use super::disk::{House, expected, journal};
use engine::follow::Follower;
use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

/// Where the process that is to be killed finds its view.
const DIR: &str = "STORE_TEST_VIEW";
const TURNS: u64 = 1_500;

#[test]
fn feeds_until_it_is_killed() {
    let Ok(dir) = env::var(DIR) else { return };
    let journal = journal(TURNS, 0);
    let mut house = House::open(Path::new(&dir), &journal);
    assert_eq!(house.said(), "", "kills do no harm");
    let begun = house.follower.applied();
    for entry in journal.entries().into_iter().filter(|entry| crate::fixtures::lsn_of(entry) > begun) {
        crate::fixtures::feed(&mut house.follower, &[entry]).expect("healthy");
        println!("\napplied {}", house.follower.applied().0);
        std::io::stdout().flush().expect("somebody reads");
    }
    // Not closed: whoever waits for the kill finds everything applied.
    std::thread::park();
}

/// Runs a process until it has applied `groups` more, and kills it. Returns how far it said it was.
fn killed_after(dir: &Path, groups: usize) -> u64 {
    let mut process = Command::new(env::current_exe().expect("this test"))
        .args(["--exact", "tests::killed::feeds_until_it_is_killed", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
    let applied = lines.filter_map(|line| line.expect("text").strip_prefix("applied ")?.parse::<u64>().ok());
    let last = applied.take(groups).last().expect("it applies something");
    process.kill().expect("it runs");
    process.wait().expect("it is over");
    last
}

#[test]
fn a_killed_process_leaves_a_view_that_goes_on() {
    let (root, journal) = (tempfile::tempdir().expect("a directory"), journal(TURNS, 0));
    let dir = root.path().join("view");
    for groups in [1, 2, 700, 33, 1_500, 400, 9] {
        let applied = killed_after(&dir, groups);
        let house = House::open(&dir, &journal);
        let found = house.follower.applied().0;
        println!("killed at {applied}, found at {found}");
        assert_eq!(house.said(), "");
        // What follows is another process, which is killed in turn.
        drop(house);
    }
    let mut house = House::open(&dir, &journal);
    house.catch_up();
    assert!(house.rows() == expected(&journal));
    assert_eq!(house.said(), "");
}
