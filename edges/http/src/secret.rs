//! Text that is never printed. It offers no `Display`, and its `Debug` says only that there is something.
use std::fmt;
use zeroize::Zeroizing;

/// A credential. Its bytes are wiped when the last copy goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

/// What stands in a text where a secret stood.
const REPLACEMENT: &str = "[secret]";

/// What is shorter occurs in texts by itself, and is no secret worth the name.
const SCRUBBED_CHARS_MIN: usize = 4;

impl Secret {
    /// Takes the text, without the blanks around it; `None` when nothing is left.
    pub fn new(text: impl Into<String>) -> Option<Secret> {
        let text = Zeroizing::new(text.into());
        let trimmed = text.trim();
        (!trimmed.is_empty()).then(|| Secret(Zeroizing::new(trimmed.to_owned())))
    }

    /// The text itself, for whoever sends it. Never hand it to anything that prints.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the text with every occurrence of this secret taken out.
    pub fn scrub(&self, text: &str) -> String {
        if self.0.len() < SCRUBBED_CHARS_MIN {
            return text.to_owned();
        }
        text.replace(self.0.as_str(), REPLACEMENT)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REPLACEMENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_not_printed_and_can_be_taken_out() {
        let secret = Secret::new(" sk-verysecret\n").expect("there is one");
        assert_eq!(secret.expose(), "sk-verysecret");
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "[secret] Some(\n    [secret],\n)");
        assert_eq!(secret.scrub("bad key sk-verysecret, sk-verysecret!"), "bad key [secret], [secret]!");
        assert_eq!(Secret::new("a").expect("there is one").scrub("a banana"), "a banana");
    }

    #[test]
    fn a_blank_is_no_secret() {
        assert_eq!(Secret::new(" \t\n"), None);
        assert_eq!(Secret::new(""), None);
    }
}
