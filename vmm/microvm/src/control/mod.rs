//! What is said to a running monitor: one JSON object per line, over a Unix socket that only its owner may open. Types
//! and their reading; sockets are not opened here.
//!
//! ```text
//! > {"v":1,"id":7,"do":"snapshot","name":"golden"}
//! < {"v":1,"id":7,"ok":{"phase":"paused"}}
//! > {"v":1,"do":"dance"}
//! < {"v":1,"error":{"kind":"refused","message":"there is no command `dance`: try boot, …"}}
//! ```
mod protocol;

pub use protocol::{
    Answer, Command, ErrorKind, Extent, LINE_MAX, Outcome, Phase, Refusal, Reply, Request, Stats, VERSION,
};
