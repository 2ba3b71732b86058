//! A model on this machine answers when nobody configured another: found at an address of the test's own.
use frames::Frame;
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};
use tests::Place;

const MODELS: &str = r#"{"data": [{"id": "small-1", "max_model_len": 32768}]}"#;
const ANSWER: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello from here.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// Reads a request to its end and returns its first line.
fn request(stream: &mut TcpStream) -> String {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.unwrap_or_default() {
                return head.lines().next().unwrap_or_default().to_owned();
            }
        }
        let read = stream.read(&mut piece).expect("it is asked something");
        assert!(read > 0, "it hung up: {text}");
        bytes.extend_from_slice(&piece[..read]);
    }
}

/// Serves one model, until the test is over.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the test");
    let address = format!("http://{}", listener.local_addr().expect("it has one"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("somebody asks");
            let line = request(&mut stream);
            let (status, kind, body) = match line.split(' ').nth(1) {
                Some("/v1/models") => ("200 OK", "application/json", MODELS),
                Some("/v1/chat/completions") => ("200 OK", "text/event-stream", ANSWER),
                Some(_) | None => ("404 Not Found", "text/plain", "no"),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        }
    });
    address
}

#[test]
fn it_is_found_said_and_asked() {
    let (place, address) = (Place::new(), serve());
    let run = |args: &[&str]| place.oxydra(args).env("OXYDRA__LOCAL__SERVERS", &address).done().ended(0);
    let done = run(&["run", "-p", "hello"]);
    assert_eq!(done.text(), "Hello from here.\n");
    for words in ["no provider is configured: small-1 of a server at http://127.0.0.1:", "--model rehearsal"]
    {
        assert!(done.err.contains(words), "{}", done.err);
    }
    assert!(!done.err.contains("assumed"), "its window is told: {}", done.err);
    // Whoever asks for the rehearsal gets it, and nobody is looked for.
    let rehearsed = run(&["run", "--new", "--model", "rehearsal", "--json", "-p", "say hi"]);
    assert!(!rehearsed.err.contains("no provider"), "{}", rehearsed.err);
    assert!(rehearsed.frames().iter().any(|frame| matches!(frame, Frame::TurnCompleted(_))));
}

#[test]
fn one_that_is_configured_is_asked_how_much_it_takes() {
    let (place, address) = (Place::new(), serve());
    let run = |model: &str| {
        let desk = |key: &str| format!("OXYDRA__PROVIDERS__REGISTRY__DESK__{key}");
        let oxydra =
            place.oxydra(&["run", "--new", "-p", "hello"]).env("OXYDRA__SELECTION__PROVIDER", "desk");
        let oxydra = oxydra.env("OXYDRA__SELECTION__MODEL", model).env(&desk("PROVIDER_TYPE"), "openai");
        oxydra.env(&desk("BASE_URL"), &address).done().ended(0)
    };
    assert!(!run("small-1").err.contains("assumed"));
    let assumed = run("other");
    assert!(
        assumed.err.contains("does not tell how large its window is: 4096 tokens are assumed"),
        "{}",
        assumed.err
    );
}
