//! Servers of the test's own, on ports of its own, and what is found at them.
use super::*;
use expect_test::{Expect, expect};
use std::sync::Arc;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Answers these paths with these texts, everything else with 404. It ends with the test.
async fn serve(paths: &'static [(&'static str, &'static str)]) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port for the test");
    let url = format!("http://{}/v1", listener.local_addr().expect("it has one"));
    tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let read = stream.read(&mut request).await.unwrap_or_default();
                let line = String::from_utf8_lossy(&request[..read]);
                let path = line.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
                let found = paths.iter().find(|(known, _)| *known == path);
                let (status, body) = found.map_or(("404 Not Found", "{}"), |(_, body)| ("200 OK", body));
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    Url::parse(&url).expect("it is one")
}

/// An address at which nobody listens.
async fn nobody() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port for the test");
    let url = format!("http://{}", listener.local_addr().expect("it has one"));
    Url::parse(&url).expect("it is one")
}

fn said(found: Option<Found>) -> String {
    let Some(Found { kind, root: _, model, context, calls_tools }) = found else { return "nobody".into() };
    format!("{kind}: {model}, {:?} tokens, tools {calls_tools:?}", context.map(|tokens| tokens.0))
}

async fn check(paths: &'static [(&'static str, &'static str)], model: &str, chosen: Expect, named: Expect) {
    let (client, server) = (Arc::new(client()), serve(paths).await);
    let servers = [nobody().await, server.clone()];
    chosen.assert_eq(&said(first(&client, &servers).await));
    named.assert_eq(&said(about(&client, &server, model).await));
}

#[tokio::test]
async fn ollama_is_known_by_its_version_and_asked_what_it_shows() {
    check(
        &[
            ("api/version", r#"{"version": "0.12.3"}"#),
            ("v1/models", r#"{"data": [{"id": "small"}]}"#),
            ("api/tags", r#"{"models": [{"model": "small:latest"}, {"model": "large:70b"}]}"#),
            ("api/ps", r#"{"models": [{"model": "large:70b", "context_length": 8192}]}"#),
            (
                "api/show",
                r#"{"capabilities": ["completion", "tools"], "model_info": {"x.context_length": 131072}}"#,
            ),
        ],
        "small",
        expect!["Ollama: large:70b, Some(8192) tokens, tools Some(true)"],
        expect!["Ollama: small, None tokens, tools Some(true)"],
    )
    .await;
}

#[tokio::test]
async fn llama_cpp_has_one_model_whatever_it_is_called() {
    check(
        &[
            ("props", r#"{"default_generation_settings": {"n_ctx": 6144}, "chat_template_caps": {"supports_tools": true}}"#),
            ("v1/models", r#"{"data": [{"id": "/models/q.gguf"}]}"#),
        ],
        "mine",
        expect!["llama.cpp: /models/q.gguf, Some(6144) tokens, tools Some(true)"],
        expect!["llama.cpp: mine, Some(6144) tokens, tools Some(true)"],
    )
    .await;
}

#[tokio::test]
async fn lm_studio_is_known_by_its_own_list() {
    check(
        &[
            ("v1/models", r#"{"data": [{"id": "a"}, {"id": "b"}]}"#),
            ("api/v0/models", r#"{"data": [{"id": "a", "type": "llm", "max_context_length": 9, "state": "not-loaded"}, {"id": "b", "type": "llm", "max_context_length": 9, "loaded_context_length": 5, "state": "loaded", "capabilities": ["tool_use"]}]}"#),
        ],
        "a",
        expect!["LM Studio: b, Some(5) tokens, tools Some(true)"],
        expect!["LM Studio: a, None tokens, tools None"],
    )
    .await;
}

#[tokio::test]
async fn others_are_known_by_their_list_and_strangers_by_none() {
    check(
        &[("v1/models", r#"{"data": [{"id": "v", "max_model_len": 32768}]}"#)],
        "v",
        expect!["a server: v, Some(32768) tokens, tools None"],
        expect!["a server: v, Some(32768) tokens, tools None"],
    )
    .await;
    check(
        &[("v1/models", r#"{"data": []}"#)],
        "v",
        expect!["nobody"],
        expect!["a server: v, None tokens, tools None"],
    )
    .await;
    check(&[("", "<html>hello</html>"), ("v1/models", "no JSON")], "v", expect!["nobody"], expect!["nobody"])
        .await;
}

#[tokio::test]
async fn where_nobody_listens_nothing_is_found() {
    let client = client();
    assert_eq!(first(&client, &[nobody().await, nobody().await]).await, None);
    assert_eq!(first(&client, &[]).await, None);
    assert_eq!(about(&client, &nobody().await, "m").await, None);
}
