//! What is asked, what comes back, and how signatures get from the one to the other.
mod answers;
mod asked;

use super::*;
use crate::{
    Api,
    wire::tests::{self as kit, call, question, user},
};
use domain::Message;
use serde_json::Value;

fn wire(model: &str) -> Gemini {
    Gemini::new(&kit::server(Api::Gemini, model)).expect("it can be asked")
}

/// The body that is sent for a question.
fn sent(question: &Question, model: &str) -> Value {
    wire(model).written(question, Context::New).expect("it can be asked").body
}
