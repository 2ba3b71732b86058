//! What can go wrong with guests, split by who can mend it. Every text says what was attempted; causes are kept.
use image::ImageError;
use std::error::Error;
use wire::Shown;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// What was typed makes no sense.
    #[error("{0}")]
    Usage(String),
    /// This machine, or what is installed on it, lacks something.
    #[error("{what}; {remedy}")]
    Missing {
        /// What, and how that was found out.
        what: String,
        /// What mends it.
        remedy: String,
    },
    /// There is no image.
    #[error("cannot build an image")]
    Image(#[from] ImageError),
    /// The guest, or its monitor, says no.
    #[error("{0}")]
    Refused(String),
    /// Not now: nobody needs to mend anything, the same may be done in a while.
    #[error("{0}")]
    Unavailable(String),
    /// A command never began, because its guest cannot be reached.
    #[error(transparent)]
    Unreached(Box<Problem>),
    /// Something else failed.
    #[error("cannot {what}")]
    Failed {
        /// What was attempted.
        what: String,
        /// Why it failed.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl Problem {
    /// The exit code: 2 where other words would do, 125 where a command never began, else 1.
    pub fn exit_code(&self) -> u8 {
        const NEVER_BEGAN: u8 = 125;
        match self {
            Problem::Usage(_) => 2,
            Problem::Unreached(_) => NEVER_BEGAN,
            Problem::Missing { .. }
            | Problem::Image(_)
            | Problem::Refused(_)
            | Problem::Unavailable(_)
            | Problem::Failed { .. } => 1,
        }
    }

    /// Whether the same may be tried again as it is.
    pub fn passes(&self) -> bool {
        match self {
            Problem::Unavailable(_) => true,
            Problem::Unreached(why) => why.passes(),
            Problem::Usage(_)
            | Problem::Missing { .. }
            | Problem::Image(_)
            | Problem::Refused(_)
            | Problem::Failed { .. } => false,
        }
    }

    /// Says more, and stays what it is.
    pub(crate) fn and(self, more: &str) -> Problem {
        match self {
            Problem::Refused(why) => Problem::Refused(format!("{why}\n{more}")),
            Problem::Unavailable(why) => Problem::Unavailable(format!("{why}\n{more}")),
            other @ (Problem::Usage(_)
            | Problem::Missing { .. }
            | Problem::Image(_)
            | Problem::Unreached(_)
            | Problem::Failed { .. }) => other,
        }
    }

    /// The whole chain of causes, as a terminal may get it: guests and their files have a word in it.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        Shown(&text).to_string()
    }
}

impl From<Problem> for String {
    fn from(problem: Problem) -> String {
        problem.chain()
    }
}

/// Says what was attempted when something fails.
pub(crate) fn failed<E: Into<Box<dyn Error + Send + Sync>>>(
    what: impl Into<String>,
) -> impl FnOnce(E) -> Problem {
    let what = what.into();
    move |source| Problem::Failed { what, source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_guest_says_in_an_error_moves_no_cursor() {
        let said = Problem::Refused("it says:\n\x1b]52;c;aGk=\x07\u{9b}2J \u{202e}".to_owned());
        let cause = failed("speak with a guest")(Box::new(said));
        assert_eq!(
            cause.chain(),
            "cannot speak with a guest: it says:\n\\u{1b}]52;c;aGk=\\u{7}\\u{9b}2J \\u{202e}"
        );
    }
}
