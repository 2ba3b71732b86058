//! Steering from the command line: what changes a run needs the home to itself, and what is carried elsewhere is a past.
use crate::outages::{Does, asks, at_desk, serve};
use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt};
use tests::{Place, Running};

fn json(place: &Place, args: &[&str]) -> Value {
    serde_json::from_str(&place.run(args).ended(0).text()).expect("it is JSON")
}

/// The id of the only instance that fits.
fn only(place: &Place, filters: &[&str]) -> String {
    let listed = json(place, &[&["instances", "--json"], filters].concat());
    let rows = listed.as_array().expect("it is a list");
    assert_eq!(rows.len(), 1, "{listed:#}");
    rows[0]["instance"].as_str().expect("it has an id").to_owned()
}

/// A process in the middle of a slow answer.
fn speaking(place: &Place) -> Running {
    let mut speaking = place.oxydra(&["run", "--json", "-p", "rehearse a slow answer of 100 words"]).start();
    while let Some(line) = speaking.line() {
        if line.contains("assistant_delta") {
            return speaking;
        }
    }
    panic!("it said nothing")
}

#[test]
fn a_parked_run_survives_every_kill_and_goes_on_when_it_is_let() {
    let place = Place::new();
    let busy = speaking(&place);
    let id = only(&place, &["--life", "running"]);
    // Whoever is in the way is named.
    let pid = busy.pid().to_string();
    place.run(&["instances", "park", &id]).refused(1, &["oxydra instances park", &pid, "end that process"]);
    place.run(&["instances", "fork", &id, "--at", "1"]).refused(1, &["oxydra instances fork", &pid]);
    busy.kill();
    place.run(&["instances", "unpark", &id]).refused(2, &["is not parked"]);
    let done = place.run(&["instances", "park", &id, "--why", "look at it"]).ended(0);
    assert!(done.text().contains("is parked"), "{done:?}");
    for _ in 0..3 {
        speaking(&place).kill();
        assert_eq!(only(&place, &["--life", "parked"]), id);
        let other = only(&place, &["--life", "running"]);
        place.run(&["instances", "cancel", &other]).ended(0);
    }
    let parked = json(&place, &["instances", "show", &id, "--json"]);
    assert_eq!((&parked["parked_because"], &parked["moves"]), (&"look at it".into(), &1.into()));
    place.run(&["instances", "unpark", &id]).ended(0);
    place.run(&["instances", "wait", &id]).ended(0);
    assert_eq!(json(&place, &["instances", "show", &id, "--json"])["state"], "Answered");
    place.run(&["instances", "replay", &id]).ended(0);
}

#[test]
fn who_waits_beside_an_owner_sees_the_run_through_when_the_owner_dies() {
    let place = Place::new();
    let mut busy = speaking(&place);
    let id = only(&place, &["--life", "running"]);
    let waiting = place.oxydra(&["instances", "wait", &id]).start();
    // As long as this takes, it has looked several times and found the owner.
    for _ in 0..60 {
        busy.line().expect("it still speaks");
    }
    busy.kill();
    waiting.done().ended(0);
    assert_eq!(json(&place, &["instances", "show", &id, "--json"])["state"], "Answered");
}

#[test]
fn a_prompt_behind_a_call_in_doubt_is_not_taken_and_that_is_said() {
    let place = Place::new();
    let with_bell = |args: &[&str]| place.oxydra(args).env("OXYDRA_TEST_TOOLS", "1");
    let ringing = with_bell(&["run", "--json", "-p", "ring the bell slowly"]).start();
    while !place.run(&["instances"]).text().contains("Acting") {}
    ringing.kill();
    let next = with_bell(&["run", "-p", "say hi"]).done().ended(3);
    assert!(
        next.err.contains("the new prompt was not taken: say it again when that turn is over"),
        "{}",
        next.err
    );
    let id = only(&place, &["--life", "in-doubt"]);
    with_bell(&["instances", "answer", &id, "done"]).done().ended(0);
    assert_eq!(with_bell(&["run", "-p", "say hi"]).done().ended(0).text(), "hi\n");
}

#[test]
fn an_instance_travels_as_a_file_and_is_a_past_elsewhere() {
    let (here, there) = (Place::new(), Place::new());
    here.write("a.txt", "bees");
    here.run(&["run", "-p", "list the files"]).ended(0);
    let id = only(&here, &[]);
    here.run(&["instances", "export", &id, "nowhere/bees.run"]).refused(2, &["cannot write"]);
    here.run(&["instances", "export", &id, "bees.run"]).ended(0);
    let about = fs::metadata(here.root().join("bees.run")).expect("it is there");
    assert_eq!(about.permissions().mode() & 0o777, 0o600, "whole conversations are in it");
    here.run(&["instances", "export", &id, "bees.run"]).refused(2, &["bees.run", "not there yet"]);
    here.run(&["instances", "import", "bees.run"]).refused(2, &["bees.run", &id, "is here already"]);
    let parcel = fs::read(here.root().join("bees.run")).expect("it is written");
    // A home that has begun, so that there is one.
    there.run(&["run", "-p", "say hello"]).ended(0);
    let before = there.journal_bytes();
    for (name, bytes, why) in [
        ("damaged", parcel.iter().map(|byte| byte ^ 1).collect(), "does not begin like one"),
        ("cut", parcel[..parcel.len() / 2].to_vec(), "damaged"),
        ("empty", Vec::new(), "does not begin like one"),
    ] {
        fs::write(there.root().join(name), &bytes).expect("it is written");
        there.run(&["instances", "import", name]).refused(2, &[name, why]);
    }
    there.run(&["instances", "import", "nowhere.run"]).refused(2, &["nowhere.run"]);
    // What may never end, or is no file at all, is not waited for.
    mkfifoat(CWD, there.root().join("pipe"), Mode::from(0o600)).expect("it is made");
    for name in ["pipe", ".oxydra", "/dev/zero"] {
        there.run(&["instances", "import", name]).refused(2, &[name, "not a regular file"]);
    }
    assert_eq!(there.journal_bytes(), before, "what is refused leaves nothing");
    fs::write(there.root().join("bees.run"), &parcel).expect("it is written");
    there.run(&["instances", "import", "bees.run"]).ended(0);
    let shown = there.run(&["instances", "show", &id]).ended(0).text();
    assert!(shown.contains("file_list {} Done: a.txt"), "{shown}");
    there.run(&["instances", "replay", &id]).ended(0);
    // The fork works on the files that are here.
    there.write("wasps.txt", "no bees");
    let forked = there.run(&["instances", "fork", &id, "--at", "3"]).ended(0);
    assert!(forked.text().contains("wasps.txt") && !forked.text().contains("a.txt\n"), "{forked:?}");
}

#[test]
fn what_holds_for_turns_holds_for_a_run_of_any_graph() {
    let (here, there) = (Place::new(), Place::new());
    here.run(&["run", "-p", "say hello", "--session", "talk"]).ended(0);
    here.run(&["sessions", "fork", "talk", "--at", "2"]).ended(0);
    let id = only(&here, &["--graph", "branch"]);
    assert!(here.run(&["instances", "show", &id]).ended(0).text().contains("goes on from talk"));
    here.run(&["instances", "replay", &id]).ended(0);
    here.run(&["instances", "wait", &id]).ended(0);
    here.run(&["instances", "cancel", &id]).ended(0);
    here.run(&["instances", "park", &id]).refused(2, &["has ended"]);
    here.run(&["instances", "unpark", &id]).refused(2, &["has ended"]);
    here.run(&["instances", "answer", &id, "done"]).refused(2, &["is a Branch", "only a turn"]);
    // Its fork is one more session with the same past.
    let session = here.run(&["instances", "fork", &id, "--at", "0"]).ended(0).text();
    let shown = here.run(&["sessions", "show", session.trim()]).ended(0).text();
    assert!(shown.contains("user says say hello") && shown.contains("said in talk"), "{shown}");
    here.run(&["instances", "fork", &id, "--at", "1"]).refused(2, &["nothing follows an end"]);
    here.run(&["instances", "fork", &id, "--at", "7"]).refused(2, &["0 to 1, not at 7"]);
    let asked = here.run(&["instances", "fork", &id, "--at", "0", "--prompt", "say more"]);
    asked.refused(2, &["leave --prompt", "oxydra run --session"]);
    here.run(&["instances", "export", &id, "branch.run"]).ended(0);
    there.run(&["run", "-p", "say hi"]).ended(0);
    fs::copy(here.root().join("branch.run"), there.root().join("branch.run")).expect("it is written");
    there.run(&["instances", "import", "branch.run"]).ended(0);
    there.run(&["instances", "replay", &id]).ended(0);
    there.run(&["instances", "unpark", &id]).refused(2, &["has ended"]);
}

#[test]
fn a_fork_of_a_fork_keeps_what_it_shares_when_the_one_between_is_forgotten() {
    let place = Place::new();
    let forked =
        |of: &str| place.run(&["sessions", "fork", of, "--at", "2"]).ended(0).text().trim().to_owned();
    place.run(&["run", "-p", "say one", "--session", "first"]).ended(0);
    let between = forked("first");
    place.run(&["run", "-p", "say two", "--session", &between]).ended(0);
    let last = forked(&between);
    let turn = only(&place, &["--session", &between, "--graph", "turn"]);
    place.run(&["instances", "fork", &turn, "--at", "0", "--prompt", "say three"]).ended(0);
    place.run(&["sessions", "forget", &between]).ended(0);
    let shown = place.run(&["sessions", "show", &last]).ended(0).text();
    assert!(shown.contains("user says say one") && shown.contains("model says one"), "{shown}");
    place.run(&["sessions", "forget", "first"]).refused(2, &["shares messages with", &last]);
}

#[test]
fn another_message_keeps_the_files_of_the_one_it_replaces() {
    let place = Place::new();
    let address = serve(const { &[Does::Says("I see")] });
    fs::write(place.root().join("note.txt"), "good morning").expect("it is written");
    fs::write(place.root().join("other.txt"), "good night").expect("it is written");
    asks(&place, &address).arg("--attach").arg("note.txt").done().ended(0);
    let id = only(&place, &["--graph", "Turn"]);
    let forked = |at: &str, more: &[&str]| {
        let words = ["instances", "fork", &id, "--at", at, "--prompt", "in other words"];
        let done = at_desk(place.oxydra(&[&words, more].concat()), &address).done().ended(0);
        let session = done.err.split("in session ").nth(1).expect("it says where").split(';').next();
        let shown = place.run(&["sessions", "show", session.expect("it ends")]).ended(0).text();
        let said =
            shown.lines().find(|line| line.contains("in other words")).expect("it was said").to_owned();
        said.split_once('[').map_or("nothing".to_owned(), |(_, files)| files.trim_end_matches(']').to_owned())
    };
    for at in ["0", "1"] {
        assert_eq!(forked(at, &[]), "attaches note.txt, text/plain, 12 bytes", "at {at}");
    }
    assert_eq!(forked("1", &["--attach", "other.txt"]), "attaches other.txt, text/plain, 10 bytes");
    assert_eq!(forked("1", &["--no-attach"]), "nothing");
    let words = ["instances", "fork", &id, "--at", "1", "--prompt", "again"];
    // What the model of the fork does not read is refused as it is in a prompt.
    let sessions = place.run(&["sessions"]).ended(0).text().lines().count();
    at_desk(place.oxydra(&[&words[..], &["--model", "rehearsal"]].concat()), &address)
        .done()
        .refused(2, &["rehearsal does not read text/plain, which `note.txt` is"]);
    assert_eq!(place.run(&["sessions"]).ended(0).text().lines().count(), sessions, "no session was begun");
}
