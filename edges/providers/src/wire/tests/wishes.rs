//! What a key asks for, and a server does not take.
use super::server::{Server, status};
use super::*;
use crate::Fixed;
use domain::Model;
use futures::StreamExt;
use std::sync::Arc;

#[tokio::test]
async fn a_wish_that_a_server_turns_down_names_its_key() {
    let asked = async |body: &str| {
        let credentials = Arc::new(Fixed(None));
        let server = Server::thinking(crate::Api::Chat, credentials, Some(domain::Thinking::Off)).await;
        let asking = server.model.ask(question(vec![user("hi")])).collect::<Vec<_>>();
        let (_, answer) = futures::join!(server.serve(status("400 Bad Request", "", body)), asking);
        match answer.into_iter().next_back() {
            Some(Err(ModelFault::Refused(why))) => why,
            other => panic!("it is refused: {other:?}"),
        }
    };
    let long = "x".repeat(2_000);
    let said = asked(&format!(
        r#"{{"error":{{"message":"none is not supported {long}","param":"reasoning_effort"}}}}"#
    ))
    .await;
    assert!(said.starts_with("it does not take `selection.thinking = off`: write low"), "{said}");
    assert!(said.contains("the server answered 400: none is not supported"), "{said}");
    let said = asked(r#"{"error":{"message":"too long"}}"#).await;
    assert_eq!(said, "the server answered 400: too long");
}
