//! Keys and values of rows as bytes: big-endian, so that bytes order as numbers do. Texts carry their length, so no
//! text is a prefix of another one. Rows are disposable: there are no versions here.

/// Bytes being put together.
#[derive(Default)]
pub(crate) struct Packed(Vec<u8>);

impl Packed {
    pub(crate) fn new() -> Packed {
        Packed::default()
    }

    pub(crate) fn text(self, text: &str) -> Packed {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Packed {
        let length = u32::try_from(bytes.len()).expect("ids, titles and keys are far below 4 GiB");
        self = self.u32(length);
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn u32(mut self, number: u32) -> Packed {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(crate) fn u64(mut self, number: u64) -> Packed {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(crate) fn u128(mut self, number: u128) -> Packed {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Bytes being taken apart. `None` says that they are not what was expected.
pub(crate) struct Unpacked<'a>(&'a [u8]);

impl<'a> Unpacked<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Unpacked<'a> {
        Unpacked(bytes)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn u128(&mut self) -> Option<u128> {
        self.array().map(u128::from_be_bytes)
    }

    /// Says that nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `value` if nothing is left.
    pub(crate) fn end<T>(self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let bytes = Packed::new().text("ä\0").u32(1).u64(2).u128(3).done();
        let mut parts = Unpacked::new(&bytes);
        assert_eq!(
            (parts.text(), parts.u32(), parts.u64(), parts.u128()),
            (Some("ä\0"), Some(1), Some(2), Some(3))
        );
        assert_eq!(parts.end(()), Some(()));
    }

    #[test]
    fn cut_bytes_and_left_over_bytes_are_refused() {
        let bytes = Packed::new().text("abc").done();
        assert_eq!(Unpacked::new(&bytes[..6]).text(), None);
        assert_eq!(Unpacked::new(&[0xff; 4]).text(), None);
        assert_eq!(Unpacked::new(&bytes).u128(), None);
        assert_eq!(Unpacked::new(&bytes).end(()), None);
    }
}
