//! What can be wrong with a configuration. Problems are collected, so that a person mends a file once.
use crate::{FileKind, Place, near::nearest_of};
use std::{fmt, path::PathBuf};

/// The configuration cannot be used: everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}", listed(.problems))]
pub struct ConfigError {
    /// Every problem of every source, the weakest source first.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// A file is there and cannot be read.
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why, and what to do about it.
        why: String,
    },
    /// A file is not TOML.
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
    /// Nobody knows the key.
    UnknownKey {
        /// As it was written.
        key: String,
        /// Where.
        place: Place,
        /// What may have been meant.
        nearest: Option<String>,
        /// The files that know it.
        belongs: Option<FileKind>,
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
    /// Two values exclude each other.
    Conflict {
        /// The key.
        key: String,
        /// Where.
        place: Place,
        /// What it must be beside the other one.
        why: String,
    },
    /// A user's file gives more than there is.
    Widens {
        /// The key.
        key: String,
        /// Where.
        place: Place,
        /// What it asks for.
        found: String,
        /// What there is.
        limit: String,
        /// Who says so.
        said: Box<Place>,
    },
    /// A credential that is referred to is not there.
    NoCredential {
        /// The key.
        key: String,
        /// Where.
        place: Place,
        /// Why.
        why: String,
    },
    /// A file that a key names cannot be used.
    BadFile {
        /// The key.
        key: String,
        /// Where.
        place: Place,
        /// The file, as it is written.
        path: PathBuf,
        /// What is wrong with it: a sentence about the file.
        why: String,
    },
    /// Nobody knows the provider.
    NoSuchProvider {
        /// The key that names it.
        key: String,
        /// What was asked for.
        provider: String,
        /// Where.
        place: Place,
        /// Those that are known.
        names: Vec<String>,
    },
    /// The provider does not say what it speaks.
    NoType {
        /// Which.
        provider: String,
        /// Where it is written.
        place: Place,
    },
    /// The provider wants a key, and there is none.
    NoKey {
        /// Which.
        provider: String,
        /// Where it is written.
        place: Place,
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
    /// Providers fall back to each other in a ring.
    CyclicFallback {
        /// Where the ring begins.
        provider: String,
        /// Where that is written.
        place: Place,
        /// The providers, the first one again at the end.
        ring: Vec<String>,
    },
    /// The rehearsal has no such model.
    NoSuchModel {
        /// What was asked for.
        model: String,
        /// Where.
        place: Place,
    },
    /// The catalog does not list the model.
    UnknownModel {
        /// The key that names it.
        key: String,
        /// What was asked for.
        model: String,
        /// Where.
        place: Place,
        /// Whose models were looked at.
        provider: String,
        /// What may have been meant.
        nearest: Option<Box<str>>,
    },
    /// The model cannot do what is asked for.
    Unable {
        /// The key that asks for it.
        key: String,
        /// Where.
        place: Place,
        /// Which model, with its provider.
        model: String,
        /// What it does not do, in words.
        what: &'static str,
    },
    /// Nobody can guess which model of the provider is meant.
    NoModel {
        /// Which provider.
        provider: String,
        /// Where it is chosen.
        place: Place,
    },
}

/// What a value without a character is said to be.
pub(crate) const BLANK: &str = "blank";

impl Problem {
    /// Whether it is only there because of another one: an entry whose address is refused looks as if it had none, and were its
    /// API's owner's.
    pub(crate) fn follows_from(&self, others: &[Problem]) -> bool {
        let Problem::NoKey { provider, .. } = self else { return false };
        let address = format!("providers.registry.{provider}.base_url");
        others.iter().any(|other| other.key().as_ref() == Some(&address))
    }

    /// The key that is wrong, where one is.
    pub fn key(&self) -> Option<String> {
        match self {
            Problem::Unreadable { .. } | Problem::Malformed { .. } => None,
            Problem::UnknownKey { key, .. }
            | Problem::BadValue { key, .. }
            | Problem::Conflict { key, .. }
            | Problem::Widens { key, .. }
            | Problem::NoCredential { key, .. }
            | Problem::BadFile { key, .. }
            | Problem::NoSuchProvider { key, .. }
            | Problem::UnknownModel { key, .. }
            | Problem::Unable { key, .. }
            | Problem::BadHeader { key, .. } => Some(key.clone()),
            Problem::NoType { provider, .. } => Some(format!("providers.registry.{provider}.provider_type")),
            Problem::NoKey { provider, .. } => Some(format!("providers.registry.{provider}.api_key")),
            Problem::CyclicFallback { provider, .. } => {
                Some(format!("providers.registry.{provider}.fallback"))
            }
            Problem::NoSuchModel { .. } | Problem::NoModel { .. } => Some("selection.model".to_owned()),
        }
    }

    /// Where it is written.
    pub fn place(&self) -> Place {
        match self {
            Problem::Unreadable { path, .. } => Place::File { path: path.clone(), line: 1 },
            Problem::Malformed { path, line, .. } => Place::File { path: path.clone(), line: *line },
            Problem::UnknownKey { place, .. }
            | Problem::BadValue { place, .. }
            | Problem::Conflict { place, .. }
            | Problem::Widens { place, .. }
            | Problem::NoCredential { place, .. }
            | Problem::BadFile { place, .. }
            | Problem::NoSuchProvider { place, .. }
            | Problem::NoType { place, .. }
            | Problem::NoKey { place, .. }
            | Problem::BadHeader { place, .. }
            | Problem::CyclicFallback { place, .. }
            | Problem::NoModel { place, .. }
            | Problem::UnknownModel { place, .. }
            | Problem::Unable { place, .. }
            | Problem::NoSuchModel { place, .. } => place.clone(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unreadable { path, why } => {
                write!(f, "cannot read the configuration file {}: {why}", path.display())
            }
            Problem::Malformed { path, line, column, message } => {
                write!(f, "{} line {line}, column {column} is not TOML: {message}", path.display())
            }
            Problem::UnknownKey { key, place, nearest, belongs } => {
                write!(f, "unknown key `{key}` in {place}; ")?;
                match (belongs, nearest) {
                    (Some(kind), _) => write!(f, "it belongs into {}", kind.files()),
                    (None, Some(near)) => write!(f, "did you mean `{near}`?"),
                    (None, None) => write!(f, "`oxydra config keys` lists those that there are"),
                }
            }
            Problem::BadValue { key, place, found, expected } => match found.as_deref() {
                Some(BLANK) => {
                    write!(f, "`{key}` in {place} is blank: it must be {expected}; or leave it out")
                }
                Some(found) => write!(f, "`{key}` in {place} must be {expected}, not {found}"),
                None => write!(
                    f,
                    "`{key}` in {place} must be {expected}; what it holds is something else, and not shown"
                ),
            },
            Problem::Conflict { key, place, why } => write!(f, "`{key}` in {place} must be {why}"),
            Problem::Widens { key, place, found, limit, said } => write!(
                f,
                "`{key}` in {place} is {found}, and {limit} is allowed ({said}): a user's file can only narrow, so write no more than that or leave it out"
            ),
            Problem::NoCredential { key, place, why } => {
                write!(
                    f,
                    "`{key}` in {place} leads to no credential: {why}; put it there, or take the line out"
                )
            }
            Problem::BadFile { key, place, path, why } => write!(
                f,
                "`{key}` in {place} is {}, which {why}; mend that file, name another, or leave the key out",
                path.display()
            ),
            Problem::NoSuchProvider { key, provider, place, names } => {
                write!(f, "`{key}` in {place} is `{provider}`, which nobody knows; ")?;
                if let Some(near) = nearest_of(provider, names.iter().cloned()) {
                    write!(f, "did you mean `{near}`? ")?;
                }
                write!(f, "there are {}; others are named in `providers.registry`", names.join(", "))
            }
            Problem::NoType { provider, place } => write!(
                f,
                "`providers.registry.{provider}` in {place} must say what it speaks: `provider_type = \"openai\"`, anthropic, gemini or openai_responses"
            ),
            Problem::NoKey { provider, place, variables } => {
                write!(f, "there is no key for `{provider}`")?;
                if *place != Place::Default {
                    write!(f, " in {place}")?;
                }
                write!(
                    f,
                    ": set one of the variables {}, or `providers.registry.{provider}.api_key` (`--model rehearsal` needs none)",
                    variables.join(", ")
                )
            }
            Problem::BadHeader { key, place, why } => {
                write!(f, "`{key}` in {place} cannot be sent: {why}; mend it or take it out")
            }
            Problem::CyclicFallback { provider, place, ring } => write!(
                f,
                "`providers.registry.{provider}.fallback` in {place} leads back to where it began: {}; take one of them out",
                ring.join(" → ")
            ),
            Problem::NoSuchModel { model, place } => write!(
                f,
                "`selection.model` in {place} is `{model}`, which the provider `rehearsal` does not have; available: rehearsal; for a model of another provider set `selection.provider`, or a key such as OPENAI_API_KEY"
            ),
            Problem::UnknownModel { key, model, place, provider, nearest } => {
                write!(
                    f,
                    "`{key}` in {place} is `{model}`, which the catalog does not list for {provider}; "
                )?;
                if let Some(near) = nearest {
                    write!(f, "did you mean `{near}`? ")?;
                }
                write!(
                    f,
                    "`oxydra catalog show {provider}` lists them, `oxydra catalog fetch` makes a newer one, and `catalog.skip_catalog_validation = true` asks it all the same"
                )
            }
            Problem::Unable { key, place, model, what } => write!(
                f,
                "`{key}` in {place} asks for more than {model} can: it {what}; leave the key out, choose another model, or say under `catalog.overrides` that it can"
            ),
            Problem::NoModel { provider, place } => {
                write!(f, "`selection.model` must say which model of `{provider}` answers")?;
                match place {
                    Place::Default => Ok(()),
                    place => write!(f, ", which {place} chooses"),
                }
            }
        }
    }
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
