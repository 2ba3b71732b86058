//! What is recorded before a call that is never repeated: what a person is shown when nobody else can tell whether it
//! happened.
use domain::ToolCall;
use durable::durable;
use policy::{Approved, Evidence};

/// A call that was about to be carried out.
#[durable]
#[derive(Clone, Debug, PartialEq)]
pub struct Intent {
    /// The call.
    pub call: ToolCall,
    /// What was seen before it began.
    pub evidence: Evidence,
}

impl Intent {
    pub(crate) fn of(approved: &Approved, evidence: Evidence) -> Intent {
        Intent { call: approved.call().clone(), evidence }
    }

    /// What is known, in words for a person.
    pub fn words(&self) -> String {
        let Evidence { before, after } = &self.evidence;
        match (before, after) {
            (None, None) => "nothing can be seen of it from here".to_owned(),
            (before, after) => format!("before it: {}, after it: {}", mark(before), mark(after)),
        }
    }
}

fn mark(mark: &Option<String>) -> &str {
    mark.as_deref().unwrap_or("unknown")
}
