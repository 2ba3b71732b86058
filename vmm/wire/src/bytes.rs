//! Values as bytes: little-endian numbers, and texts, chunks and lists that carry their bound in their type. Never reads
//! past what it was given, and never allocates for a length it has not seen the bytes of.
use crate::Unreadable;

/// Something that can be sent. What `take` returns is exactly what `put` wrote, and no other bytes mean the same.
pub trait Wire: Sized {
    /// Appends the value.
    fn put(&self, out: &mut Vec<u8>);

    /// Reads a value off the front.
    fn take(bytes: &mut &[u8]) -> Result<Self, Unreadable>;
}

/// More than a bound allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{len} is more than the {max} that fit")]
pub struct TooLarge {
    /// How much there is.
    pub len: usize,
    /// How much fits.
    pub max: usize,
}

fn within(len: usize, max: usize) -> Result<(), TooLarge> {
    if len > max { Err(TooLarge { len, max }) } else { Ok(()) }
}

/// Takes so many bytes off the front.
fn split<'bytes>(bytes: &mut &'bytes [u8], len: usize) -> Result<&'bytes [u8], Unreadable> {
    let (front, rest) = bytes.split_at_checked(len).ok_or(Unreadable::Short)?;
    *bytes = rest;
    Ok(front)
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl Wire for $number {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn take(bytes: &mut &[u8]) -> Result<Self, Unreadable> {
                let front = split(bytes, size_of::<$number>())?;
                Ok(<$number>::from_le_bytes(front.try_into().expect("so many were split off")))
            }
        }
    )+};
}
numbers!(u8, u16, u32, u64, u128);

impl Wire for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, Unreadable> {
        match u8::take(bytes)? {
            0 => Ok(false),
            1 => Ok(true),
            tag => Err(Unreadable::Tag { what: "bool", tag }),
        }
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, Unreadable> {
        if bool::take(bytes)? { T::take(bytes).map(Some) } else { Ok(None) }
    }
}

/// Reads a length and checks it against its bound.
fn length(bytes: &mut &[u8], max: usize) -> Result<usize, Unreadable> {
    let len = u32::take(bytes)? as usize;
    within(len, max)?;
    Ok(len)
}

fn put_length(len: usize, out: &mut Vec<u8>) {
    u32::try_from(len).expect("bounds are far below four billion").put(out);
}

/// Bytes, at most `MAX` of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunk<const MAX: usize>(Vec<u8>);

impl<const MAX: usize> Chunk<MAX> {
    /// Takes bytes that fit.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, TooLarge> {
        let bytes = bytes.into();
        within(bytes.len(), MAX)?;
        Ok(Chunk(bytes))
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<const MAX: usize> Wire for Chunk<MAX> {
    fn put(&self, out: &mut Vec<u8>) {
        put_length(self.0.len(), out);
        out.extend_from_slice(&self.0);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, Unreadable> {
        let len = length(bytes, MAX)?;
        Ok(Chunk(split(bytes, len)?.to_vec()))
    }
}

/// A text of at most `MAX` bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Takes a text that fits.
    pub fn new(text: impl Into<String>) -> Result<Self, TooLarge> {
        let text = text.into();
        within(text.len(), MAX)?;
        Ok(Text(text))
    }

    /// Takes as much of a text as fits, cut between two characters: for words that a person reads.
    pub fn cut(text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.truncate(text.floor_char_boundary(MAX));
        Text(text)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> Wire for Text<MAX> {
    fn put(&self, out: &mut Vec<u8>) {
        put_length(self.0.len(), out);
        out.extend_from_slice(self.0.as_bytes());
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, Unreadable> {
        let len = length(bytes, MAX)?;
        let text = str::from_utf8(split(bytes, len)?).map_err(|_| Unreadable::Text)?;
        Ok(Text(text.to_owned()))
    }
}

/// A list of at most `MAX` values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        List(Vec::new())
    }
}

impl<T, const MAX: usize> List<T, MAX> {
    /// Takes as many values as fit.
    pub fn new(values: impl Into<Vec<T>>) -> Result<Self, TooLarge> {
        let values = values.into();
        within(values.len(), MAX)?;
        Ok(List(values))
    }

    /// Returns the values.
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }
}

impl<T: Wire, const MAX: usize> Wire for List<T, MAX> {
    fn put(&self, out: &mut Vec<u8>) {
        put_length(self.0.len(), out);
        self.0.iter().for_each(|value| value.put(out));
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, Unreadable> {
        let len = length(bytes, MAX)?;
        (0..len).map(|_| T::take(bytes)).collect::<Result<_, _>>().map(List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check<T: Wire + std::fmt::Debug>(bytes: &[u8], outcome: Expect) {
        let mut rest = bytes;
        let taken = T::take(&mut rest).map_err(|why| why.to_string());
        outcome.assert_eq(&format!("{taken:?}, {} left", rest.len()));
    }

    #[test]
    fn values_are_read_within_their_bounds() {
        check::<u32>(&[1, 2, 0, 0, 9], expect![[r#"Ok(513), 1 left"#]]);
        check::<Text<4>>(&[2, 0, 0, 0, b'h', b'i'], expect![[r#"Ok(Text("hi")), 0 left"#]]);
        check::<List<u8, 3>>(&[2, 0, 0, 0, 7, 8, 9], expect!["Ok(List([7, 8])), 1 left"]);
        check::<Option<u8>>(&[1, 5], expect!["Ok(Some(5)), 0 left"]);
    }

    #[test]
    fn what_breaks_a_bound_is_refused() {
        check::<u32>(&[1, 2, 0], expect![[r#"Err("the frame ends within a value"), 3 left"#]]);
        check::<Text<4>>(
            &[5, 0, 0, 0, 1, 1, 1, 1, 1],
            expect![[r#"Err("5 is more than the 4 that fit"), 5 left"#]],
        );
        check::<Text<4>>(&[1, 0, 0, 0, 0xff], expect![[r#"Err("a text is not UTF-8"), 0 left"#]]);
        check::<Chunk<4>>(&[255; 8], expect![[r#"Err("4294967295 is more than the 4 that fit"), 4 left"#]]);
        check::<List<u8, 3>>(&[3, 0, 0, 0, 1], expect![[r#"Err("the frame ends within a value"), 0 left"#]]);
        check::<bool>(&[2], expect![[r#"Err("2 stands for no bool"), 0 left"#]]);
    }

    #[test]
    fn a_text_is_cut_between_two_characters() {
        assert_eq!(Text::<5>::cut("a√√").as_str(), "a√");
        assert_eq!(Text::<5>::new("a√√"), Err(TooLarge { len: 7, max: 5 }));
    }
}
