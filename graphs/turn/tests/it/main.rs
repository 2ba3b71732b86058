//! The turn graph, told as stories: a scripted model, a few tools, a journal in memory, and a printed trace.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
mod answers;
mod calls;
mod cancels;
mod chance;
mod crashes;
mod doubts;
mod faults;
mod forks;
mod heard;
mod life;
mod limits;
mod misfits;
mod script;
mod shown;
mod tools;
mod versions;
mod world;
