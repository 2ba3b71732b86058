//! Sessions as a list shows them.
use crate::{SessionId, UserId};
use durable::{Fact, FactId, FactKey, Owner, Time, fact};

/// A list of sessions shows so much of a title.
pub const TITLE_CHARS_MAX: usize = 60;

/// A turn began in a session; the newest such fact is what a list shows.
#[fact("session")]
#[derive(Clone, PartialEq, Debug)]
pub struct SessionTouched {
    /// Which.
    pub session: SessionId,
    /// Whose.
    pub user: UserId,
    /// When.
    pub at: Time,
    /// What the turn was about, cut to [`TITLE_CHARS_MAX`] characters.
    pub title: String,
}

impl Fact for SessionTouched {
    fn owner(&self) -> Owner {
        self.session.owner()
    }
    fn key(&self) -> Option<FactKey> {
        Some(FactKey("session".to_owned()))
    }
}

/// A session began with what was said in another one, up to a message. The messages stay where they are: they are shared,
/// not copied.
#[fact("session-fork")]
#[derive(Clone, PartialEq, Debug)]
pub struct SessionForked {
    /// Which.
    pub session: SessionId,
    /// The session whose messages it shares.
    pub base: SessionId,
    /// The last message that they share.
    pub upto: FactId,
    /// When.
    pub at: Time,
}

impl Fact for SessionForked {
    fn owner(&self) -> Owner {
        self.session.owner()
    }
    fn key(&self) -> Option<FactKey> {
        Some(FactKey("session-fork".to_owned()))
    }
}

/// Returns the first line of a text, cut to a title's length.
pub fn title_of(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let clean: String = line.chars().filter(|c| !c.is_control()).collect();
    if clean.chars().count() <= TITLE_CHARS_MAX {
        return clean;
    }
    clean.chars().take(TITLE_CHARS_MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_short_clean_line() {
        assert_eq!(title_of("\n\n  hello\nworld"), "hello");
        assert_eq!(title_of(&"ä".repeat(80)).chars().count(), TITLE_CHARS_MAX);
        assert_eq!(title_of("a\u{1b}[31mb"), "a[31mb");
        assert_eq!(title_of(""), "");
    }
}
