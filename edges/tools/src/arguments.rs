//! The arguments of a call: an object of JSON whose names the tool knows. What each value must be is the schema's
//! affair.
use crate::Head;
use domain::Json;
use serde_json::{Map, Value};

/// No tool needs more; what is larger is a file.
const ARGUMENTS_BYTES_MAX: usize = 8 << 20;

/// The arguments of a call. A `null` counts as not given.
#[derive(Debug, Clone, PartialEq)]
pub struct Arguments(Map<String, Value>);

/// The arguments do not fit the tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// They are not JSON.
    #[error("they are not JSON ({0}); write one object, as {{\"name\": value}}")]
    NotJson(String),
    /// They are JSON, but no object.
    #[error("they are {0}; write one object, as {{\"name\": value}}")]
    NotObject(&'static str),
    /// They are too much.
    #[error("they are larger than 8 MiB")]
    TooLarge,
    /// The tool knows no such argument.
    #[error("there is no argument `{name}`{hint}")]
    Unknown {
        /// As the model wrote it.
        name: String,
        /// Which ones there are.
        hint: String,
    },
    /// An argument is not there.
    #[error("`{name}` is missing")]
    Missing {
        /// Which.
        name: &'static str,
    },
    /// An argument is of another type.
    #[error("`{name}` must be {expected}, not {found}")]
    Wrong {
        /// Which.
        name: &'static str,
        /// What it must be, with its article.
        expected: String,
        /// What it is.
        found: &'static str,
    },
}

impl Arguments {
    /// Reads the arguments of a tool as a model wrote them. Nothing at all means no arguments.
    ///
    /// # Errors
    /// When they are no object of JSON, or name what the tool does not know.
    pub fn parse(head: &Head, text: &str) -> Result<Arguments, Misfit> {
        if text.len() > ARGUMENTS_BYTES_MAX {
            return Err(Misfit::TooLarge);
        }
        let text = if text.trim().is_empty() { "{}" } else { text };
        let value: Value = serde_json::from_str(text).map_err(|error| Misfit::NotJson(error.to_string()))?;
        let Value::Object(mut given) = value else { return Err(Misfit::NotObject(kind_of(&value))) };
        given.retain(|_, value| !value.is_null());
        match given.keys().find(|name| !head.fields.iter().any(|field| field.name == *name)) {
            Some(stranger) => Err(unknown(head, stranger)),
            None => Ok(Arguments(given)),
        }
    }

    /// Returns an argument.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Returns the arguments as canonical JSON: names in order, no blanks.
    pub fn canonical(self) -> Json {
        Json::printed(Value::Object(self.0).to_string())
    }
}

fn unknown(head: &Head, name: &str) -> Misfit {
    let names = || head.fields.iter().map(|field| field.name);
    let hint = match policy::nearest(name, names()) {
        Some(near) => format!(": perhaps `{near}`"),
        None if head.fields.is_empty() => "; there are none".to_owned(),
        None => format!("; there are {}", names().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")),
    };
    Misfit::Unknown { name: name.chars().take(64).collect(), hint }
}

/// Names the kind of a value, with its article.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
