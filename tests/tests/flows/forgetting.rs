//! A session that is forgotten is off every list and off the disk, and what cannot be forgotten is named.
use serde_json::Value;
use std::{fs, path::Path};
use tests::{Place, Running};

/// Whether some file below holds the text.
fn holds(dir: &Path, text: &str) -> bool {
    fs::read_dir(dir).expect("it is there").any(|entry| {
        let path = entry.expect("it is listed").path();
        if path.is_dir() {
            return holds(&path, text);
        }
        // Sockets and the like hold nothing.
        fs::read(&path).is_ok_and(|bytes| bytes.windows(text.len()).any(|it| it == text.as_bytes()))
    })
}

fn json(place: &Place, args: &[&str]) -> Value {
    serde_json::from_str(&place.run(args).ended(0).text()).expect("it is JSON")
}

/// A process in the middle of a slow answer.
fn speaking(place: &Place, session: &str) -> Running {
    let mut speaking = place
        .oxydra(&["run", "--json", "--session", session, "-p", "rehearse a slow answer of 100 words"])
        .start();
    while let Some(line) = speaking.line() {
        if line.contains("assistant_delta") {
            return speaking;
        }
    }
    panic!("it said nothing")
}

#[test]
fn a_session_that_is_forgotten_is_off_the_lists_and_off_the_disk() {
    let place = Place::new();
    place.run(&["run", "--session", "birds", "-p", "say grey heron"]).ended(0);
    place.run(&["run", "--session", "birds", "-p", "say heron again"]).ended(0);
    place.run(&["run", "--session", "bees", "-p", "say bumblebee"]).ended(0);
    let of_birds = json(&place, &["instances", "--json"]);
    let ids: Vec<_> =
        of_birds.as_array().expect("a list").iter().filter_map(|row| row["instance"].as_str()).collect();
    assert!(holds(&place.home(), "heron"));

    place.run(&["sessions", "forget", "wasps"]).refused(2, &["has no session `wasps`"]);
    place.run(&["sessions", "forget", "birds", "--user", "eve"]).refused(2, &["user `eve` has no session"]);
    let fork = json(&place, &["sessions", "fork", "birds", "--at", "1", "--json"]);
    let fork = fork["session_id"].as_str().expect("an id");
    place
        .run(&["sessions", "forget", "birds"])
        .refused(2, &["shares messages with", fork, "forget it first"]);
    assert!(place.run(&["sessions", "show", "birds"]).ended(0).text().contains("grey heron"));

    place.run(&["sessions", "forget", fork]).ended(0);
    // Whoever knows what may have been said could tell from the fingerprints that it was.
    let counts = place.home().join("token-counts");
    fs::write(&counts, "fingerprints").expect("the home is ours");
    let said = place.run(&["sessions", "forget", "birds"]).ended(0).text();
    assert!(said.starts_with("session birds is forgotten: ") && said.contains("of 2 runs"), "{said}");
    assert!(!holds(&place.home(), "heron") && !counts.exists(), "not a byte of it is left");
    place.run(&["sessions", "forget", "birds"]).refused(2, &["has no session `birds`"]);
    let listed = place.run(&["sessions"]).ended(0).text();
    assert!(listed.starts_with("bees  ") && listed.lines().count() == 1, "{listed}");
    // Its runs are known, and that is all.
    let of = |id: &&&str| place.run(&["instances", "replay", id]).code() != 0;
    let gone: Vec<_> = ids.iter().filter(of).collect();
    assert_eq!(gone.len(), 2);
    place.run(&["instances", "replay", gone[0]]).refused(2, &["was forgotten"]);
    place.run(&["instances", "export", gone[0], "x.run"]).refused(2, &["was forgotten"]);
    let shown = place.run(&["instances", "show", gone[0]]).ended(0).text();
    assert!(shown.contains("(what was said in it was forgotten)"), "{shown}");
    // The name is free, and what was not forgotten goes on.
    place.run(&["run", "--session", "birds", "-p", "say wren"]).ended(0);
    assert!(!place.run(&["sessions", "show", "birds"]).ended(0).text().contains("heron"));
    place.run(&["run", "--session", "bees", "-p", "say hornet"]).ended(0);
    assert!(place.run(&["sessions", "show", "bees"]).ended(0).text().contains("bumblebee"));
}

#[test]
fn a_session_whose_runs_live_is_not_forgotten_before_they_end() {
    let place = Place::new();
    speaking(&place, "birds").kill();
    let living = json(&place, &["instances", "--json"])[0]["instance"].as_str().expect("an id").to_owned();
    place.run(&["sessions", "forget", "birds"]).refused(2, &["have not ended", &living, "instances cancel"]);
    assert_eq!(json(&place, &["instances", "--json"])[0]["instance"], living.as_str(), "it is as it was");
    place.run(&["instances", "cancel", &living]).ended(0);
    place.run(&["sessions", "forget", "birds"]).ended(0);
    assert!(!holds(&place.home(), "rehearse a slow answer"));
}
