//! A catalog is made by an operator's command, the same bytes from the same facts, and counts from then on.
use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    thread,
};
use tests::Place;

const SOURCE: &str = r#"{"openai": {"id": "openai", "name": "OpenAI", "models": {
  "gpt-9": {"id": "gpt-9", "name": "GPT-9", "tool_call": true, "release_date": "2026-08-01", "last_updated": "2026-08-01",
    "modalities": {"input": ["text"], "output": ["text"]}, "limit": {"context": 64000, "output": 8000}, "cost": {"input": 1, "output": 2.5}},
  "old-9": {"id": "old-9", "name": "Old 9", "status": "deprecated", "release_date": "2026-08-01", "last_updated": "2026-08-01",
    "modalities": {"input": ["text"], "output": ["text"]}, "limit": {"context": 64000, "output": 8000}}}}}"#;

fn place() -> Place {
    let place = Place::new();
    fs::create_dir_all(place.home()).expect("the home is made");
    fs::write(place.root().join("source.json"), SOURCE).expect("the source is written");
    place
}

#[test]
fn the_one_that_comes_with_the_program_is_whole() {
    let place = Place::new();
    let whole = place.run(&["catalog", "verify"]).ended(0).text();
    assert!(whole.contains("is whole"), "{whole}");
    let one = place.run(&["catalog", "show", "anthropic/claude-haiku-4-5"]).ended(0).text();
    assert!(one.contains("200000 together") && one.contains("$1 read"), "{one}");
    let json = place.run(&["catalog", "show", "openai/gpt-4.1-mini", "--json"]).ended(0).text();
    assert!(
        json.contains("\"micro_usd_per_million\":{\"cache") && json.contains("\"tool_call\":true"),
        "{json}"
    );
    place.run(&["catalog", "show", "claude-haiku-4.5"]).refused(2, &["did you mean `claude-haiku-4-5`?"]);
}

#[test]
fn a_source_makes_the_same_bytes_every_time_and_they_count() {
    let place = place();
    let model = |place: &Place| {
        place
            .oxydra(&["config", "check"])
            .env("OPENAI_API_KEY", "k")
            .env("OXYDRA__SELECTION__MODEL", "gpt-9")
            .done()
    };
    assert!(model(&place).ended(2).text().contains("does not list"));
    let made = place.run(&["catalog", "fetch", "source.json"]).ended(0).text();
    assert!(made.contains("with 2 models of source.json"), "{made}");
    let first = fs::read(place.home().join("catalog.json")).expect("it is there");
    place.run(&["catalog", "fetch", "source.json"]).ended(0);
    assert_eq!(fs::read(place.home().join("catalog.json")).expect("it is there"), first);
    assert!(model(&place).ended(0).text().contains("openai/gpt-9 answers"));
    let shown = place.run(&["catalog", "show"]).ended(0).text();
    assert!(
        shown.contains("openai/old-9") && shown.contains("deprecated") && shown.contains("$1 $2.5"),
        "{shown}"
    );
    // What a user would choose, somewhere else.
    place.run(&["catalog", "fetch", "--pinned", "source.json", "--output", "pinned.json"]).ended(0);
    let pinned = fs::read_to_string(place.root().join("pinned.json")).expect("it is there");
    assert!(pinned.contains("gpt-9") && !pinned.contains("old-9"), "{pinned}");
    let refetched = place.run(&["catalog", "fetch", "pinned.json", "--output", "again.json"]).ended(0).text();
    assert!(refetched.contains("with 1 models"), "{refetched}");
    assert_eq!(fs::read_to_string(place.root().join("again.json")).expect("it is there"), pinned);
}

#[test]
fn what_a_source_says_differently_is_named() {
    let place = place();
    place.run(&["catalog", "fetch", "source.json"]).ended(0);
    place.run(&["catalog", "verify", "source.json"]).ended(0);
    fs::write(place.root().join("newer.json"), SOURCE.replace("64000", "96000").replace("old-9", "new-9"))
        .expect("the source is written");
    let said = place.run(&["catalog", "verify", "newer.json"]).ended(1).text();
    assert!(said.starts_with("~ openai/gpt-9\n+ openai/new-9\n- openai/old-9\n"), "{said}");
}

#[test]
fn what_is_no_source_writes_nothing() {
    let place = place();
    for (text, words) in [
        ("{", &["is no source of a catalog", "no JSON"][..]),
        ("{\"openai\": {\"name\": \"O\"}}", &["`source.openai.models` must be an object"]),
        ("{}", &["lists no model"]),
    ] {
        fs::write(place.root().join("bad.json"), text).expect("the source is written");
        place.run(&["catalog", "fetch", "bad.json"]).refused(2, words);
    }
    place.run(&["catalog", "fetch", "nowhere.json"]).refused(2, &["cannot read nowhere.json"]);
    place.run(&["catalog", "fetch", "."]).refused(2, &["it is no file"]);
    assert!(!place.home().join("catalog.json").exists());
}

#[test]
fn an_address_is_a_source_too_and_its_refusal_is_said() {
    let place = place();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the test");
    let address = format!("http://{}/api.json", listener.local_addr().expect("it has one"));
    let serving = thread::spawn(move || {
        for status in ["200 OK", "404 Not Found"] {
            let (mut stream, _) = listener.accept().expect("somebody asks");
            let mut request = [0; 4096];
            let read = stream.read(&mut request).expect("it asks something");
            assert!(request[..read].starts_with(b"GET /api.json HTTP/1.1\r\n"));
            let head =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", SOURCE.len());
            stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(SOURCE.as_bytes()))
                .expect("it listens");
        }
    });
    // The configuration may say where.
    let fetch =
        place.oxydra(&["catalog", "fetch"]).env("OXYDRA__CATALOG__PINNED_URL", &address).done().ended(0);
    assert!(fetch.text().contains("with 2 models of http://127.0.0.1:"), "{}", fetch.text());
    place.run(&["catalog", "fetch", &address]).refused(1, &["status 404"]);
    serving.join().expect("it served");
}
