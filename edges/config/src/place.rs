//! Where a value was written, and what is said about keys that have no effect.
use crate::keys::CURRENT;
use std::{fmt, path::PathBuf};

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file.
    File {
        /// Which.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// In the environment: the name of the variable.
    Variable(String),
    /// On the command line: the flag.
    Flag(&'static str),
    /// Nowhere: it is the default.
    Default,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { path, line } => write!(f, "{} line {line}", path.display()),
            Place::Variable(name) => write!(f, "the environment variable {name}"),
            Place::Flag(flag) => f.write_str(flag),
            Place::Default => f.write_str("the defaults"),
        }
    }
}

/// Something that was accepted and that its writer should know about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The key has no effect until something is built.
    Later {
        /// The key.
        key: String,
        /// Where it was written.
        place: Place,
        /// What it waits for.
        until: &'static str,
    },
    /// The key has another name by now.
    Moved {
        /// As it was written.
        key: String,
        /// Where.
        place: Place,
        /// What it is called now.
        to: String,
    },
    /// The key has lost its meaning.
    Gone {
        /// The key.
        key: String,
        /// Where it was written.
        place: Place,
        /// Why.
        why: &'static str,
    },
    /// The file is of a version that is newer than this program's.
    Newer {
        /// Where that is written.
        place: Place,
        /// The version.
        version: String,
    },
    /// A key of the environment is not sent to a server of one's own.
    KeyWithheld {
        /// The variable that holds it.
        variable: &'static str,
        /// The entry that it is not sent to.
        provider: String,
    },
    /// The variable that should hold a key is not set.
    NoSuchVariable {
        /// The entry.
        provider: String,
        /// Where it names the variable.
        place: Place,
    },
    /// What a home writes is left out because nobody said that it may be trusted.
    Untrusted {
        /// The key.
        key: String,
        /// Where it was written.
        place: Place,
    },
    /// A user's credential is for a provider that nobody knows.
    NoSuchCredential {
        /// The key.
        key: String,
        /// Where it was written.
        place: Place,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Later { key, place, until } => {
                write!(f, "`{key}` in {place} has no effect yet: it waits for {until}")
            }
            Notice::Moved { key, place, to } => {
                write!(
                    f,
                    "`{key}` in {place} is called `{to}` now; `oxydra config migrate` rewrites the file"
                )
            }
            Notice::Gone { key, place, why } => write!(f, "`{key}` in {place} has no effect: {why}"),
            Notice::Newer { place, version } => {
                write!(
                    f,
                    "`config_version` in {place} is {version}, newer than {CURRENT}: keys may mean more there"
                )
            }
            Notice::KeyWithheld { variable, provider } => write!(
                f,
                "{variable} is not sent to the address of `{provider}`, which is not its owner's: \
                 `providers.registry.{provider}.api_key_env = \"{variable}\"` says that it shall be"
            ),
            // The name is not said: it may be the key itself, in the wrong place.
            Notice::NoSuchVariable { provider, place } => write!(
                f,
                "`providers.registry.{provider}.api_key_env` in {place} names a variable that is not set: no key of it is sent"
            ),
            Notice::Untrusted { key, place } => write!(
                f,
                "`{key}` in {place} is left out: the file came with a checkout and is not trusted; \
                 `oxydra config trust` trusts it"
            ),
            Notice::NoSuchCredential { key, place } => {
                write!(f, "`{key}` in {place} has no effect: no provider of the registry is called so")
            }
        }
    }
}
