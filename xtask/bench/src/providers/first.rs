//! The first word of an answer: through our client, and through hyper's own on the same server.
use super::{APIS, bodies, question, remote, server};
use crate::{
    Scale,
    measure::{Pairs, nanos},
    table::{Row, Unit},
};
use domain::{Fragment, Model};
use futures::StreamExt;
use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// What may be added, in nanoseconds.
const ADDED_MAX: f64 = 1e6;

pub(crate) fn rows(scale: &Scale) -> Vec<Row> {
    let runtime = Runtime::new().expect("a runtime starts");
    APIS.iter()
        .map(|(api, name)| {
            let (begin, word, end) = bodies::parts(*api);
            let first = format!("{begin}{word}{end}");
            let script = server::Script {
                first,
                word: String::new(),
                words: 0,
                rest: Duration::ZERO,
                last: String::new(),
            };
            let address = server::serve(script);
            let model = remote(*api, address);
            let mut http = HttpConnector::new();
            http.set_nodelay(true);
            let raw = Client::builder(TokioExecutor::new()).build(http);
            // Both ask with as many bytes.
            let body = Bytes::from(vec![b' '; 3_500]);
            let pairs = Pairs::in_turns(
                scale.patience(),
                || runtime.block_on(ours(&model)),
                || runtime.block_on(theirs(&raw, address, body.clone())),
            );
            let added = pairs.differing(1.0);
            Row::new(format!("first word added, {name}"), Unit::Nanoseconds, &added)
                .at_most_each(ADDED_MAX)
                .note("beyond a request by hyper itself")
        })
        .collect()
}

/// How long the first word takes; the answer is heard out, so that its connection can be used again.
async fn ours(model: &impl Model) -> f64 {
    let began = Instant::now();
    let mut answer = model.ask(question());
    let mut first = None;
    while let Some(fragment) = answer.next().await {
        match fragment.expect("the server answers") {
            Fragment::Text(_) => drop(first.get_or_insert_with(|| began.elapsed())),
            Fragment::Reasoning(_) | Fragment::Call { .. } | Fragment::Usage(_) => {}
            Fragment::Model(_) | Fragment::State(_) | Fragment::Finish(_) => {}
        }
    }
    nanos(first.expect("there is a word"))
}

async fn theirs(client: &Client<HttpConnector, Full<Bytes>>, address: SocketAddr, body: Bytes) -> f64 {
    let began = Instant::now();
    let request = Request::post(format!("http://{address}/")).body(Full::new(body)).expect("it is one");
    let mut response = client.request(request).await.expect("the server answers");
    let mut first = None;
    while let Some(frame) = response.body_mut().frame().await {
        frame.expect("the body is whole");
        first.get_or_insert_with(|| began.elapsed());
    }
    nanos(first.expect("there is a body"))
}
