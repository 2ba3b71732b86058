//! What is said to a running monitor: one JSON object per line, over a Unix socket that only its owner may open. Requests
//! of a connection are answered in order, so that whoever waits and wants something else meanwhile makes another one. A line
//! that is no request is answered with what is wrong with it.
//!
//! ```text
//! > {"v":1,"id":7,"do":"snapshot","name":"golden"}
//! < {"v":1,"id":7,"ok":{"phase":"agent_ready"}}
//! > {"v":1,"do":"dance"}
//! < {"v":1,"error":{"kind":"refused","message":"there is no command `dance`: try boot, …"}}
//! ```
mod client;
mod peer;
mod protocol;
mod server;

pub use client::{AskError, ask};
pub use protocol::{
    Answer, Command, ErrorKind, Extent, LINE_MAX, Outcome, Phase, Refusal, Reply, Request, Stats, VERSION,
};
pub(crate) use server::Server;
