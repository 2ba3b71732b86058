//! A server that does what a test tells it, and the faults that come of it.
use super::*;
use domain::{Model, ModelLimits, Question};
use expect_test::{Expect, expect};
use futures::StreamExt;
use http::{Client, Options};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const KEY: &str = "sk-do-not-print-me";
const TITLE: &str = "header-do-not-print";

/// What the server does with a connection once it has read a request.
pub(super) enum Does {
    /// Sends this and closes.
    Says(String),
    /// Sends this and nothing more, until the client goes away.
    Stalls(String),
}

pub(super) fn status(line: &str, headers: &str, body: &str) -> Does {
    let length = body.len();
    Does::Says(format!(
        "HTTP/1.1 {line}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    ))
}
pub(super) fn stream(events: &[&str]) -> String {
    let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{body}")
}

pub(super) const HI: &str = r#"{"choices":[{"delta":{"content":"hi"}}]}"#;
pub(super) const STOP: &str = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;

pub(super) struct Server {
    listener: TcpListener,
    pub(super) model: Remote,
}

impl Server {
    async fn new() -> Server {
        Server::of(crate::Api::Chat).await
    }

    pub(super) async fn of(api: crate::Api) -> Server {
        Server::opened_by(api, Arc::new(Fixed(Secret::new(KEY)))).await
    }

    pub(super) async fn opened_by(api: crate::Api, credentials: Arc<dyn Credentials>) -> Server {
        Server::thinking(api, credentials, None).await
    }

    pub(super) async fn thinking(
        api: crate::Api,
        credentials: Arc<dyn Credentials>,
        thinking: Option<domain::Thinking>,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let server = crate::Server {
            api,
            base_url: Url::parse(&url).expect("it is one"),
            credentials,
            model: "gpt-x".into(),
            limits: ModelLimits { context_tokens_max: Tokens(1_000), answer_tokens_max: Tokens(100) },
            sizes: None,
            headers: vec![Header::new("x-title", TITLE).expect("it can be sent")],
            thinking,
            streams: true,
        };
        let model = Remote::new(Client::new(Options::default()), server).expect("it can be asked");
        Server { listener, model }
    }

    /// Reads a request and does something; returns the request.
    pub(super) async fn serve(&self, does: Does) -> String {
        let (mut socket, _) = self.listener.accept().await.expect("somebody connects");
        let request = request(&mut socket).await;
        match does {
            Does::Says(text) => socket.write_all(text.as_bytes()).await.expect("it is written"),
            Does::Stalls(text) => {
                socket.write_all(text.as_bytes()).await.expect("it is written");
                let gone = socket.read(&mut [0; 8]).await;
                assert!(matches!(gone, Ok(0) | Err(_)), "the client went away");
            }
        }
        request
    }

    async fn ask(&self, does: Does) -> (String, Vec<Result<Fragment, ModelFault>>) {
        let asked = self.model.ask(question(vec![user("hi")])).collect::<Vec<_>>();
        futures::join!(self.serve(does), asked)
    }
}

async fn request(socket: &mut TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        assert_ne!(socket.read_buf(&mut read).await.expect("it is read"), 0, "the request was cut off");
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("it has a length");
        if body.len() == length.parse::<usize>().expect("a length is a number") {
            return text;
        }
    }
}

/// Asks and shows what comes of it; no credential is in it.
async fn check(does: Does, expected: Expect) {
    let (_, answer) = Server::new().await.ask(does).await;
    let shown = format!("{answer:?}");
    assert!(!shown.contains(KEY) && !shown.contains(TITLE), "{shown}");
    let shown = answer.into_iter().map(|fragment| match fragment {
        Ok(fragment) => format!("{fragment:?}"),
        Err(ModelFault::Unavailable { why, retry_after: Some(wait) }) => {
            format!("! unavailable: {why}; wait {wait:?}")
        }
        Err(ModelFault::Unreached { why, retry_after }) => {
            format!("! unreached: {why}; wait {retry_after:?}")
        }
        Err(fault) => format!("! {fault}"),
    });
    expected.assert_eq(&shown.collect::<Vec<_>>().join("\n"));
}

#[tokio::test]
async fn a_question_arrives_with_its_key_and_attempt() {
    let server = Server::new().await;
    let (request, answer) = server.ask(Does::Says(stream(&[HI, STOP, "[DONE]"]))).await;
    assert_eq!(answer, [Ok(Fragment::Text("hi".into())), Ok(Fragment::Finish(Finish::Stop))]);
    let address = server.listener.local_addr().expect("it is bound").to_string();
    let request = request.replace(&address, "HOST").replace(env!("CARGO_PKG_VERSION"), "V").replace('\r', "");
    expect![[r#"
        POST /v1/chat/completions HTTP/1.1
        accept: text/event-stream, application/json
        user-agent: oxydra/V
        idempotency-key: key-1
        x-attempt: 1
        authorization: Bearer sk-do-not-print-me
        x-title: header-do-not-print
        content-type: application/json
        host: HOST
        content-length: 132

        {"max_tokens":100,"messages":[{"content":"hi","role":"user"}],"model":"gpt-x","stream":true,"stream_options":{"include_usage":true}}"#]].assert_eq(&request);
}

#[tokio::test]
async fn refusals_are_final_and_say_why() {
    let echo = format!(
        r#"{{"error":{{"message":"Incorrect API key provided: {KEY} ({TITLE})","code":"invalid_api_key"}}}}"#
    );
    check(status("401 Unauthorized", "", &echo), expect!["! the model cannot be used: the server does not accept the key (401): Incorrect API key provided: [secret] ([secret])"]).await;
    check(status("404 Not Found", "", r#"{"error":"model 'gpt-x' not found"}"#), expect!["! the model cannot be used: the server has no such model or address (404): model 'gpt-x' not found"]).await;
    check(
        status("400 Bad Request", "", r#"{"object":"error","message":"too many tokens"}"#),
        expect!["! the model refused the question: the server answered 400: too many tokens"],
    )
    .await;
    check(
        status("422 Unprocessable", "", r#"{"detail":"no"}"#),
        expect!["! the model refused the question: the server answered 422: no"],
    )
    .await;
    let quota = r#"{"error":{"message":"You exceeded your quota","type":"insufficient_quota"}}"#;
    check(
        status("429 Too Many Requests", "retry-after: 5\r\n", quota),
        expect!["! the model cannot be used: the account has nothing left (429): You exceeded your quota"],
    )
    .await;
    check(status("301 Moved", "location: https://elsewhere\r\n", ""), expect!["! the model cannot be used: the server sends us to https://elsewhere, and we follow nobody: set `base_url`"]).await;
}

#[tokio::test]
async fn what_may_help_is_worth_another_try() {
    let limited = r#"[{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}}]"#;
    check(
        status("429 Too Many Requests", "retry-after: 20\r\n", limited),
        expect!["! unreached: the server answered 429: slow down; wait Some(20s)"],
    )
    .await;
    let dated = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:50:37 GMT\r\n";
    check(
        status("429 Too Many Requests", dated, ""),
        expect!["! unreached: the server answered 429: (no message); wait Some(60s)"],
    )
    .await;
    check(
        status("500 Internal Server Error", "", "{\"error\": {\"mess"),
        expect![[r#"! the model is unavailable: the server answered 500: {"error": {"mess"#]],
    )
    .await;
    check(
        status("502 Bad Gateway", "", "<html><head><title>502 Bad\n Gateway</title></head>"),
        expect!["! the model is unavailable: the server answered 502: 502 Bad Gateway"],
    )
    .await;
    check(status("503 Service Unavailable", "", &"x".repeat(2_000)), expect!["! the model is unavailable: the server answered 503: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"]).await;
    check(Does::Says(String::new()), expect!["! the model is unavailable: the connection to 127.0.0.1 broke: client error (SendRequest): connection closed before message completed"]).await;
}

#[tokio::test]
async fn half_an_answer_is_said_to_be_half() {
    check(
        Does::Says(stream(&[HI])),
        expect![[r#"
        Text("hi")
        ! the model is unavailable: the answer was cut off: it ended without a finish reason"#]],
    )
    .await;
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let piece = format!("data: {HI}\n\n");
    check(Does::Says(format!("{chunked}{:x}\r\n{piece}\r\n", piece.len())), expect![[r#"
        Text("hi")
        ! the model is unavailable: the connection to 127.0.0.1 broke: error reading a body from connection: unexpected EOF during chunk size line"#]]).await;
    check(
        status("200 OK", "content-type: application/json\r\n", "{\"choices\":[{\"mess"),
        expect![[r#"! the model broke its protocol: it answered what is not JSON: {"choices":[{"mess"#]],
    )
    .await;
    check(
        status("200 OK", "content-type: text/html\r\n", "<html><title>Welcome</title>"),
        expect!["! the model broke its protocol: it answered a page of HTML: Welcome"],
    )
    .await;
}

#[tokio::test]
async fn a_second_attempt_is_answered_on_its_own() {
    let server = Server::new().await;
    let limited = status("429 Too Many Requests", "retry-after: 1\r\n", "");
    assert!(matches!(server.ask(limited).await.1[..], [Err(ModelFault::Unreached { .. })]));
    let again = Question { attempt: 2, ..question(vec![user("hi")]) };
    let served = server.serve(Does::Says(stream(&[HI, STOP])));
    let (request, answer) = futures::join!(served, server.model.ask(again).collect::<Vec<_>>());
    assert!(request.contains("idempotency-key: key-1\r\nx-attempt: 2\r\n"), "{request}");
    assert!(answer.iter().all(Result::is_ok), "{answer:?}");
}

#[tokio::test]
async fn dropping_the_stream_ends_a_call_that_stalls() {
    let server = Server::new().await;
    let mut answer = server.model.ask(question(vec![user("hi")]));
    let hear_and_go = async {
        assert_eq!(answer.next().await, Some(Ok(Fragment::Text("hi".into()))));
        drop(answer);
    };
    futures::join!(server.serve(Does::Stalls(stream(&[HI]))), hear_and_go);
}

#[tokio::test]
async fn a_server_waits_for_who_hears_it() {
    let server = Server::new().await;
    let mut answer = server.model.ask(question(vec![user("hi")]));
    let (mut socket, _) = server.listener.accept().await.expect("somebody connects");
    request(&mut socket).await;
    socket.write_all(stream(&[HI]).as_bytes()).await.expect("it is written");
    assert_eq!(answer.next().await, Some(Ok(Fragment::Text("hi".into()))));
    // From here on nobody hears: the channel fills, then the sockets do, and the server can write no more. The clock
    // goes on when nothing else does.
    tokio::time::pause();
    let events = format!("data: {HI}\n\n").repeat(1_000);
    let mut written = 0;
    while let Ok(writable) = tokio::time::timeout(Duration::from_secs(1), socket.writable()).await {
        writable.expect("the client is there");
        written += socket.try_write(&events.as_bytes()[written % events.len()..]).unwrap_or(0);
        assert!(written < 1 << 28, "the reader reads without a listener");
    }
}

/// The head of the request that this API is asked with: its line, and its headers in their order.
pub(crate) async fn head(api: crate::Api) -> String {
    let server = Server::of(api).await;
    let address = server.listener.local_addr().expect("it is bound").to_string();
    let (request, _) = server.ask(status("500 Internal Server Error", "", "")).await;
    let (head, _) = request.split_once("\r\n\r\n").expect("a head and a body");
    let length = head.lines().filter(|line| !line.starts_with("content-length"));
    length.collect::<Vec<_>>().join("\n").replace(&address, "HOST").replace(env!("CARGO_PKG_VERSION"), "V")
}

#[tokio::test]
async fn each_api_is_asked_where_it_is_and_shown_its_key() {
    let mut heads = String::new();
    for api in crate::Api::ALL {
        heads += &format!("{}\n\n", head(api).await);
    }
    expect![[r#"
        POST /v1/chat/completions HTTP/1.1
        accept: text/event-stream, application/json
        user-agent: oxydra/V
        idempotency-key: key-1
        x-attempt: 1
        authorization: Bearer sk-do-not-print-me
        x-title: header-do-not-print
        content-type: application/json
        host: HOST

        POST /v1/responses HTTP/1.1
        accept: text/event-stream, application/json
        user-agent: oxydra/V
        idempotency-key: key-1
        x-attempt: 1
        authorization: Bearer sk-do-not-print-me
        x-title: header-do-not-print
        content-type: application/json
        host: HOST

        POST /v1/messages HTTP/1.1
        accept: text/event-stream, application/json
        user-agent: oxydra/V
        idempotency-key: key-1
        x-attempt: 1
        anthropic-version: 2023-06-01
        x-api-key: sk-do-not-print-me
        x-title: header-do-not-print
        content-type: application/json
        host: HOST

        POST /v1beta/models/gpt-x:streamGenerateContent?alt=sse HTTP/1.1
        accept: text/event-stream, application/json
        user-agent: oxydra/V
        idempotency-key: key-1
        x-attempt: 1
        x-goog-api-key: sk-do-not-print-me
        x-title: header-do-not-print
        content-type: application/json
        host: HOST

    "#]]
    .assert_eq(&heads);
}
