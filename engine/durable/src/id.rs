//! Who and where: 128-bit instance ids, and the address of a fact.
use crate::Shape;
use bincode::{Decode, Encode};
use std::{fmt, str::FromStr};

/// One run of one graph. Roots draw it at random, so that keys never repeat across homes and after an import; children
/// derive it from their parent, so that a resumed parent finds the same child.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Shape)]
pub struct InstanceId(pub u128);

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
impl fmt::Debug for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The text is not an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseIdError(String);
impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not an instance id: 32 hexadecimal digits are expected", self.0)
    }
}
impl std::error::Error for ParseIdError {}

impl FromStr for InstanceId {
    type Err = ParseIdError;
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let wrong = || ParseIdError(text.chars().take(64).collect());
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        u128::from_str_radix(text, 16).map(InstanceId).map_err(|_| wrong())
    }
}

/// Where a fact stands in the journal: known before it is appended, stable across batching and compaction. A state
/// holds it as a cursor.
///
/// `n` orders the facts of one move: those that ride with an effect's `Done` come in blocks of 256, in the order in
/// which the effects began; those that ride with the move itself come last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode, Shape)]
pub struct FactId {
    /// The instance that recorded it.
    pub instance: InstanceId,
    /// The number of moves the instance had made.
    pub seq: u64,
    /// Its place among the facts of that move.
    pub n: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let id = InstanceId(0x0123_4567_89ab_cdef);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in ["", "12", "g0000000000000000000000000000000", "+0000000000000000000000000000001"] {
            assert!(text.parse::<InstanceId>().is_err(), "{text}");
        }
    }
}
