//! The host's side of a guest. It speaks with the agent over the monitor's socket, sends a tree there, and brings back what
//! a call changed. It decides nothing: whether changes are applied is asked of policy or of a person, not here.
//!
//! Everything blocks: who needs more conversations opens more, each in a thread of its own. Nothing that a guest says is
//! trusted; what it sends is bounded, and what is applied cannot lead out of the workspace.
mod apply;
mod changes;
mod conversation;
mod dial;
mod egress;
mod root;
mod tree;

pub use apply::{ApplyError, Cause, Conflict};
pub use changes::{Change, Changes, Limits};
pub use conversation::{Conversation, GuestError, Input};
pub use dial::dial;
pub use egress::{carry, egress_socket};
pub use tree::{Delta, Tree};
