//! What a turn needs from outside. It is not journalled: after a restart the same turn goes on with the ports of the new
//! process.
use domain::{AnswerForm, Conversation, Gauge, Model, Toolbox, UserId};
use policy::{Executor, Scrubber};
use std::{error::Error, sync::Arc};

/// What a turn needs from outside. One set serves the turns of all users, so what belongs to one is asked for by name.
pub struct Ports {
    /// Who answers.
    pub model: Arc<dyn Model>,
    /// What may be proposed.
    pub tools: Arc<dyn Toolbox>,
    /// Where calls are carried out.
    pub workshop: Arc<dyn Workshop>,
    /// What was said so far.
    pub conversation: Arc<dyn Conversation>,
    /// What stands before the conversation.
    pub instructions: String,
    /// In which form answers are wanted.
    pub form: AnswerForm,
    /// Who says whether they have it.
    pub gauge: Arc<dyn Gauge>,
}

/// Gives each user a bench of their own. A turn that another process began is carried out for the user who began it.
pub trait Workshop: Send + Sync {
    /// The user's bench.
    ///
    /// # Errors
    /// When the user's workspace cannot be used.
    fn bench(&self, user: &UserId) -> Result<Bench, Box<dyn Error + Send + Sync>>;
}

/// Where the calls of one user are carried out.
#[derive(Clone)]
pub struct Bench {
    /// Who carries out what was approved.
    pub executor: Arc<dyn Executor>,
    /// What takes secrets and host paths out of what tools return.
    pub scrubber: Arc<Scrubber>,
}
