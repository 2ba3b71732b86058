//! A model that fails, as its user meets it: each attempt is told of, a pipe is given what counts, and what standard output
//! does not take is said when the turn is safe.
use expect_test::{Expect, expect};
use std::{
    fs::File,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Stdio,
    thread,
};
use tests::{Oxydra, Place};

/// What a server does with one request.
#[derive(Clone, Copy)]
pub(crate) enum Does {
    /// Answers this status, with this header.
    Fails(&'static str, &'static str),
    /// Says so much and breaks off.
    Cuts(&'static str),
    /// Says this, as it stands in a string of JSON.
    Says(&'static str),
}

/// Reads a request to its end.
fn request(stream: &mut TcpStream) {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if body.len() >= length.unwrap_or_default() {
                return;
            }
        }
        let read = stream.read(&mut piece).expect("it is asked something");
        assert!(read > 0, "it hung up: {text}");
        bytes.extend_from_slice(&piece[..read]);
    }
}

/// Does one thing after the other, and the last again and again.
pub(crate) fn serve(script: &'static [Does]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port for the test");
    let address = format!("http://{}/v1", listener.local_addr().expect("it has one"));
    thread::spawn(move || {
        let last = script.last().into_iter().cycle();
        for (stream, does) in listener.incoming().zip(script.iter().chain(last)) {
            let mut stream = stream.expect("somebody asks");
            request(&mut stream);
            let says = |text: &str| {
                format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
            };
            let stop = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
            let (status, header, body) = match does {
                Does::Fails(status, header) => {
                    (*status, *header, "{\"error\":{\"message\":\"not now\"}}".to_owned())
                }
                Does::Cuts(text) => ("200 OK", "content-type: text/event-stream\r\n", says(text)),
                Does::Says(text) => {
                    ("200 OK", "content-type: text/event-stream\r\n", format!("{}{stop}", says(text)))
                }
            };
            let answer = format!("HTTP/1.1 {status}\r\n{header}connection: close\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

pub(crate) fn asks(place: &Place, address: &str) -> Oxydra {
    at_desk(place.oxydra(&["run", "-p", "hi"]), address)
}

/// Has a server at this address answer.
pub(crate) fn at_desk(run: Oxydra, address: &str) -> Oxydra {
    let desk = |key: &str| format!("OXYDRA__PROVIDERS__REGISTRY__DESK__{key}");
    let run = run.env("OXYDRA__SELECTION__PROVIDER", "desk");
    let run = run.env("OXYDRA__SELECTION__MODEL", "m").env(&desk("PROVIDER_TYPE"), "openai");
    let run = run.env(&desk("BASE_URL"), address).env(&desk("MAX_CONTEXT_TOKENS"), "32768");
    run.env("OXYDRA__RELIABILITY__BACKOFF_BASE_MS", "1")
}

fn check(script: &'static [Does], exit: i32, expected: Expect) {
    let (place, address) = (Place::new(), serve(script));
    let done = asks(&place, &address).done().ended(exit);
    expected.assert_eq(&format!("{}--\n{}", done.text(), done.err));
}

const BUSY: Does = Does::Fails("503 Service Unavailable", "");

#[test]
fn each_attempt_is_told_of_and_what_counts_is_printed() {
    check(
        &[BUSY, Does::Cuts("wro"), Does::Says("right")],
        0,
        expect![[r#"
        right
        --
        · attempt 1 failed: the model is unavailable: the server answered 503: not now; it is made again at once
        · attempt 2 failed: the model is unavailable: the answer was cut off: it ended without a finish reason; it is made again at once
    "#]],
    );
    check(
        &[BUSY],
        1,
        expect![[r#"
        --
        · attempt 1 failed: the model is unavailable: the server answered 503: not now; it is made again at once
        · attempt 2 failed: the model is unavailable: the server answered 503: not now; it is made again at once
        oxydra: the model cannot be used: the server answered 503: not now (asked 3 times, as `reliability.max_attempts` says)
    "#]],
    );
    check(
        &[Does::Fails("429 Too Many Requests", "retry-after: 3600\r\n")],
        1,
        expect![[r#"
        --
        oxydra: the model cannot be used: the server answered 429: not now; it asks to be left alone: ask again in 60 min
    "#]],
    );
    check(
        &[Does::Fails("401 Unauthorized", "")],
        1,
        expect![[r#"
        --
        oxydra: the model cannot be used: the server does not accept the key (401): not now
    "#]],
    );
}

#[test]
fn an_attempt_that_never_reached_the_model_costs_no_round_trip() {
    let place = Place::new();
    let address = serve(const { &[Does::Fails("429 Too Many Requests", ""), Does::Says("at last")] });
    let one = |address: &str| asks(&place, address).env("OXYDRA__RUNTIME__MAX_TURNS", "1");
    assert_eq!(one(&address).done().ended(0).text(), "at last\n");
    // One that may have cost something does.
    let address = serve(const { &[BUSY, Does::Says("at last")] });
    one(&address).done().refused(4, &["out of turns"]);
}

#[test]
fn what_does_not_arrive_is_said_when_the_turn_is_safe() {
    let (place, address) = (Place::new(), serve(const { &[Does::Says("a long answer")] }));
    let full = File::options().write(true).open("/dev/full").expect("a disk without room");
    let done = asks(&place, &address).into_command().stdout(full).output().expect("it runs");
    let err = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.code() == Some(1) && err.contains("No space left on device"), "{err}");
    let mut child = asks(&place, &address).into_command().stdout(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let done = child.wait_with_output().expect("it ends");
    assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(1), ""));
    let said = place.run(&["sessions", "--json"]).ended(0).text();
    assert!(said.contains("\"turns\":2"), "{said}");
}
