//! The built-in **rehearsal** model: deterministic, honest about what it is, no account needed. It thinks nothing: it
//! reads plain requests by a small printed grammar and answers through the same stream as every other model.
//!
//! ```text
//! question ─ parse ─▶ plan ─ next ─▶ move ─ stream ─▶ fragments
//!            forms            past, found, recall, say
//! ```
//! - `parse` reads the last request with the table of `forms`: `token` cuts it, `pattern` and `matcher` lay forms over it;
//! - `next` walks the `plan` past the steps that have results, and calls the next tool or says what came of it all;
//! - `stream` says it word by word.
//!
//! It keeps nothing between two questions: a question holds all it needs, so the same question gets the same answer.
mod forms;
mod found;
mod help;
mod matcher;
mod next;
mod parse;
mod past;
mod pattern;
mod plan;
mod recall;
mod say;
mod stream;
#[cfg(test)]
mod tests;
mod token;

pub use help::help;
pub use stream::Pace;

use domain::{Fragment, Model, ModelFault, ModelLimits, Question, Tokens};
use futures::stream::BoxStream;

/// What it is called in `--model`.
pub const ID: &str = "rehearsal";
/// Those of a common model, so that a turn sees common numbers.
const LIMITS: ModelLimits =
    ModelLimits { context_tokens_max: Tokens(128_000), answer_tokens_max: Tokens(16_000) };

/// The rehearsal model.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rehearsal {
    pace: Pace,
}

impl Rehearsal {
    /// Makes a model that speaks at this pace.
    pub fn new(pace: Pace) -> Rehearsal {
        Rehearsal { pace }
    }
}

impl Model for Rehearsal {
    fn id(&self) -> &str {
        ID
    }
    fn limits(&self) -> ModelLimits {
        LIMITS
    }
    fn ask(&self, question: Question) -> BoxStream<'static, Result<Fragment, ModelFault>> {
        stream::stream(next::next(&question), &question, self.pace)
    }
}
