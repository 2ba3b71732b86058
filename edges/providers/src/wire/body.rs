//! Reads the body of an answer: a stream of events, or one JSON document from a server that does not stream. What it is
//! is told by its first character, since headers are wrong about it. What the events say is for the parser.
use super::{Out, Parser, fault};
use domain::ModelFault;
use http::{EVENT_BYTES_MAX, Event, Sse, TooLarge};
use serde_json::Value;

/// A body holds so many bytes: the longest answers of today make a fifth of it, the words around each token included.
const BODY_BYTES_MAX: usize = 256 << 20;

/// The event behind the last, where an API has one.
const DONE: &str = "[DONE]";

/// Where the body has come to.
pub(crate) struct Body {
    form: Form,
    parser: Box<dyn Parser>,
    bytes: usize,
    done: bool,
}

#[derive(Debug, Default)]
enum Form {
    /// Nothing but blanks has come.
    #[default]
    Open,
    Events(Sse),
    Document(Vec<u8>),
}

impl Body {
    /// A body that this parser reads.
    pub(crate) fn read_by(parser: Box<dyn Parser>) -> Body {
        Body { form: Form::Open, parser, bytes: 0, done: false }
    }

    /// Takes the next bytes. Fragments that were read before a fault are in `out`.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Out) -> Result<(), ModelFault> {
        self.bytes += bytes.len();
        if self.bytes > BODY_BYTES_MAX {
            return Err(ModelFault::Broken(format!(
                "the answer does not end: it has more than {BODY_BYTES_MAX} bytes"
            )));
        }
        let bytes = match &self.form {
            Form::Open => bytes.trim_ascii_start(),
            Form::Events(_) | Form::Document(_) => bytes,
        };
        match (&self.form, bytes.first()) {
            (Form::Open, Some(b'{' | b'[' | b'<')) => self.form = Form::Document(Vec::new()),
            (Form::Open, Some(_)) => self.form = Form::Events(Sse::default()),
            (Form::Open, None) | (Form::Events(_) | Form::Document(_), _) => {}
        }
        let Body { form, parser, done, .. } = self;
        match form {
            Form::Open => {}
            Form::Events(sse) => {
                let read = sse.push(bytes, |name, data| {
                    event(parser.as_mut(), done, name, data, out).map_err(Stopped::Fault)
                });
                read.map_err(Stopped::into_fault)?;
            }
            Form::Document(document) if document.len() + bytes.len() > EVENT_BYTES_MAX => {
                return Err(ModelFault::Broken(format!(
                    "the answer is a document of more than {EVENT_BYTES_MAX} bytes"
                )));
            }
            Form::Document(document) => {
                document.extend_from_slice(bytes);
            }
        }
        Ok(())
    }

    /// Says whether the answer is whole: what may follow belongs to it no more.
    pub(crate) fn is_done(&self) -> bool {
        self.done || self.parser.is_done()
    }

    /// Ends the answer.
    pub(crate) fn finish(mut self, out: &mut Out) -> Result<(), ModelFault> {
        match std::mem::take(&mut self.form) {
            Form::Open => {}
            Form::Events(sse) => {
                // An event that was cut between its lines is no JSON: that is a cut, not another protocol.
                let last = sse.finish().filter(|event| is_whole(&event.data));
                let Body { parser, done, .. } = &mut self;
                last.map_or(Ok(()), |Event { name, data }| event(parser.as_mut(), done, &name, &data, out))?;
            }
            Form::Document(document) => {
                let value: Value = serde_json::from_slice(&document)
                    .map_err(|_| fault::no_json(&String::from_utf8_lossy(&document)))?;
                self.parser.document(&value, out)?;
            }
        }
        self.parser.end(out)
    }
}

/// Why no more of a body is read.
enum Stopped {
    Large(TooLarge),
    Fault(ModelFault),
}

impl From<TooLarge> for Stopped {
    fn from(large: TooLarge) -> Stopped {
        Stopped::Large(large)
    }
}

impl Stopped {
    fn into_fault(self) -> ModelFault {
        match self {
            Stopped::Large(large) => ModelFault::Broken(large.to_string()),
            Stopped::Fault(fault) => fault,
        }
    }
}

/// Reads an event, unless the answer is whole.
fn event(
    parser: &mut dyn Parser,
    done: &mut bool,
    name: &str,
    data: &str,
    out: &mut Out,
) -> Result<(), ModelFault> {
    let data = data.trim();
    *done |= data == DONE;
    if *done || parser.is_done() || data.is_empty() {
        return Ok(());
    }
    if name != "error" && parser.word(data, out) {
        return Ok(());
    }
    let mut value: Value = serde_json::from_str(data).map_err(|_| fault::no_json(data))?;
    if name == "error" && value["error"].is_null() {
        value = serde_json::json!({ "error": value });
    }
    parser.event(name, &value, out)
}

fn is_whole(data: &str) -> bool {
    let data = data.trim();
    data == DONE || serde_json::from_str::<Value>(data).is_ok()
}
