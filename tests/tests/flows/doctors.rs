//! `oxydra doctor` names what is missing and what mends it, and its exit code says whether anything is.
use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    thread,
};
use tests::{Oxydra, Place};

/// Answers every request with this status and body, until the test is over. Requests without the key are refused.
fn provider(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the test");
    let address = format!("http://{}/v1", listener.local_addr().expect("it has one"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("somebody asks");
            let mut request = [0; 4096];
            let read = stream.read(&mut request).unwrap_or_default();
            let has_key =
                String::from_utf8_lossy(&request[..read]).contains("authorization: Bearer good-key");
            let status = if has_key { status } else { "401 Unauthorized" };
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    address
}

fn doctor(place: &Place, address: &str, key: &str) -> Oxydra {
    let desk = |key: &str| format!("OXYDRA__PROVIDERS__REGISTRY__DESK__{key}");
    let doctor = place.oxydra(&["doctor"]).env("OXYDRA__SELECTION__PROVIDER", "desk");
    let doctor = doctor.env("OXYDRA__SELECTION__MODEL", "m-1").env(&desk("PROVIDER_TYPE"), "openai");
    let doctor = doctor.env(&desk("BASE_URL"), address).env(&desk("API_KEY"), key);
    doctor.env(&desk("MAX_CONTEXT_TOKENS"), "9000")
}

#[test]
fn with_nothing_configured_it_says_what_to_do_and_is_content() {
    let place = Place::new();
    let said = place.run(&["doctor"]).ended(0).text();
    for words in [
        "note  home",
        "→ oxydra run",
        "the rehearsal answers",
        "export OPENAI_API_KEY",
        "oxydra guest doctor",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!place.home().exists(), "it makes nothing");
    place.run(&["run", "-p", "say hi"]).ended(0);
    let said = place.run(&["doctor"]).ended(0).text();
    assert!(said.contains("ok    home") && said.contains("it can be read; runs in it: 1"), "{said}");
}

#[test]
fn a_provider_is_reached_or_it_says_why_not() {
    let place = Place::new();
    let models = provider("200 OK", "{\"data\":[{\"id\":\"m-1\"}]}");
    let said = doctor(&place, &models, "good-key").done().ended(0).text();
    assert!(said.contains("ok    model          desk/m-1 can be reached: 9000 tokens"), "{said}");
    let said = doctor(&place, &models, "bad-key").done().ended(1).text();
    assert!(
        said.contains("refuses the key of `desk` with status 401") && !said.contains("bad-key"),
        "{said}"
    );
    let small = doctor(&place, &models, "good-key");
    let small =
        small.env("OXYDRA__PROVIDERS__REGISTRY__DESK__MAX_CONTEXT_TOKENS", "2000").done().ended(0).text();
    assert!(small.contains("note  model") && small.contains("instructions and tools hardly fit"), "{small}");
    let others = provider("200 OK", "{\"data\":[{\"id\":\"x\"}]}");
    let said = doctor(&place, &others, "good-key").done().ended(1).text();
    assert!(said.contains("does not list m-1"), "{said}");
    let said = doctor(&place, &provider("404 Not Found", ""), "good-key").done().ended(0).text();
    assert!(said.contains("note  model") && said.contains("status 404"), "{said}");
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port for the test");
    let address = format!("http://{}", gone.local_addr().expect("it has one"));
    drop(gone);
    let said = doctor(&place, &address, "good-key").done().ended(1).text();
    assert!(said.contains("cannot be reached") && said.contains("base_url"), "{said}");
}

#[test]
fn what_is_broken_is_named_for_programs_too() {
    let place = Place::new();
    fs::create_dir_all(place.home()).expect("the home is made");
    fs::write(place.home().join("agent.toml"), "[runtime]\nmax_turns = 0\n").expect("it is written");
    let json = place.run(&["doctor", "--json"]).ended(1).text();
    for words in ["\"ok\":false", "\"subject\":\"configuration\"", "runtime.max_turns", "\"fix\":"] {
        assert!(json.contains(words), "{words}: {json}");
    }
    place.run(&["doctor", "everything"]).refused(2, &["oxydra doctor does not know"]);
}

#[test]
fn what_was_used_is_told_by_session() {
    let place = Place::new();
    place.run(&["run", "--session", "one", "-p", "say hi"]).ended(0);
    let said = place.run(&["cost"]).ended(0).text();
    assert!(said.contains("one  1 call, ") && said.contains("1 session of user `default`"), "{said}");
    place.run(&["run", "--session", "two", "-p", "say ho"]).ended(0);
    let said = place.run(&["cost"]).ended(0).text();
    assert!(said.contains("\nrehearsal  2 calls, "), "by model: {said}");
    let json = place.run(&["cost", "--json"]).ended(0).text();
    assert!(
        json.contains("\"models\":[{\"calls\":2,\"failed_attempts\":0,\"model\":\"rehearsal\""),
        "{json}"
    );
    assert!(json.contains("\"cost_micro_usd\":0") && json.contains("\"session_id\":\"one\""), "{json}");
    place.run(&["run", "--session", "one", "-p", "list the files"]).ended(0);
    let said = place.run(&["cost", "show", "one"]).ended(0).text();
    let counts = [said.matches("turn ").count(), said.matches("  rehearsal: ").count()];
    assert!(counts == [2, 3] && said.contains("session one: 3 calls, "), "{said}");
    let json = place.run(&["cost", "show", "one", "--json"]).ended(0).text();
    assert!(json.contains("\"turn_id\"") && json.contains("\"attempt\":1"), "{json}");
    place.run(&["cost", "show", "one", "--user", "bob"]).refused(2, &["no session `one`"]);
    let nobody = place.run(&["cost", "--user", "bob"]).ended(0).text();
    assert!(nobody.contains("0 sessions of user `bob`"), "{nobody}");
}
