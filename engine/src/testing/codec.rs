//! Whether what is written can be read back: random bytes are decoded as a type, and what decodes must encode to bytes
//! that decode to the same. No value is made by hand, so no type is left out because it is hard to make.
use crate::{Durable, Stored, codec, graph::StoredType};

/// A type that the journal can hold, to be tested.
#[derive(Debug, Clone, Copy)]
pub struct RoundTrip {
    name: &'static str,
    recode: fn(&[u8]) -> Option<Vec<u8>>,
}

impl RoundTrip {
    /// A fact, a request, an outcome or a noun.
    pub fn open<T: Durable>() -> RoundTrip {
        RoundTrip { name: T::NAME, recode: codec::recode_open::<T> }
    }
    /// A state, an event or a stage.
    pub fn sealed<T: Stored>() -> RoundTrip {
        RoundTrip { name: T::NAME, recode: codec::recode::<T> }
    }
}

impl From<StoredType> for RoundTrip {
    fn from(stored: StoredType) -> RoundTrip {
        RoundTrip { name: stored.name, recode: stored.recode }
    }
}

/// So many values of each type are enough: a type that loses something loses it in most of them.
const VALUES: usize = 64;

/// After so many attempts a type counts as one that is never read back.
const ATTEMPTS_MAX: usize = 20_000;

/// Longer than any value of small numbers and short texts.
const BYTES_MAX: usize = 384;

/// Decodes and encodes random values of each type, and returns how many of each there were.
///
/// # Panics
/// When a value does not come back as it was written, or no bytes at all are one of a type.
pub fn round_trips(types: impl IntoIterator<Item = impl Into<RoundTrip>>) -> Vec<(&'static str, usize)> {
    types.into_iter().map(Into::into).map(|tested| (tested.name, values(tested))).collect()
}

fn values(RoundTrip { name, recode }: RoundTrip) -> usize {
    let mut random = Random(crate::durable::hash_name(name));
    let mut found = 0;
    for _ in 0..ATTEMPTS_MAX {
        let bytes = random.bytes();
        // At most one beginning of the bytes is exactly one value.
        let Some(written) = (0..=bytes.len()).find_map(|end| recode(&bytes[..end])) else { continue };
        let again = recode(&written);
        assert!(
            again.as_ref() == Some(&written),
            "`{name}` wrote {written:02x?}, which reads back as {again:02x?}"
        );
        found += 1;
        if found == VALUES {
            break;
        }
    }
    assert!(found > 0, "no bytes were found that read as `{name}`");
    found
}

/// A generator of bytes (SplitMix64) that starts anew for each type: a failure comes again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Tags and lengths are small, texts are ASCII: bytes without that bias are hardly ever a value.
    fn bytes(&mut self) -> Vec<u8> {
        let byte = |drawn: u64| match drawn % 16 {
            0..6 => (drawn >> 8) as u8 & 1,
            6..9 => (drawn >> 8) as u8 & 7,
            9..15 => b' ' + (drawn >> 8) as u8 % 95,
            _ => (drawn >> 8) as u8,
        };
        (0..BYTES_MAX).map(|_| byte(self.next())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use durable::{Amount, FactId, Shape, durable, fact};

    /// Something of every kind that a field can be.
    #[durable]
    struct Everything {
        flag: bool,
        number: u64,
        signed: i32,
        text: String,
        list: Vec<(String, u8)>,
        perhaps: Option<Box<Kind>>,
        at: FactId,
        amount: Amount,
        hash: [u8; 32],
    }
    #[durable]
    enum Kind {
        Nothing,
        Named { what: String },
        Two(u8, u16),
    }
    #[fact("said")]
    struct Said {
        text: String,
    }
    #[crate::sealed]
    struct Stage {
        of: String,
    }

    #[test]
    fn every_kind_of_field_comes_back() {
        let types = [
            RoundTrip::open::<Everything>(),
            RoundTrip::open::<Kind>(),
            RoundTrip::open::<Said>(),
            RoundTrip::sealed::<Stage>(),
        ];
        for (name, values) in round_trips(types) {
            assert!(values > 8, "only {values} of `{name}`");
        }
    }

    /// Writes a length that is one too large, as a hand-written codec could.
    #[derive(Debug)]
    struct Liar;
    impl bincode::Encode for Liar {
        fn encode<E: bincode::enc::Encoder>(&self, to: &mut E) -> Result<(), bincode::error::EncodeError> {
            (7u8, 7u8).encode(to)
        }
    }
    impl Shape for Liar {
        const SHAPE: u64 = 1;
    }
    impl Durable for Liar {
        const NAME: &'static str = "Liar";
        fn take<D: bincode::de::Decoder>(from: &mut D) -> Result<Liar, bincode::error::DecodeError> {
            <u8 as bincode::Decode<D::Context>>::decode(from).map(|_| Liar)
        }
    }

    #[test]
    #[should_panic(expected = "`Liar` wrote [07, 07], which reads back as None")]
    fn what_writes_more_than_it_reads_is_found() {
        round_trips([RoundTrip::open::<Liar>()]);
    }
}
