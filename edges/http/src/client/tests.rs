//! The client against a server that does what a test tells it, byte by byte.
use super::*;
use expect_test::expect;
use futures::future::BoxFuture;
use std::{io, net::IpAddr};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

async fn listen() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    (listener, Url::parse(&format!("http://127.0.0.1:{port}/v1")).expect("it is one"))
}

/// Accepts a connection and reads a request whose body ends with `}`.
async fn request_of(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = listener.accept().await.expect("somebody connects");
    let read = read_request(&mut stream).await;
    (stream, read)
}
async fn read_request(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"}") {
        assert_ne!(stream.read_buf(&mut read).await.expect("it is read"), 0, "the request was cut off");
    }
    String::from_utf8(read).expect("it is text")
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

/// A clock that stands still would jump over a connection that is being made, so only what is meant to run out is short.
fn patient() -> Options {
    let long = Duration::from_secs(1_000_000);
    Options {
        connect_timeout: long,
        head_timeout: long,
        total_timeout: long,
        addresses: Arc::new(SystemAddresses),
    }
}

async fn text(mut response: Response) -> Result<String, HttpFault> {
    let mut text = String::new();
    while let Some(piece) = response.body.next().await {
        text.push_str(&String::from_utf8_lossy(&piece?));
    }
    assert!(response.body.next().await.is_none(), "the end stays the end");
    Ok(text)
}

#[tokio::test]
async fn a_request_arrives_as_it_was_meant_and_its_connection_is_used_again() {
    let (listener, url) = listen().await;
    let client = Client::new(patient());
    let headers = [Header::new("Authorization", "Bearer k").expect("it can be sent")];
    let asking = async {
        for _ in 0..2 {
            let response = client.post_json(&url, &headers, b"{}".to_vec()).await.expect("it is answered");
            assert_eq!(
                (response.status, text(response).await.expect("it is whole").as_str()),
                (200, "hello")
            );
        }
    };
    let answering = async {
        let (mut stream, request) = request_of(&listener).await;
        let host = url.to_string().replace("http://", "").replace("/v1", "");
        let request =
            request.replace(&host, "HOST").replace(env!("CARGO_PKG_VERSION"), "V").replace('\r', "");
        expect![[r#"
            POST /v1 HTTP/1.1
            accept: text/event-stream, application/json
            user-agent: oxydra/V
            authorization: Bearer k
            content-type: application/json
            host: HOST
            content-length: 2

            {}"#]]
        .assert_eq(&request);
        stream.write_all(ANSWER).await.expect("it is written");
        read_request(&mut stream).await;
        stream.write_all(ANSWER).await.expect("it is written");
    };
    futures::join!(asking, answering);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let (listener, url) = listen().await;
    let client = Client::new(patient());
    let asking = client.post_json(&url, &[], b"{}".to_vec());
    let answering = async {
        let (mut stream, _) = request_of(&listener).await;
        let elsewhere = b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(elsewhere).await.expect("it is written");
    };
    let (response, ()) = futures::join!(asking, answering);
    let response = response.expect("it is answered");
    assert_eq!((response.status, response.header("Location")), (307, Some("http://169.254.169.254/")));
}

#[tokio::test]
async fn dropping_the_future_or_the_body_closes_the_connection() {
    let (listener, url) = listen().await;
    let client = Client::new(patient());

    let asking = tokio::spawn({
        let (client, url) = (client.clone(), url.clone());
        async move { client.post_json(&url, &[], b"{}".to_vec()).await.map(drop) }
    });
    let (mut stream, _) = request_of(&listener).await;
    asking.abort();
    assert_eq!(stream.read(&mut [0; 8]).await.expect("it is read"), 0, "the end of the connection is seen");

    let asking = client.post_json(&url, &[], b"{}".to_vec());
    let answering = async {
        let (mut stream, _) = request_of(&listener).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n")
            .await
            .expect("it is written");
        stream
    };
    let (response, mut stream) = futures::join!(asking, answering);
    let mut response = response.expect("it is answered");
    assert_eq!(response.body.next().await.expect("there is a piece").expect("it is whole"), "hi");
    drop(response);
    // Reading may end with the end or a reset: it was closed either way.
    assert!(matches!(stream.read(&mut [0; 8]).await, Ok(0) | Err(_)));
}

#[tokio::test]
async fn what_goes_wrong_is_told_apart() {
    let (listener, url) = listen().await;
    let client = Client::new(patient());
    let asking = async {
        let response = client.post_json(&url, &[], b"{}".to_vec()).await?;
        text(response).await
    };
    let answering = async {
        let (mut stream, _) = request_of(&listener).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf").await.expect("it is written");
    };
    let (cut, ()) = futures::join!(asking, answering);
    assert!(matches!(cut, Err(HttpFault::Broken { .. })), "{cut:?}");

    drop(listener);
    let refused = client.post_json(&url, &[], b"{}".to_vec()).await.map(drop).expect_err("nobody listens");
    assert!(matches!(refused, HttpFault::Unreachable { .. }), "{refused:?}");
    let said = refused.in_full();
    assert!(said.starts_with("cannot reach 127.0.0.1 (") && said.contains("Connection refused"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stays_silent_is_given_up_on() {
    let (_listener, url) = listen().await;
    let client = Client::new(Options { head_timeout: Duration::from_secs(7), ..patient() });
    let late = client.post_json(&url, &[], b"{}".to_vec()).await.map(drop).expect_err("nobody answers");
    assert_eq!(late.in_full(), "127.0.0.1 took longer than 7 s to answer");
}

#[tokio::test]
async fn an_answer_that_never_ends_is_given_up_on() {
    let (listener, url) = listen().await;
    let client = Client::new(Options { total_timeout: Duration::from_millis(250), ..patient() });
    let asking = async { text(client.post_json(&url, &[], b"{}".to_vec()).await?).await };
    let answering = async {
        let (mut stream, _) = request_of(&listener).await;
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n")
            .await
            .expect("it is written");
        stream.read(&mut [0; 8]).await
    };
    let (late, _) = futures::join!(asking, answering);
    let said = late.expect_err("it does not end").in_full();
    assert_eq!(said, "127.0.0.1 took longer than 0.25 s to finish its answer");
}

/// Leads everywhere to one address, and nowhere if that is none.
struct Pinned(Option<IpAddr>);
impl Addresses for Pinned {
    fn of<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async { Ok(self.0.into_iter().collect()) })
    }
}

#[tokio::test]
async fn a_name_leads_where_the_addresses_say_and_a_literal_gets_by_nothing() {
    let (listener, url) = listen().await;
    let local: IpAddr = "127.0.0.1".parse().expect("it is one");
    let named = Url::parse(&url.to_string().replace("127.0.0.1", "pinned.invalid")).expect("it is one");
    let client = Client::new(Options { addresses: Arc::new(Pinned(Some(local))), ..patient() });
    let asking = client.post_json(&named, &[], b"{}".to_vec());
    let answering = async {
        let (mut stream, request) = request_of(&listener).await;
        assert!(request.contains("host: pinned.invalid:"), "{request}");
        stream.write_all(ANSWER).await.expect("it is written");
    };
    assert_eq!(futures::join!(asking, answering).0.expect("it is answered").status, 200);

    let client = Client::new(Options { addresses: Arc::new(Pinned(None)), ..patient() });
    let refused =
        client.post_json(&url, &[], b"{}".to_vec()).await.map(drop).expect_err("it must not go there");
    assert!(refused.in_full().contains("requests must not go to 127.0.0.1"), "{}", refused.in_full());
}
