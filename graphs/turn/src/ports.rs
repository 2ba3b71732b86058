//! What a turn needs from outside. It is not journalled: after a restart the same turn goes on with the ports of the new
//! process.
use domain::{Conversation, Model, Toolbox};
use policy::{Executor, Scrubber};
use std::sync::Arc;

/// What a turn needs from outside.
pub struct Ports {
    /// Who answers.
    pub model: Arc<dyn Model>,
    /// What may be proposed.
    pub tools: Arc<dyn Toolbox>,
    /// Who carries out what was approved.
    pub executor: Arc<dyn Executor>,
    /// What was said so far.
    pub conversation: Arc<dyn Conversation>,
    /// What takes secrets out of what tools return.
    pub scrubber: Scrubber,
    /// What stands before the conversation.
    pub instructions: String,
}
