//! What every tool is. `#[tool]` implements it; nothing here knows a particular one.
use crate::{Arguments, Context, Field, Look, Misfit};
use domain::{Json, Recovery, Tier, ToolSpec};
use futures::future::BoxFuture;
use policy::{Evidence, FileError};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// What a call comes to: a text for the model, or why there is none.
pub type Called<'a> = BoxFuture<'a, Result<String, Failure>>;

/// What a look comes to: evidence, or what became of a call; or why nothing could be seen.
pub type Looked<'a, T> = BoxFuture<'a, Result<T, Failure>>;

/// What became of a call that was cut off, as far as it can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It happened: what the tool would have said.
    Happened(String),
    /// It did not happen.
    NotYet,
    /// Nobody can tell.
    Unknown,
}

/// A tool.
pub trait Tool: Send + Sync {
    /// Says what it is.
    fn head(&self) -> Head;

    /// Says whether the arguments fit.
    ///
    /// # Errors
    /// The first that does not, by name.
    fn check(&self, arguments: &Arguments) -> Result<(), Misfit>;

    /// Runs it. Dropping the future stops it.
    fn call<'a>(&'a self, context: &'a Context, arguments: Arguments) -> Called<'a>;

    /// Looks at what a call is going to change, and changes nothing. Only a tool that is `Probeable` sees anything.
    fn evidence<'a>(&'a self, look: &'a Look, arguments: Arguments) -> Looked<'a, Evidence> {
        let _ = (look, arguments);
        Box::pin(std::future::ready(Ok(Evidence::default())))
    }

    /// Says what became of a call that was cut off, from what was seen before it. Only a tool that is `Probeable` can
    /// tell.
    fn probe<'a>(&'a self, look: &'a Look, arguments: Arguments, before: &'a Evidence) -> Looked<'a, Found> {
        let _ = (look, arguments, before);
        Box::pin(std::future::ready(Ok(Found::Unknown)))
    }
}

/// A tool's description.
#[derive(Debug, Clone)]
pub struct Head {
    /// Its name, as the model calls it.
    pub name: &'static str,
    /// What it does, for the model.
    pub description: &'static str,
    /// What a call can do at worst.
    pub tier: Tier,
    /// What a restart may do with a call in flight.
    pub recovery: Recovery,
    /// How long a call may take.
    pub timeout: Duration,
    /// Its arguments, in order.
    pub fields: Vec<Field>,
}

impl Head {
    /// Returns the tool as the model and the policy see it.
    pub fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: self.name.to_owned(),
            description: self.description.to_owned(),
            parameters: Json::printed(self.schema().to_string()),
            tier: self.tier,
            recovery: self.recovery,
        }
    }

    fn schema(&self) -> Value {
        let properties: Map<String, Value> =
            self.fields.iter().map(|field| (field.name.to_owned(), field.described())).collect();
        let required: Vec<&str> = self.fields.iter().filter(|f| f.is_required).map(|f| f.name).collect();
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    }
}

/// A tool ran and did not do what it was asked. The model reads the words.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The words say what to do instead.
    #[error("{0}")]
    Told(String),
    /// The arguments do not fit.
    #[error(transparent)]
    Misfit(#[from] Misfit),
    /// A path was refused, or a file operation failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The call was stopped on its way.
    #[error("stopped before it was done; nothing was changed")]
    Halted,
    /// We are at fault.
    #[error("the tool broke: {0}")]
    Broken(String),
}

impl Failure {
    /// Makes a failure of words for the model.
    pub fn told(words: impl Into<String>) -> Failure {
        Failure::Told(words.into())
    }
}
