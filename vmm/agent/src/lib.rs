//! The first process of a guest. It obeys whoever holds the other end of the socket, keeps nothing that must last, and
//! decides nothing: policy is on the host.
//!
//! Reading order: [`boot`] makes a system out of a bare kernel; [`serve`] holds one conversation with the host; [`call`] is
//! a command and its output; [`workspace`] is the overlay and what changed in it.
//!
//! It runs threads, not tasks: a guest has few conversations, and a blocked write is exactly the back-pressure that a
//! command should feel.
pub mod boot;
pub mod call;
pub mod changes;
pub mod egress;
pub mod groups;
pub mod hands;
pub mod helper;
pub mod launch;
pub mod orders;
pub mod push;
pub mod reaper;
pub mod ring;
pub mod serve;
pub mod sessions;
pub mod standing;
pub mod status;
pub mod sys;
pub mod workspace;

/// The agent's version, which it says in its first words.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
