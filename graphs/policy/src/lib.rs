//! Verdicts from facts, and the stages of a tool call. It does no I/O but resolving and opening workspace files, asks
//! nobody and remembers nothing.
//!
//! - [`stages`]: a call as types: nothing runs that was not judged, approved and journalled, and nothing that a tool
//!   returned is seen before it is scrubbed;
//! - [`scrub`]: secrets and host paths out of text;
//! - [`paths`]: workspace paths, resolved beneath their root by the kernel.
mod gate;
mod nearest;
pub mod paths;
pub mod scrub;
pub mod stages;

pub use nearest::nearest;
pub use paths::{FileError, VirtualPath, Workspace};
pub use scrub::{REDACTED, Scrubber};
pub use stages::{
    Approved, Evidence, Executed, Executor, Journalled, Judged, Probe, Proposed, RawOutput, Refusal, Ruling,
    Scrubbed, Stale,
};
