//! Model APIs behind the port `domain::Model`, one folder each. It executes no tool and knows no session: a question goes
//! in, fragments come out.
//!
//! - [`rehearsal`] is built in: no account, no network, the same answer every time.
mod patient;
pub mod rehearsal;

pub use patient::Patient;
