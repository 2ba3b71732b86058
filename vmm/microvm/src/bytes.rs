//! Numbers and byte strings in a row, for the device part of a snapshot. Reading is checked: a short or long input is an
//! error, never a panic.
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// The bytes end too early, or a number is none that we wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the state of {what} is not what this monitor writes")]
pub struct Unreadable {
    /// What was being read.
    pub what: &'static str,
}

/// Appends.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn put<T: IntoBytes + Immutable>(&mut self, value: &T) -> &mut Writer {
        self.0.extend(value.as_bytes());
        self
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Writer {
        let length = u32::try_from(bytes.len()).expect("device states are small");
        self.0.extend(length.to_le_bytes());
        self.0.extend(bytes);
        self
    }

    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Takes from the front.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], what: &'static str) -> Reader<'a> {
        Reader { rest: bytes, what }
    }

    pub(crate) fn unreadable(&self) -> Unreadable {
        Unreadable { what: self.what }
    }

    pub(crate) fn get<T: FromBytes>(&mut self) -> Result<T, Unreadable> {
        let (value, rest) = T::read_from_prefix(self.rest).map_err(|_| self.unreadable())?;
        self.rest = rest;
        Ok(value)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Unreadable> {
        match self.get::<u8>()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.unreadable()),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Unreadable> {
        let length = self.get::<u32>()? as usize;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.unreadable())?;
        self.rest = rest;
        Ok(bytes)
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), Unreadable> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.unreadable()) }
    }
}
