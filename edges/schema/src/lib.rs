//! Holds JSON against a JSON schema, draft 2020-12. It reads no file and fetches nothing: what a schema names lies within it.
//! A schema that says what is not checked here is refused when it is read, not passed over when an answer comes.
//!
//! - [`Schema::read`] looks at all of a schema: every keyword has the type that it must have, every pattern is one, every
//!   `$ref` leads somewhere in it.
//! - [`Schema::misfits`] says what is wrong with a text that should be JSON of it, in words that a model can mend it by.
//!
//! `format` and what else the standard calls an annotation is not checked.
mod equal;
mod hold;
mod pattern;
mod read;
mod refs;
mod ring;
#[cfg(test)]
mod tests;

use pattern::Patterns;
use serde_json::Value;

/// A JSON schema that answers can be held against.
#[derive(Debug)]
pub struct Schema {
    root: Value,
    patterns: Patterns,
}

/// Why a text is no schema that answers can be held against.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSchema {
    /// It is no JSON.
    #[error("is not JSON: {0}")]
    Json(String),
    /// It is JSON, and not what a schema begins with.
    #[error("is no JSON schema: write an object, such as {{\"type\": \"object\"}}")]
    NoObject,
    /// Something in it is wrong.
    #[error("is no JSON schema that can be checked: {what} at `{at}`")]
    Wrong {
        /// Where, as a JSON pointer behind `#`.
        at: String,
        /// What, and what to write instead.
        what: String,
    },
}

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// When it is no JSON, no schema, or asks for what is not checked here.
    pub fn read(text: &str) -> Result<Schema, BadSchema> {
        let root: Value = serde_json::from_str(text).map_err(|error| BadSchema::Json(error.to_string()))?;
        if !root.is_object() {
            return Err(BadSchema::NoObject);
        }
        let patterns = read::checked(&root)?;
        Ok(Schema { root, patterns })
    }

    /// The schema as JSON text, on one line.
    pub fn text(&self) -> String {
        self.root.to_string()
    }

    /// Says what is wrong with an answer, the first few things; `None` if it is JSON of this schema and nothing else.
    pub fn misfits(&self, answer: &str) -> Option<String> {
        match serde_json::from_str::<Value>(answer) {
            Err(error) => Some(format!("it is not JSON: {error}")),
            Ok(value) => hold::misfits(&self.root, &self.patterns, &value),
        }
    }
}
