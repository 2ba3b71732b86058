//! `bench providers`: what our client of a model adds to the first word of an answer, how fast answers are read, and what
//! many of them at once take. The server is a loop of this program on loopback: it thinks nothing.
mod bodies;
mod first;
mod many;
mod parsers;
mod server;

pub(crate) use first::rows as first;
pub(crate) use many::rows as many;
pub(crate) use parsers::rows as parsers;

use domain::{AnswerForm, Message, ModelLimits, Question, SessionId, Tokens};
use http::{Client, Options, Url};
use providers::{Api, Fixed, Remote, Server};
use std::{net::SocketAddr, sync::Arc};

/// The APIs, as a table names them.
const APIS: [(Api, &str); 4] = [
    (Api::Chat, "chat completions"),
    (Api::Responses, "responses"),
    (Api::Messages, "messages"),
    (Api::Gemini, "Gemini"),
];

/// A model of this API behind the server.
fn remote(api: Api, address: SocketAddr) -> Remote {
    let tokens = Tokens(1_000_000);
    let server = Server {
        api,
        base_url: Url::parse(&format!("http://{address}")).expect("an address of ours is one"),
        credentials: Arc::new(Fixed(None)),
        model: "m".to_owned(),
        limits: ModelLimits { context_tokens_max: tokens, answer_tokens_max: tokens },
        sizes: None,
        headers: Vec::new(),
        thinking: None,
        streams: true,
    };
    Remote::new(Client::new(Options::default()), server).expect("its address can be used")
}

/// A conversation of some length: it is written anew for each request.
fn question() -> Question {
    let said =
        "A message of some length, as people and models write them, with a few words more. ".repeat(10);
    Question {
        session: SessionId::parse("bench").expect("it is one"),
        instructions: said.clone(),
        messages: vec![
            Message::user(said.clone()),
            Message::assistant(said.clone(), vec![]),
            Message::user(said),
        ],
        tools: Vec::new(),
        answer_tokens_max: Tokens(1_000),
        form: AnswerForm::Free,
        key: "key".to_owned(),
        attempt: 1,
    }
}
