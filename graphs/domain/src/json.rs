//! JSON as the journal holds it: canonical text. Parsing and printing are done at the edges.
use durable::durable;

/// A JSON text. It is whatever the edge that made it parsed; this type only carries it.
#[durable]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Json(String);

/// The text is not JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not JSON: {0}")]
pub struct NotJson(pub String);

impl Json {
    /// Carries a text that its caller has printed from a JSON value.
    pub fn printed(text: String) -> Json {
        Json(text)
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
