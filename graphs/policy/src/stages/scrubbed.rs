//! A call's result as the model may see it and the journal may hold it.
use domain::{CallOutcome, Message, ToolCall};
use engine::sealed;

/// A finished call without secrets and host paths in its output.
#[sealed]
#[derive(Debug)]
pub struct Scrubbed {
    pub(super) position: u32,
    pub(super) call: ToolCall,
    pub(super) outcome: CallOutcome,
    pub(super) text: String,
}

impl Scrubbed {
    /// Returns what the model is told.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns how the call came out.
    pub fn outcome(&self) -> CallOutcome {
        self.outcome
    }

    /// Returns the call's place among the calls of its answer.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// Returns the message that answers the call.
    pub fn message(&self) -> Message {
        Message::Tool {
            position: self.position,
            call: self.call.clone(),
            outcome: self.outcome,
            text: self.text.clone(),
        }
    }
}
