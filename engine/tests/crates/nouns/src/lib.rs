//! What two graphs in two crates ask of each other: nouns only, they know neither each other nor the engine.
use durable::{durable, request};

/// Asks for a number to be brought down to nothing, by asking somebody else for the next smaller one.
#[request(Answered)]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Down {
    /// From where.
    pub from: u32,
}

/// The same, of the other graph.
#[request(Answered)]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Further {
    /// From where.
    pub from: u32,
}

/// What comes back.
#[durable]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answered {
    /// Who was asked, from the first to the last.
    By(Vec<String>),
    /// Somebody could not.
    Failed(String),
}
