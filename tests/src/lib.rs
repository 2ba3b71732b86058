//! The harness of the flows: a home of its own for each test, the binary as a process, and its frames checked as they
//! come. It knows the command line and the wire, nothing of what is inside.
mod binary;
mod place;
mod process;
mod promised;
mod seen;
mod skipped;

pub use binary::monitor;
pub use place::Place;
pub use process::{Done, Oxydra, Running};
pub use promised::PROMISED;
pub use seen::{Ended, Seen, turns};
pub use skipped::skipped;
