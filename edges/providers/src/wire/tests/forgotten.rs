//! A server that has forgotten what a question builds upon is sent all of it, once.
use super::server::{Does, Server, status, stream};
use super::*;
use domain::{Json, Message, Model, ProviderState};
use futures::StreamExt;

const DONE: &str = r#"{"type":"response.completed","response":{"id":"resp_2","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}]}}"#;

/// A conversation whose last answer the server is taken to hold.
fn held(origin: &str) -> Vec<Message> {
    let past = Past::of(&[user("one")]).written();
    let body = Json::printed(format!(r#"{{"id":"resp_1","session":"s","past":"{past}"}}"#));
    let state = Some(ProviderState { of: origin.into(), body });
    vec![user("one"), Message::Assistant { text: "two".into(), calls: vec![], state }, user("three")]
}

async fn asked(refusal: &str, then: Option<String>) -> (Vec<String>, String) {
    let server = Server::of(crate::Api::Responses).await;
    let asking = server.model.ask(question(held("responses 127.0.0.1 gpt-x"))).collect::<Vec<_>>();
    let answering = async {
        let mut bodies = vec![server.serve(status("400 Bad Request", "", refusal)).await];
        if let Some(then) = then {
            bodies.push(server.serve(Does::Says(then)).await);
        }
        bodies
            .into_iter()
            .map(|request| request.split_once("\r\n\r\n").expect("a body").1.to_owned())
            .collect()
    };
    let (bodies, answer) = futures::join!(answering, asking);
    (bodies, format!("{answer:?}"))
}

#[tokio::test]
async fn the_whole_conversation_is_sent_where_the_id_is_not_known() {
    for refusal in [
        r#"{"error":{"message":"Previous response with id 'resp_1' not found.","type":"invalid_request_error","param":"previous_response_id","code":"previous_response_not_found"}}"#,
        r#"{"error":{"message":"Invalid `previous_response_id`.","type":"invalid_request_error","code":"invalid_request_error"}}"#,
        r#"{"detail":"Unsupported parameter: previous_response_id"}"#,
    ] {
        let (bodies, answer) = asked(refusal, Some(stream(&[DONE]))).await;
        assert!(
            bodies[0].contains(r#""previous_response_id":"resp_1""#) && !bodies[0].contains("two"),
            "{bodies:?}"
        );
        assert!(!bodies[1].contains("previous_response_id") && bodies[1].contains("two"), "{bodies:?}");
        assert!(answer.contains(r#"Text("hi")"#) && answer.contains("resp_2"), "{answer}");
    }
}

#[tokio::test]
async fn any_other_refusal_stands() {
    let (bodies, answer) =
        asked(r#"{"error":{"message":"too long","type":"invalid_request_error"}}"#, None).await;
    assert!(bodies.len() == 1 && answer.contains("too long"), "{answer}");
}
