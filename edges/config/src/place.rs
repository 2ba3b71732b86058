//! Where a value was written, and what is said about keys that have no effect.
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

/// A key that was accepted and has no effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The key.
    pub key: String,
    /// Where it was written.
    pub place: Place,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` in {} is not used by this version", self.key, self.place)
    }
}
