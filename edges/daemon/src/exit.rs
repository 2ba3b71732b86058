//! How the program ends: the exit codes that scripts rely on, and failures in words that say what to do.
use std::{error::Error, fmt, process::ExitCode};

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Answered = 0,
    Failed = 1,
    Usage = 2,
    BudgetSpent = 4,
    Cancelled = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// Why the program cannot do what it was told.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line, a variable or a file is wrong: the user can mend it.
    Usage(String),
    /// Something else went wrong.
    Other(Box<dyn Error + Send + Sync>),
}

impl Failure {
    pub(crate) fn usage(text: impl fmt::Display) -> Failure {
        Failure::Usage(text.to_string())
    }
    pub(crate) fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Failure {
        Failure::Other(error.into())
    }
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Failure::Usage(_) => Exit::Usage,
            Failure::Other(_) => Exit::Failed,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(text) => f.write_str(text),
            Failure::Other(error) => {
                write!(f, "{error}")?;
                let mut said = error.to_string();
                let mut cause = error.source();
                while let Some(inner) = cause {
                    // Some libraries print their cause themselves.
                    let text = inner.to_string();
                    if !said.contains(&text) {
                        write!(f, ": {text}")?;
                    }
                    said = text;
                    cause = inner.source();
                }
                Ok(())
            }
        }
    }
}
