//! How a branch ends.
use domain::SessionId;
use engine::prelude::*;

/// The session is there.
#[state]
#[derive(Debug, PartialEq)]
pub struct Branched {
    /// Which.
    pub session: SessionId,
}

/// There is no new session.
#[state]
#[derive(Debug, PartialEq)]
pub struct Unbranched {
    /// Why.
    pub why: String,
}

impl From<Stop> for Unbranched {
    fn from(stop: Stop) -> Self {
        Unbranched { why: stop.why.to_string() }
    }
}
