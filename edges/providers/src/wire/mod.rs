//! What the four APIs have in common: one request, one answer that is read as it comes, one set of faults. What a question
//! and an answer look like on the wire is for the folder of each API.
mod attached;
mod body;
mod credentials;
mod fault;
mod ids;
mod past;
mod remote;
#[cfg(test)]
pub(crate) mod tests;
mod wishes;

pub(crate) use attached::{Kind, base64, kind, refused};
#[cfg(any(test, feature = "testing"))]
pub(crate) use body::Body;
pub use credentials::{Credentials, Fixed, KeyFile, NoCredential};
pub(crate) use fault::{Said, cut_off, in_answer, in_words, unavailable};
pub(crate) use ids::{Ids, arguments, object};
pub(crate) use past::Past;
pub use remote::{BadConfig, Remote, Server};

use domain::{Fragment, Json, ModelFault, ProviderState, Question};
use http::{BadHeader, BadUrl, Header, Secret, Url};
use serde_json::Value;
use std::collections::VecDeque;

/// Where fragments go, in order.
pub(crate) type Out = VecDeque<Fragment>;

/// One API, as its folder speaks it.
pub(crate) trait Wire: Send + Sync {
    /// What shows a key to this API.
    fn header(&self, key: &Secret) -> Result<Header, BadHeader>;
    /// What goes with every request besides.
    fn headers(&self) -> Vec<Header> {
        Vec::new()
    }
    /// Writes a question.
    ///
    /// # Errors
    /// When the API cannot be asked such a question.
    fn written(&self, question: &Question, context: Context) -> Result<Written, ModelFault>;
}

/// What of a conversation is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    /// What the server does not hold yet, where it holds any.
    New,
    /// All of it.
    Whole,
}

/// A question, ready to be sent, and who reads the answer to it.
pub(crate) struct Written {
    /// Where to.
    pub(crate) url: Url,
    /// What.
    pub(crate) body: Value,
    /// Whether it builds on what the server holds, and may have forgotten.
    pub(crate) leans: bool,
    /// Reads the answer.
    pub(crate) parser: Box<dyn Parser>,
}

/// Reads one answer out of its events.
pub(crate) trait Parser: Send {
    /// Takes an event that is nothing but more of what was being written, as nearly all are; leaves any other alone and
    /// returns false. It says the same as [`event`](Parser::event) would, sooner.
    fn word(&mut self, data: &str, out: &mut Out) -> bool {
        let _ = (data, out);
        false
    }
    /// Takes an event. Fragments that were read before a fault are in `out`.
    fn event(&mut self, name: &str, data: &Value, out: &mut Out) -> Result<(), ModelFault>;
    /// Takes an answer that came whole.
    fn document(&mut self, value: &Value, out: &mut Out) -> Result<(), ModelFault>;
    /// Says whether the answer is whole: what may follow belongs to it no more.
    fn is_done(&self) -> bool;
    /// Ends the answer, and says why it ended.
    fn end(&mut self, out: &mut Out) -> Result<(), ModelFault>;
}

/// Who wrote a state, and reads it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin(pub(crate) String);

impl Origin {
    /// What the state of a message holds, if it is ours.
    pub(crate) fn read(&self, state: Option<&ProviderState>) -> Option<Value> {
        let state = state.filter(|state| state.of == self.0)?;
        serde_json::from_str(state.body.as_str()).ok()
    }
    /// A state of ours.
    pub(crate) fn state(&self, body: &Value) -> Fragment {
        Fragment::State(ProviderState { of: self.0.clone(), body: Json::printed(body.to_string()) })
    }
}

/// The text of a value that is text and not empty.
pub(crate) fn text(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| !text.is_empty())
}

/// The address of an API: a base that names a version anywhere in its path is taken at its word, others have the usual one.
pub(crate) fn endpoint(base: &Url, version: &str, path: &str) -> Result<Url, BadUrl> {
    let is_version = |segment: &str| {
        segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    };
    let versioned = base.path().split('/').any(is_version);
    base.join(&if versioned { path.to_owned() } else { format!("{version}/{path}") })
}

/// A schema as a value.
pub(crate) fn schema(of: &str, schema: &Json) -> Result<Value, ModelFault> {
    serde_json::from_str(schema.as_str())
        .map_err(|error| ModelFault::Refused(format!("the schema of {of} is not JSON: {error}")))
}
