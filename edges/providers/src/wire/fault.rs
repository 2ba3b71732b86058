//! Says what went wrong and what a caller can do about it: change the question, take another model, or try again. Servers
//! put their words into envelopes of several shapes; this opens all that we know and shows the rest as it is, short and
//! without secrets.
use super::wishes::Wishes;
use domain::ModelFault;
use http::{HttpFault, Response, Secret, retry_after, wait_of};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// An error is shown up to here; more is a page, not a message.
const SHOWN_CHARS_MAX: usize = 512;

/// There was no answer to read.
pub(super) fn transport(fault: &HttpFault) -> ModelFault {
    let why = fault.in_full();
    match fault {
        HttpFault::Untrusted { .. } => ModelFault::Closed(why),
        HttpFault::Unreachable { .. } => ModelFault::Unreached { why, retry_after: None },
        HttpFault::TimedOut { .. } | HttpFault::Broken { .. } => unavailable(why),
    }
}

/// An error that a server answered with.
pub(super) struct Refusal {
    pub(super) status: u16,
    said: Said,
    retry_after: Option<Duration>,
    elsewhere: Option<String>,
}

impl Refusal {
    /// Reads what the server says.
    pub(super) async fn read(response: Response) -> Refusal {
        let status = response.status;
        let retry_after = retry_after(&response, SystemTime::now());
        let elsewhere = response.header("location").map(str::to_owned);
        let said = Said::read(&response.error_text().await);
        Refusal { status, said, retry_after, elsewhere }
    }

    /// Says whether the server does not know, or does not want to know, what the question builds upon. Servers word it in
    /// many ways; all name the field or the thing.
    pub(super) fn is_about_the_past(&self) -> bool {
        let words = format!("{} {} {}", self.said.code, self.said.param, self.said.message).to_lowercase();
        let about = ["previous_response", "previous response", "no tool output found"];
        (400..500).contains(&self.status) && about.iter().any(|about| words.contains(about))
    }

    /// What it comes to, where the question asked for this besides words.
    pub(super) fn fault(self, wishes: Wishes) -> ModelFault {
        let words = format!("{} {} {}", self.said.code, self.said.param, self.said.message);
        let way_out = wishes.way_out(self.status, &words);
        match (self.judged(), way_out) {
            // What to do comes first: what servers say may be long.
            (ModelFault::Refused(why), Some(way_out)) => ModelFault::Refused(format!("{way_out}; {why}")),
            (fault, _) => fault,
        }
    }

    fn judged(self) -> ModelFault {
        if let (300..=399, Some(elsewhere)) = (self.status, self.elsewhere) {
            return ModelFault::Closed(format!(
                "the server sends us to {elsewhere}, and we follow nobody: set `base_url`"
            ));
        }
        match judged(Stood::Status(self.status), &self.said, self.retry_after) {
            // Turned away before the model saw it.
            ModelFault::Unavailable { why, retry_after } if self.status == 429 => {
                ModelFault::Unreached { why, retry_after }
            }
            fault => fault,
        }
    }
}

/// The fault that an event or document tells of, if it does.
pub(crate) fn in_answer(value: &Value) -> Option<ModelFault> {
    let error = match value {
        // Gemini's endpoint puts its envelope into a list.
        Value::Array(list) => return list.first().filter(|first| first.is_object()).and_then(in_answer),
        Value::Object(fields) => match fields.get("error") {
            None | Some(Value::Null) if value["object"] == "error" => value,
            None | Some(Value::Null) => return None,
            Some(error) => error,
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
    };
    let said = Said::of(error);
    Some(in_words(&said))
}

/// The fault that an answer tells of whose status was good.
pub(crate) fn in_words(said: &Said) -> ModelFault {
    // The question had been accepted, so unless more is known it is not at fault.
    judged(Stood::InAnswer { alike: said.status().unwrap_or(503) }, said, None)
}

/// The answer ended before its end.
pub(crate) fn cut_off() -> ModelFault {
    unavailable("the answer was cut off: it ended without a finish reason".to_owned())
}

/// The answer is in no form that an API has.
pub(super) fn no_json(text: &str) -> ModelFault {
    let form = if text.trim_start().starts_with('<') { "a page of HTML" } else { "what is not JSON" };
    ModelFault::Broken(format!("it answered {form}: {}", Said::read(text).message))
}

/// The fault as it may be shown and stored: one line, short, without secrets.
pub(super) fn presentable(fault: ModelFault, secrets: &[Secret]) -> ModelFault {
    let shown = |text: String| {
        // Secrets first: the half of one that a cut would leave is still half a secret.
        let scrubbed = secrets.iter().fold(text, |text, secret| secret.scrub(&text));
        let line =
            scrubbed.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let line = line.collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(SHOWN_CHARS_MAX) {
            Some((cut, _)) => format!("{}…", &line[..cut]),
            None => line,
        }
    };
    match fault {
        ModelFault::Refused(why) => ModelFault::Refused(shown(why)),
        ModelFault::Closed(why) => ModelFault::Closed(shown(why)),
        ModelFault::Unavailable { why, retry_after } => {
            ModelFault::Unavailable { why: shown(why), retry_after }
        }
        ModelFault::Unreached { why, retry_after } => ModelFault::Unreached { why: shown(why), retry_after },
        ModelFault::Broken(why) => ModelFault::Broken(shown(why)),
    }
}

/// Something that may be over soon.
pub(crate) fn unavailable(why: String) -> ModelFault {
    ModelFault::Unavailable { why, retry_after: None }
}

/// Where an error stood.
#[derive(Clone, Copy)]
enum Stood {
    /// The server answered with this status.
    Status(u16),
    /// It stood in an answer whose status was good; this one would have said the same, and was never sent.
    InAnswer { alike: u16 },
}

/// What an error and the words with it come to.
fn judged(stood: Stood, said: &Said, retry_after: Option<Duration>) -> ModelFault {
    let message = if said.message.is_empty() { "(no message)" } else { &said.message };
    let is_spent = |word: &str| matches!(word, "insufficient_quota" | "billing_hard_limit_reached");
    let spent = is_spent(&said.code) || is_spent(&said.kind);
    let (status, named) = match stood {
        Stood::Status(status) => (status, status.to_string()),
        Stood::InAnswer { alike } => (alike, said.name().unwrap_or("in its answer").to_owned()),
    };
    let answered = match stood {
        Stood::Status(status) => format!("the server answered {status}: {message}"),
        Stood::InAnswer { .. } => match said.name() {
            Some(name) => format!("the answer was an error, {name}: {message}"),
            None => format!("the answer was an error: {message}"),
        },
    };
    match status {
        401 | 403 => ModelFault::Closed(format!("the server does not accept the key ({named}): {message}")),
        402 => ModelFault::Closed(format!("the account has nothing left ({named}): {message}")),
        404 => ModelFault::Closed(format!("the server has no such model or address ({named}): {message}")),
        429 if spent => ModelFault::Closed(format!("the account has nothing left ({named}): {message}")),
        408 | 409 | 425 | 429 | 500 | 502..=599 => {
            ModelFault::Unavailable { why: answered, retry_after: retry_after.or(said.retry_after) }
        }
        _ => ModelFault::Refused(answered),
    }
}

/// What a server said about an error.
#[derive(Debug, Default)]
pub(crate) struct Said {
    message: String,
    code: String,
    kind: String,
    param: String,
    retry_after: Option<Duration>,
}

/// What servers call their errors, and the status that says the same.
const KINDS: &[(&str, u16)] = &[
    ("invalid_request_error", 400),
    ("BadRequestError", 400),
    ("invalid_prompt", 400),
    ("context_length_exceeded", 400),
    ("authentication_error", 401),
    ("permission_error", 403),
    ("billing_error", 402),
    ("not_found_error", 404),
    ("request_too_large", 413),
    ("rate_limit_error", 429),
    ("rate_limit_exceeded", 429),
    ("insufficient_quota", 429),
    ("api_error", 500),
    ("server_error", 500),
    ("timeout_error", 504),
    ("overloaded_error", 529),
];

impl Said {
    /// Opens the body of an error, whatever it is.
    fn read(body: &str) -> Said {
        let unopened = || Said { message: title(body).unwrap_or(body).trim().to_owned(), ..Said::default() };
        let Ok(value) = serde_json::from_str::<Value>(body) else { return unopened() };
        let value = value.get(0).unwrap_or(&value);
        let inner = Some(&value["error"]).filter(|error| !error.is_null()).unwrap_or(value);
        let said = Said::of(inner);
        if said.message.is_empty() { unopened() } else { said }
    }

    /// Opens an error: text, or an object with a message under one of its names.
    pub(crate) fn of(error: &Value) -> Said {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
        };
        if error.is_string() {
            return Said { message: text(error), ..Said::default() };
        }
        let names = ["message", "detail", "error_description", "title"];
        let message =
            names.iter().map(|name| text(&error[*name])).find(|text| !text.is_empty()).unwrap_or_default();
        // Gateways hand on what the server behind them said.
        let behind = text(&error["metadata"]["raw"]);
        let message = if behind.is_empty() { message } else { format!("{message}: {behind}") };
        let (code, kind, param) = (text(&error["code"]), text(&error["type"]), text(&error["param"]));
        Said { message, code, kind, param, retry_after: delay(error) }
    }

    /// What the server calls the error: its kind, unless that is what the event is called.
    fn name(&self) -> Option<&str> {
        [&self.kind, &self.code].into_iter().map(String::as_str).find(|name| !matches!(*name, "" | "error"))
    }

    /// The status that the server would have answered with, as far as it says.
    fn status(&self) -> Option<u16> {
        let number = self.code.parse().ok().filter(|status| (400..600).contains(status));
        let named = |word: &str| KINDS.iter().find(|(kind, _)| *kind == word).map(|(_, status)| *status);
        number.or_else(|| named(&self.code)).or_else(|| named(&self.kind))
    }
}

/// How long Google's servers ask to be left alone: seconds, in one of the details.
fn delay(error: &Value) -> Option<Duration> {
    let details = error["details"].as_array()?;
    let delay = details.iter().find_map(|detail| detail["retryDelay"].as_str())?;
    wait_of(delay.strip_suffix('s')?.parse().ok()?)
}

/// The title of a page of HTML.
fn title(body: &str) -> Option<&str> {
    if !body.trim_start().starts_with('<') {
        return None;
    }
    let (_, rest) = body.split_once("<title>")?;
    Some(rest.split_once("</title>")?.0)
}
