//! What can be wrong with a configuration. Problems are collected, so that a person mends a file once.
use crate::Place;
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
    /// Nobody knows the provider.
    NoSuchProvider {
        /// What was asked for.
        provider: String,
        /// Where.
        place: Place,
        /// Those that are known, besides the rehearsal.
        others: Vec<String>,
    },
    /// The provider does not say what it speaks.
    NoType {
        /// Which.
        provider: String,
    },
    /// The provider speaks what this version does not.
    NoSuchType {
        /// Which.
        provider: String,
        /// What it speaks.
        kind: String,
    },
    /// The provider wants a key, and there is none.
    NoKey {
        /// Which.
        provider: String,
        /// The variables that were looked at.
        variables: Vec<String>,
    },
    /// A header cannot be sent.
    BadHeader {
        /// The key.
        key: String,
        /// Where.
        place: Place,
        /// Why; the value is not in it.
        why: String,
    },
    /// The rehearsal has no such model.
    NoSuchModel {
        /// What was asked for.
        model: String,
        /// Where.
        place: Place,
    },
    /// Nobody can guess which model of the provider is meant.
    NoModel {
        /// Which provider.
        provider: String,
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
            Problem::NoSuchProvider { provider, place, others } => {
                write!(f, "`selection.provider` in {place} is `{provider}`, which nobody knows; ")?;
                write!(
                    f,
                    "there are rehearsal, {}; others are named in `providers.registry`",
                    others.join(", ")
                )
            }
            Problem::NoType { provider } => {
                write!(
                    f,
                    "`providers.registry.{provider}.provider_type` must say what it speaks, such as \"openai\""
                )
            }
            Problem::NoSuchType { provider, kind } => {
                write!(
                    f,
                    "`providers.registry.{provider}.provider_type` is `{kind}`, which this version does not speak; "
                )?;
                write!(f, "it speaks openai")
            }
            Problem::NoKey { provider, variables } => {
                write!(
                    f,
                    "there is no key for `{provider}`: set one of the variables {}, ",
                    variables.join(", ")
                )?;
                write!(f, "or `providers.registry.{provider}.api_key` (`--model rehearsal` needs none)")
            }
            Problem::BadHeader { key, place, why } => write!(f, "`{key}` in {place} cannot be sent: {why}"),
            Problem::NoSuchModel { model, place } => {
                write!(
                    f,
                    "`selection.model` in {place} is `{model}`, which the provider `rehearsal` does not have; "
                )?;
                write!(f, "available: rehearsal; another provider needs its key or `selection.provider`")
            }
            Problem::NoModel { provider } => {
                write!(f, "`selection.model` must say which model of `{provider}` answers")
            }
        }
    }
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
