//! The port to a model.
use crate::{Fragment, Json, Message, SessionId, Tokens, ToolSpec};
use futures::stream::BoxStream;
use std::time::Duration;

/// In which form an answer is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AnswerForm {
    /// As the model likes.
    #[default]
    Free,
    /// A JSON object.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema(Json),
}

/// Holds answers against the form that is wanted of them.
pub trait Gauge: Send + Sync {
    /// Says what is wrong with an answer, in words that its model can mend it by; `None` if it has the form.
    fn misfit(&self, answer: &str) -> Option<String>;
}

/// Lets every answer pass: none has to have a form.
#[derive(Debug, Clone, Copy)]
pub struct AnyForm;

impl Gauge for AnyForm {
    fn misfit(&self, _: &str) -> Option<String> {
        None
    }
}

/// How much a model shall think before it answers, where its API wants to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thinking {
    /// Not at all, where that can be asked for.
    Off,
    /// As much as it finds right, and shown.
    Free,
    /// So much of what it could.
    Effort(Effort),
    /// So many tokens at most, where the API takes a number.
    UpTo(Tokens),
}

/// How much of what it could a model shall think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
}

impl Effort {
    /// The word for it, the same at all providers.
    pub fn word(self) -> &'static str {
        match self {
            Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
        }
    }
    /// What Google's server makes of the word, for APIs that take a number alone.
    pub fn tokens(self) -> Tokens {
        match self {
            Effort::Low => Tokens(1_024),
            Effort::Medium => Tokens(8_192),
            Effort::High => Tokens(24_576),
        }
    }
}

/// What a model is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The session: a model that keeps state keeps it per session.
    pub session: SessionId,
    /// What stands before the conversation.
    pub instructions: String,
    /// The conversation, oldest first, whole: each call is followed by its one result.
    pub messages: Vec<Message>,
    /// What it may call.
    pub tools: Vec<ToolSpec>,
    /// The most it may write.
    pub answer_tokens_max: Tokens,
    /// In which form it shall answer.
    pub form: AnswerForm,
    /// The same for every attempt at this question.
    pub key: String,
    /// The number of this attempt, from 1.
    pub attempt: u32,
}

/// What a model can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelLimits {
    /// What it reads and writes together.
    pub context_tokens_max: Tokens,
    /// What it writes.
    pub answer_tokens_max: Tokens,
}

/// A model did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelFault {
    /// The question is at fault; asking again changes nothing.
    #[error("the model refused the question: {0}")]
    Refused(String),
    /// The model does not answer us, whatever we ask: no key, no money, no such model. Another one may.
    #[error("the model cannot be used: {0}")]
    Closed(String),
    /// The model is busy or out of reach; asking again may help.
    #[error("the model is unavailable: {why}")]
    Unavailable {
        /// What happened.
        why: String,
        /// How long it asked us to wait.
        retry_after: Option<Duration>,
    },
    /// The model was not asked: there was no connection, or it turned us away at the door. Nothing was used up, and asking
    /// again may help.
    #[error("the model is unavailable: {why}")]
    Unreached {
        /// What happened.
        why: String,
        /// How long it asked us to wait.
        retry_after: Option<Duration>,
    },
    /// The model answered what is no answer.
    #[error("the model broke its protocol: {0}")]
    Broken(String),
}

/// A model that answers questions in fragments.
pub trait Model: Send + Sync {
    /// Its id, as a user would name it.
    fn id(&self) -> &str;
    /// What it can take.
    fn limits(&self) -> ModelLimits;
    /// Asks. Dropping the stream ends the call.
    fn ask(&self, question: Question) -> BoxStream<'static, Result<Fragment, ModelFault>>;
}
