//! How the program ends: the exit codes that scripts rely on, and failures in words that say what to do.
use frames::ErrorCode;
use std::{error::Error, fmt, process::ExitCode};

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Answered,
    Failed,
    Usage,
    ApprovalNeeded,
    BudgetSpent,
    Cancelled,
    /// Of a command in a guest.
    Code(u8),
}

impl Exit {
    /// Returns it as a number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Answered => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::ApprovalNeeded => 3,
            Exit::BudgetSpent => 4,
            Exit::Cancelled => 130,
            Exit::Code(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

type Cause = Box<dyn Error + Send + Sync>;

/// Why the program cannot do what it was told.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line or a prompt is wrong: the user can mend it.
    Usage(String),
    /// A file or a variable of the configuration is wrong: the user can mend it.
    Configuration(Cause),
    /// The home or the journal in it cannot be used.
    Storage(Cause),
    /// A guest, or what it needs, does not do what it was told.
    Guest(machines::Problem),
    /// Something else went wrong.
    Other(Cause),
}

impl Failure {
    pub(crate) fn usage(text: impl fmt::Display) -> Failure {
        Failure::Usage(text.to_string())
    }
    pub(crate) fn configuration(error: impl Into<Cause>) -> Failure {
        Failure::Configuration(error.into())
    }
    pub(crate) fn storage(error: impl Into<Cause>) -> Failure {
        Failure::Storage(error.into())
    }
    pub(crate) fn guest(problem: machines::Problem) -> Failure {
        Failure::Guest(problem)
    }
    pub(crate) fn other(error: impl Into<Cause>) -> Failure {
        Failure::Other(error.into())
    }
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Failure::Usage(_) | Failure::Configuration(_) => Exit::Usage,
            Failure::Storage(_) | Failure::Other(_) => Exit::Failed,
            Failure::Guest(problem) => Exit::Code(problem.exit_code()),
        }
    }
    /// What a program that reads frames can branch on.
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Failure::Usage(_) => ErrorCode::InvalidRequest,
            Failure::Configuration(_) => ErrorCode::InvalidConfiguration,
            Failure::Storage(_) => ErrorCode::Storage,
            Failure::Guest(machines::Problem::Usage(_)) => ErrorCode::InvalidRequest,
            Failure::Guest(problem) if problem.passes() => ErrorCode::Unavailable,
            Failure::Guest(_) => ErrorCode::Internal,
            Failure::Other(_) => ErrorCode::Internal,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(text) => f.write_str(text),
            Failure::Guest(problem) => {
                let mut said = String::new();
                with_causes(&mut said, problem)?;
                write!(f, "{}", machines::Shown(&said))
            }
            Failure::Configuration(error) | Failure::Storage(error) | Failure::Other(error) => {
                with_causes(f, &**error)
            }
        }
    }
}

fn with_causes(f: &mut dyn fmt::Write, error: &dyn Error) -> fmt::Result {
    let mut said = error.to_string();
    f.write_str(&said)?;
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        // Some libraries print their cause themselves.
        if !said.contains(&text) {
            write!(f, ": {text}")?;
        }
        said = text;
        cause = inner.source();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open {what}")]
    struct Outer {
        what: &'static str,
        #[source]
        source: io::Error,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot go on: {source}")]
    struct Saying {
        source: Outer,
    }

    #[test]
    fn what_a_guest_says_moves_no_cursor() {
        let failure = Failure::guest(machines::Problem::Refused("it says \x1b[2J".to_owned()));
        assert_eq!(failure.to_string(), "it says \\u{1b}[2J");
        assert_eq!(failure.code(), ErrorCode::Internal);
        let busy = Failure::guest(machines::Problem::Unavailable("not now".to_owned()));
        assert_eq!(busy.code(), ErrorCode::Unavailable);
    }

    #[test]
    fn every_cause_is_said_once() {
        let outer = || Outer { what: "a.txt", source: io::Error::other("the disk is gone") };
        assert_eq!(Failure::other(outer()).to_string(), "cannot open a.txt: the disk is gone");
        let saying = Failure::storage(Saying { source: outer() });
        assert_eq!(saying.to_string(), "cannot go on: cannot open a.txt: the disk is gone");
        assert_eq!(Failure::usage("no").to_string(), "no");
    }

    #[test]
    fn a_script_can_branch_on_it() {
        for (failure, exit, code) in [
            (Failure::usage("x"), Exit::Usage, "invalid_request"),
            (Failure::configuration("x"), Exit::Usage, "invalid_configuration"),
            (Failure::storage("x"), Exit::Failed, "storage"),
            (Failure::other("x"), Exit::Failed, "internal"),
        ] {
            assert_eq!((failure.exit(), failure.code().as_str()), (exit, code));
        }
    }
}
