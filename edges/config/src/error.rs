//! What can be wrong with a configuration. Problems are collected, so that a person mends a file once.
use crate::{Place, Provider};
use std::{fmt, io, path::PathBuf};

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file is there and cannot be read.
    #[error("cannot read the configuration file {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not TOML.
    #[error("{} line {line}, column {column} is not TOML: {message}", path.display())]
    Malformed {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What was expected.
        message: String,
    },
    /// Keys or values are wrong.
    #[error("{}", listed(.0))]
    Invalid(Vec<Problem>),
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// Nobody knows the key.
    UnknownKey {
        /// As it was written.
        key: String,
        /// Where.
        place: Place,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// The key cannot hold that.
    BadValue {
        /// The key.
        key: String,
        /// Where.
        place: Place,
        /// What it holds, unless it is a secret.
        found: Option<String>,
        /// What it may hold.
        expected: String,
    },
    /// The provider does not exist in this version.
    NoSuchProvider {
        /// What was asked for.
        provider: String,
        /// Where.
        place: Place,
    },
    /// The provider has no such model.
    NoSuchModel {
        /// The provider.
        provider: Provider,
        /// What was asked for.
        model: String,
        /// Where.
        place: Place,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::UnknownKey { key, place, nearest } => {
                write!(f, "unknown key `{key}` in {place}")?;
                nearest.iter().try_for_each(|near| write!(f, "; did you mean `{near}`?"))
            }
            Problem::BadValue { key, place, found, expected } => {
                let found = found.as_deref().unwrap_or("something else (not shown)");
                write!(f, "`{key}` in {place} must be {expected}, not {found}")
            }
            Problem::NoSuchProvider { provider, place } => {
                write!(
                    f,
                    "`selection.provider` in {place} is `{provider}`, which this version does not have; "
                )?;
                write!(f, "available: {} (`--model rehearsal` selects it for one run)", Provider::names())
            }
            Problem::NoSuchModel { provider, model, place } => {
                write!(
                    f,
                    "`selection.model` in {place} is `{model}`, which the provider `{provider}` does not have; "
                )?;
                write!(f, "available: {}", provider.models().join(", "))
            }
        }
    }
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
