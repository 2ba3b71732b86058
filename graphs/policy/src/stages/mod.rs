//! The stages of a tool call as types. A stage is made by the transition before it and by nothing else.
//!
//! ```text
//! Proposed ─judge─> Judged ─approve─> Approved ─dispatch(Ticket)─> Journalled ─ran─> Executed ─scrub─> Scrubbed
//!                      └───────────> Refusal
//! ```
//! What the model wrote is [`Proposed`]; facts about it make it [`Judged`]; the gate makes it [`Approved`] or a
//! [`Refusal`]; with the engine's ticket, the proof that its beginning is on disk, it is [`Journalled`], which is all
//! that an [`Executor`] accepts; what came back is [`Executed`], which has no accessor for its text; and only
//! [`Scrubbed`] can be shown to a model. Proposed, Judged, Approved, Refusal and Scrubbed are stored; the two in between
//! live inside the effect, so raw output is never on disk. No stage can be cloned or made from nothing.
mod approved;
mod judged;
mod proposed;
mod refusal;
mod running;
mod scrubbed;

pub use approved::{Approved, Stale};
pub use judged::Judged;
pub use proposed::Proposed;
pub use refusal::{Refusal, Ruling};
pub use running::{Evidence, Executed, Executor, Journalled, Probe, RawOutput};
pub use scrubbed::Scrubbed;

#[cfg(test)]
mod tests;
