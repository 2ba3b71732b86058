//! Models on this machine: who answers, whether they call tools, and how large their window really is, by what each server
//! tells of itself. It looks only where it is told to, asks nothing of a model, and gives up at once where nobody listens.
//!
//! - [`first`] finds a server among addresses, and the model to ask there.
//! - [`about`] looks at a server that is configured.
//! - `kinds` reads what Ollama, llama.cpp, LM Studio and others say; it is pure.
mod kinds;
mod probe;

pub use probe::{about, client, first};

use domain::Tokens;
use http::Url;
use std::fmt;

/// What is assumed of a window that nobody tells the size of: what the most careful of these servers gives a model.
pub const CONTEXT_ASSUMED: Tokens = Tokens(4_096);

/// A program that serves models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ollama.
    Ollama,
    /// The server of llama.cpp.
    LlamaCpp,
    /// LM Studio.
    LmStudio,
    /// Something else that lists its models as OpenAI does.
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Ollama => "Ollama",
            Kind::LlamaCpp => "llama.cpp",
            Kind::LmStudio => "LM Studio",
            Kind::Other => "a server",
        })
    }
}

/// A model on a server, with what the server tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What serves it.
    pub kind: Kind,
    /// Where: the root, without the path of an API.
    pub root: Url,
    /// Its id there.
    pub model: String,
    /// How much it really takes; `None` when the server does not tell.
    pub context: Option<Tokens>,
    /// Whether it calls tools; `None` when the server does not tell.
    pub calls_tools: Option<bool>,
}
