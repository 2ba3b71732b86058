//! What is asked, what comes back, and what a server may be taken to remember.
mod answers;
mod memory;

use super::*;
use crate::{
    Api,
    wire::tests::{self as kit, question, user},
};

fn wire() -> Responses {
    Responses::new(&kit::server(Api::Responses, "gpt-x")).expect("it can be asked")
}
