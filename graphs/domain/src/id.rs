//! Names of people, sessions and turns: short, printable, safe as a file name.
use durable::durable;
use std::fmt;

/// The longest id that is accepted: what fits a file name with room for a suffix.
const ID_CHARS_MAX: usize = 128;

/// The text cannot be an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` cannot be {what}: {why}")]
pub struct BadId {
    what: &'static str,
    text: String,
    why: &'static str,
}

fn checked(what: &'static str, text: &str) -> Result<String, BadId> {
    let refuse = |why| Err(BadId { what, text: text.chars().take(40).collect(), why });
    if text.is_empty() {
        return refuse("it is empty");
    }
    if text.len() > ID_CHARS_MAX {
        return refuse("it is longer than 128 characters");
    }
    if !text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:@".contains(c)) {
        return refuse("only ASCII letters, digits and - _ . : @ are allowed");
    }
    if text.chars().all(|c| c == '.') {
        return refuse("it would name a directory");
    }
    Ok(text.to_owned())
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[durable]
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(String);
        impl $name {
            /// Accepts 1 to 128 ASCII letters, digits and `- _ . : @`.
            ///
            /// # Errors
            /// Says what is wrong with the text.
            pub fn parse(text: &str) -> Result<Self, BadId> {
                checked($what, text).map(Self)
            }
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
id!(/// Who an agent works for; owns a workspace and sessions.
    UserId, "a user id");
id!(/// One conversation.
    SessionId, "a session id");
id!(/// One message of the user and all that answers it. Chosen by the client, so that sending it again starts nothing.
    TurnId, "a turn id");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_climb_are_refused() {
        for text in ["", "a/b", "a\\b", ".", "..", "ä", "a b", "a\n", &"x".repeat(129)] {
            assert!(UserId::parse(text).is_err(), "{text:?}");
        }
        for text in ["alice", "scheduled:7", "a.b@c", "0"] {
            assert_eq!(UserId::parse(text).map(|id| id.to_string()).as_deref(), Ok(text));
        }
    }
}
