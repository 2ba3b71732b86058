//! A home that came with a checkout: it narrows, and gives nothing until its owner says that it may be trusted.
use std::fs;
use tests::Place;

/// Writes the index of a checkout as git does. A name that ends with `@` is a link.
fn lists(place: &Place, names: &[&str]) {
    let count = u8::try_from(names.len()).expect("they are few");
    let mut index = vec![b'D', b'I', b'R', b'C', 0, 0, 0, 2, 0, 0, 0, count];
    for name in names {
        let (name, mode) =
            name.strip_suffix('@').map_or((*name, 0o100_644_u32), |name| (name, 0o120_000_u32));
        let mut entry = vec![0; 24];
        entry.extend(mode.to_be_bytes());
        entry.resize(60, 0);
        entry.extend(u16::try_from(name.len()).expect("it is short").to_be_bytes());
        entry.extend(name.as_bytes());
        entry.resize(entry.len() / 8 * 8 + 8, 0);
        index.extend(entry);
    }
    fs::create_dir_all(place.root().join(".git")).expect("the directory is made");
    fs::write(place.root().join(".git/index"), index).expect("the index is written");
}

/// A checkout whose index lists the home's `agent.toml`.
fn checkout(agent: &str) -> Place {
    let place = Place::new();
    fs::create_dir_all(place.home()).expect("the home is made");
    fs::write(place.home().join("agent.toml"), agent).expect("the file is written");
    lists(&place, &[".oxydra/agent.toml"]);
    place
}

const WIDENS: &str = "[selection]\nprovider = \"desk\"\nmodel = \"m\"\n[providers.registry.desk]\n\
    provider_type = \"openai\"\nbase_url = \"http://127.0.0.1:9\"\nmax_context_tokens = 9000\n[runtime]\nmax_turns = 2\n";

#[test]
fn what_only_narrows_asks_nobody() {
    let place = checkout("[runtime]\nmax_turns = 1\n");
    place.run(&["run", "-p", "list the files"]).ended(4);
    place.run(&["run", "-p", "say hi"]).ended(0);
}

#[test]
fn what_widens_is_refused_with_the_command_that_says_yes() {
    let place = checkout(WIDENS);
    let refusal =
        ["came with a checkout", "selection.provider = \"desk\"", "line 2", "oxydra config trust", "--home"];
    place.run(&["run", "-p", "say hi"]).refused(2, &refusal);
    assert!(!place.journal().exists(), "nothing is started");
    // Until then it narrows.
    let shown = place.run(&["config", "show", "selection", "runtime.max_turns"]).ended(0).text();
    assert_eq!(shown, "runtime.max_turns = 2\n");
    let checked = place.run(&["config", "check"]).ended(0).text();
    assert!(checked.contains("`selection.provider` in .oxydra/agent.toml line 2 is left out"), "{checked}");
    // What a flag takes back needs no trust.
    let trusted = place.run(&["config", "trust"]).ended(0).text();
    assert!(trusted.contains("providers.registry.desk.base_url = \"http://127.0.0.1:9\""), "{trusted}");
    let shown = place.run(&["config", "show", "selection"]).ended(0).text();
    assert_eq!(shown, "selection.model = \"m\"\nselection.provider = \"desk\"\n");
    place.run(&["run", "--model", "rehearsal", "-p", "say hi"]).ended(0);
    // It is asked again when a file changes.
    fs::write(place.home().join("agent.toml"), WIDENS.replace("\"m\"", "\"n\"")).expect("it is written");
    place.run(&["run", "-p", "say hi"]).refused(2, &["came with a checkout"]);
}

#[test]
fn a_home_of_ones_own_asks_nobody() {
    // Hand-made in a checkout: nobody brought it.
    let place = checkout("");
    lists(&place, &[]);
    fs::write(place.home().join("agent.toml"), "[runtime]\nmax_turns = 20\n").expect("the file is written");
    place.run(&["run", "-p", "say hi"]).ended(0);
    let said = place.run(&["config", "trust"]).ended(0).text();
    assert!(said.contains("did not come with a checkout"), "{said}");
    // Named on the command line: its owner's choice.
    let place = checkout("[runtime]\nmax_turns = 20\n");
    place.run(&["run", "-p", "say hi"]).refused(2, &["runtime.max_turns = 20"]);
    place.run(&["run", "--home", "./.oxydra/", "-p", "say hi"]).ended(0);
}

#[test]
fn a_journal_that_came_goes_on_once_its_owner_says_so() {
    let place = Place::new();
    let slow = "rehearse a slow answer of 200 words, then write evil.txt: x";
    let mut running = place.oxydra(&["run", "--json", "-p", slow]).start();
    running.until(|frame| matches!(frame, frames::Frame::AssistantDelta(_)));
    running.kill();
    let segment = place.last_segment();
    let segment =
        segment.strip_prefix(place.root()).expect("it is in the home").to_str().expect("it is text");
    lists(&place, &["README.md", segment]);
    let before = place.journal_bytes();
    let refusal = ["came with a checkout", "journal: runs, which go on by themselves", "oxydra config trust"];
    place.run(&["run", "-p", "say hi"]).refused(2, &refusal);
    let runs = place.run(&["instances", "--json"]).ended(0).text();
    let runs: serde_json::Value = serde_json::from_str(&runs).expect("it is JSON");
    let id = runs[0]["instance"].as_str().expect("it has an id");
    place.run(&["instances", "cancel", id]).refused(2, &refusal);
    place.run(&["instances", "replay", id]).refused(2, &refusal);
    assert_eq!(place.journal_bytes(), before, "nothing is written");
    let said = place.run(&["doctor"]).ended(1).text();
    assert!(said.contains("bad   trust") && said.contains("journal: runs"), "{said}");
    let said = place.run(&["config", "check"]).ended(0).text();
    assert!(said.contains("brings journal: runs") && said.contains("oxydra config trust"), "{said}");
    assert!(place.run(&["config", "trust"]).ended(0).text().contains("journal: runs"));
    // Its word covers what came, and what runs write from then on.
    let said = place.run(&["run", "-p", "say hi"]).ended(0);
    assert!(said.err.contains("finishing the turn that was interrupted"), "{}", said.err);
    assert_eq!(place.read("evil.txt").as_deref(), Some("x\n"));
    place.run(&["run", "-p", "say hi"]).ended(0);
    // What comes with another name was not meant.
    lists(&place, &[segment, ".oxydra/view/sled-1"]);
    place.run(&["run", "-p", "say hi"]).refused(2, &["view: lists"]);
}

#[test]
fn a_link_that_came_is_not_followed_and_one_of_ones_own_is() {
    let place = Place::new();
    fs::write(place.root().join("id_rsa"), "private\n").expect("it is written");
    fs::create_dir_all(place.home().join("workspaces/default")).expect("it is made");
    std::os::unix::fs::symlink("../../..", place.home().join("workspaces/default/shared"))
        .expect("it is made");
    lists(&place, &[".oxydra/workspaces/default/shared@"]);
    let refusal = ["workspaces/default/shared: a link to ../../..", "oxydra config trust"];
    place.run(&["run", "-p", "read id_rsa"]).refused(2, &refusal);
    place.run(&["guest", "list"]).refused(2, &refusal);
    assert!(!place.journal().exists(), "nothing is started");
    lists(&place, &["README.md"]);
    let said = place.run(&["run", "-p", "read id_rsa"]).ended(0).text();
    assert!(said.contains("private"), "{said}");
}

#[test]
fn where_no_list_says_what_came_a_home_that_began_here_asks_nobody() {
    let place = Place::new();
    fs::create_dir(place.root().join(".hg")).expect("it is made");
    for _ in 0..2 {
        place.run(&["run", "-p", "say hi"]).ended(0);
    }
    fs::remove_dir_all(place.root().join(".local")).expect("it was written down");
    place.run(&["run", "-p", "say hi"]).refused(2, &["journal: runs"]);
}

#[test]
fn a_program_gets_the_refusal_as_a_frame() {
    let place = checkout(WIDENS);
    let done = place.run(&["run", "--json", "-p", "say hi"]).ended(2);
    assert!(done.text().contains("\"invalid_configuration\""), "{}", done.text());
}
