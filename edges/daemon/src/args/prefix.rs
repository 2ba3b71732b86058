//! The beginning of an instance id, as a person copies it from a list.
use crate::exit::Failure;
use engine::durable::InstanceId;

/// All digits of an id.
const DIGITS: usize = 32;
/// A mistaken id may be a book; a message about it is not.
const SHOWN_CHARS_MAX: usize = 64;

/// The beginning of an instance id, or all of it.
#[derive(Debug, PartialEq)]
pub(crate) struct Prefix(String);

impl Prefix {
    pub(super) fn parse(text: &str) -> Result<Prefix, Failure> {
        if (1..=DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(Prefix(text.to_ascii_lowercase()));
        }
        let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
        Err(Failure::usage(format!(
            "`{shown}` is not an instance id: 1 to {DIGITS} hexadecimal digits are expected, as `oxydra instances` prints them"
        )))
    }
    pub(crate) fn fits(&self, id: InstanceId) -> bool {
        id.to_string().starts_with(&self.0)
    }
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
