//! Says what went wrong and what a caller can do about it: change the question, or try again. Servers put their words into
//! envelopes of several shapes; this opens all that we know and shows the rest as it is, short and without secrets.
use domain::ModelFault;
use http::{HttpFault, Response, Secret, retry_after};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// An error is shown up to here; more is a page, not a message.
const SHOWN_CHARS_MAX: usize = 512;

/// There was no answer to read.
pub(super) fn transport(fault: &HttpFault) -> ModelFault {
    let why = fault.in_full();
    match fault {
        HttpFault::Untrusted { .. } => ModelFault::Refused(why),
        HttpFault::Unreachable { .. } | HttpFault::TimedOut { .. } | HttpFault::Broken { .. } => {
            unavailable(why)
        }
    }
}

/// The server answered with an error.
pub(super) async fn response(response: Response) -> ModelFault {
    let status = response.status;
    let retry_after = retry_after(&response, SystemTime::now());
    let elsewhere = response.header("location").map(str::to_owned);
    let body = response.error_text().await;
    if let (300..=399, Some(elsewhere)) = (status, elsewhere) {
        return ModelFault::Refused(format!(
            "the server sends us to {elsewhere}, and we follow nobody: set `base_url`"
        ));
    }
    judged(status, &Said::read(&body), retry_after)
}

/// The fault that a chunk or document tells of, if it does.
pub(super) fn in_answer(chunk: &Value) -> Option<ModelFault> {
    let error = match (&chunk["error"], chunk["object"].as_str()) {
        (Value::Null, Some("error")) => chunk,
        (Value::Null, _) => return None,
        (error, _) => error,
    };
    let said = Said::of(error);
    let status = said.code.parse().ok().filter(|status| (400..600).contains(status));
    let status = status.unwrap_or(match (said.kind.as_str(), said.code.as_str()) {
        ("invalid_request_error" | "BadRequestError", _) => 400,
        ("authentication_error" | "permission_error", _) => 401,
        // The question had been accepted, so it is not at fault.
        _ => 503,
    });
    Some(judged(status, &said, None))
}

/// The answer ended before its end.
pub(super) fn cut_off() -> ModelFault {
    unavailable("the answer was cut off: it ended without a finish reason".to_owned())
}

/// The answer is in no form that this API has.
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
        ModelFault::Unavailable { why, retry_after } => {
            ModelFault::Unavailable { why: shown(why), retry_after }
        }
        ModelFault::Broken(why) => ModelFault::Broken(shown(why)),
    }
}

fn unavailable(why: String) -> ModelFault {
    ModelFault::Unavailable { why, retry_after: None }
}

fn judged(status: u16, said: &Said, retry_after: Option<Duration>) -> ModelFault {
    let message = if said.message.is_empty() { "(no message)" } else { &said.message };
    let is_spent = |word: &str| matches!(word, "insufficient_quota" | "billing_hard_limit_reached");
    let spent = is_spent(&said.code) || is_spent(&said.kind);
    match status {
        401 | 403 => ModelFault::Refused(format!("the server does not accept the key ({status}): {message}")),
        404 => ModelFault::Refused(format!("the server has no such model or address (404): {message}")),
        429 if spent => ModelFault::Refused(format!("the account has nothing left (429): {message}")),
        408 | 409 | 425 | 429 | 500 | 502..=599 => {
            ModelFault::Unavailable { why: format!("the server answered {status}: {message}"), retry_after }
        }
        _ => ModelFault::Refused(format!("the server answered {status}: {message}")),
    }
}

/// What a server said about an error.
#[derive(Debug, Default)]
struct Said {
    message: String,
    code: String,
    kind: String,
}

impl Said {
    /// Opens the body of an error, whatever it is.
    fn read(body: &str) -> Said {
        let unopened = || Said { message: title(body).unwrap_or(body).trim().to_owned(), ..Said::default() };
        let Ok(value) = serde_json::from_str::<Value>(body) else { return unopened() };
        // Gemini's endpoint puts its envelope into a list.
        let value = value.get(0).unwrap_or(&value);
        let inner = Some(&value["error"]).filter(|error| !error.is_null()).unwrap_or(value);
        let said = Said::of(inner);
        if said.message.is_empty() { unopened() } else { said }
    }

    /// Opens an error: text, or an object with a message under one of its names.
    fn of(error: &Value) -> Said {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
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
        Said { message, code: text(&error["code"]), kind: text(&error["type"]) }
    }
}

/// The title of a page of HTML.
fn title(body: &str) -> Option<&str> {
    if !body.trim_start().starts_with('<') {
        return None;
    }
    let (_, rest) = body.split_once("<title>")?;
    Some(rest.split_once("</title>")?.0)
}
