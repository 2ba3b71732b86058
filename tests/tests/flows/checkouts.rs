//! A home that came with a checkout: it narrows, and gives nothing until its owner says that it may be trusted.
use std::fs;
use tests::Place;

/// A checkout whose index lists the home's `agent.toml`.
fn checkout(agent: &str) -> Place {
    let place = Place::new();
    fs::create_dir_all(place.home()).expect("the home is made");
    fs::create_dir_all(place.root().join(".git")).expect("the directory is made");
    fs::write(place.home().join("agent.toml"), agent).expect("the file is written");
    let mut index = b"DIRC\0\0\0\x02\0\0\0\x01".to_vec();
    index.extend([0; 62]);
    index.extend(b".oxydra/agent.toml\0");
    fs::write(place.root().join(".git/index"), index).expect("the index is written");
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
    fs::write(place.root().join(".git/index"), b"DIRC\0\0\0\x02\0\0\0\0").expect("the index is written");
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
fn a_program_gets_the_refusal_as_a_frame() {
    let place = checkout(WIDENS);
    let done = place.run(&["run", "--json", "-p", "say hi"]).ended(2);
    assert!(done.text().contains("\"invalid_configuration\""), "{}", done.text());
}
