//! The client against a server that speaks h2 frame by frame: many requests share one connection, and giving one of them up
//! ends that one alone.
use super::*;
use bytes::Bytes;
use h2::{Reason, SendStream, server};
use std::future::poll_fn;
use tokio::net::{TcpListener, TcpStream};

type Connection = server::Connection<TcpStream, Bytes>;

async fn listen() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}/v1", listener.local_addr().expect("it is bound"));
    (listener, Url::parse(&url).expect("it is one"))
}

/// Accepts a connection; there is only one.
async fn connected(listener: &TcpListener) -> Connection {
    let (stream, _) = listener.accept().await.expect("somebody connects");
    server::handshake(stream).await.expect("it speaks h2")
}

/// Answers a request with a head and a first word, and leaves it open.
async fn begin(connection: &mut Connection, word: &'static str) -> SendStream<Bytes> {
    let (request, mut respond) = connection.accept().await.expect("a request").expect("it is whole");
    assert_eq!((request.uri().path(), request.version()), ("/v1", hyper::Version::HTTP_2));
    let head = hyper::Response::builder().status(200).body(()).expect("it is a head");
    let mut stream = respond.send_response(head, false).expect("it is sent");
    stream.send_data(Bytes::from_static(word.as_bytes()), false).expect("it is sent");
    stream
}

async fn next(response: &mut Response) -> Option<Bytes> {
    response.body.next().await.map(|piece| piece.expect("it is whole"))
}

#[tokio::test]
async fn streams_of_one_server_share_a_connection_and_run_side_by_side() {
    let (listener, url) = listen().await;
    let client = Client::over_h2(Options::default());
    let asking = async {
        let first = client.post_json(&url, &[], b"{}".to_vec()).await.expect("it is answered");
        // The first is open while the others are asked: they wait for nothing.
        let (second, third) = futures::join!(
            client.post_json(&url, &[], b"{}".to_vec()),
            client.post_json(&url, &[], b"{}".to_vec())
        );
        let mut open = [first, second.expect("it is answered"), third.expect("it is answered")];
        let mut words = Vec::new();
        for response in open.iter_mut().rev() {
            words.push(next(response).await.expect("there is a word"));
        }
        words
    };
    let answering = async {
        let mut connection = connected(&listener).await;
        let mut open = Vec::new();
        for _ in 0..3 {
            open.push(begin(&mut connection, "word").await);
        }
        // The connection works while it is polled.
        let _ = connection.accept().await;
        drop(open);
    };
    let words = tokio::select! {
        words = asking => words,
        () = answering => unreachable!("the client keeps its connection"),
    };
    assert_eq!(words, ["word"; 3]);
}

#[tokio::test]
async fn giving_one_up_resets_its_stream_and_leaves_the_others_alone() {
    let (listener, url) = listen().await;
    let client = Client::over_h2(Options::default());
    let (say, mut told) = tokio::sync::mpsc::channel(1);
    let asking = async {
        let mut kept = client.post_json(&url, &[], b"{}".to_vec()).await.expect("it is answered");
        let mut given_up = client.post_json(&url, &[], b"{}".to_vec()).await.expect("it is answered");
        assert_eq!(
            (next(&mut kept).await.as_deref(), next(&mut given_up).await.as_deref()),
            (Some(&b"one"[..]), Some(&b"two"[..]))
        );
        drop(given_up);
        assert_eq!(told.recv().await, Some(Reason::CANCEL), "the server is told");
        let mut rest = Vec::new();
        while let Some(piece) = next(&mut kept).await {
            rest.extend(piece);
        }
        rest
    };
    let answering = async {
        let mut connection = connected(&listener).await;
        let mut kept = begin(&mut connection, "one").await;
        let mut given_up = begin(&mut connection, "two").await;
        let reset = async {
            let reason = poll_fn(|cx| given_up.poll_reset(cx)).await.expect("it is reset");
            kept.send_data(Bytes::from_static(b" more"), true).expect("the other is open");
            say.send(reason).await.expect("somebody listens");
        };
        futures::join!(reset, async { while connection.accept().await.is_some() {} });
    };
    let rest = tokio::select! {
        rest = asking => rest,
        () = answering => unreachable!("the client keeps its connection"),
    };
    assert_eq!(rest, b" more");
}
