//! A program and its arguments as the kernel takes them: texts that end with a zero byte. Refuses what no kernel could
//! start.
use crate::{Chunk, TooLarge, Unreadable, Wire};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// All arguments together; what needs more reads a file.
const ARGUMENTS_BYTES_MAX: usize = 64 * 1024;

/// Why a list is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadArguments {
    /// There is no program.
    #[error("a command names no program")]
    None,
    /// An argument holds a zero byte, or the last one has no end.
    #[error("an argument holds a zero byte, or has no end")]
    Zero,
    /// They are too long.
    #[error("the arguments of a command are too long: {0}")]
    TooLarge(#[from] TooLarge),
}

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments(Chunk<ARGUMENTS_BYTES_MAX>);

impl Arguments {
    /// Takes a program and its arguments.
    pub fn new<A: AsRef<OsStr>>(list: impl IntoIterator<Item = A>) -> Result<Arguments, BadArguments> {
        let mut joined = Vec::new();
        for argument in list {
            let bytes = argument.as_ref().as_bytes();
            if bytes.contains(&0) {
                return Err(BadArguments::Zero);
            }
            joined.extend_from_slice(bytes);
            joined.push(0);
        }
        Arguments::joined(Chunk::new(joined)?)
    }

    fn joined(chunk: Chunk<ARGUMENTS_BYTES_MAX>) -> Result<Arguments, BadArguments> {
        match chunk.as_bytes() {
            [] | [0, ..] => Err(BadArguments::None),
            [.., 0] => Ok(Arguments(chunk)),
            [..] => Err(BadArguments::Zero),
        }
    }

    /// Returns the program and its arguments.
    pub fn iter(&self) -> impl Iterator<Item = &OsStr> {
        let joined = self.0.as_bytes();
        joined[..joined.len() - 1].split(|byte| *byte == 0).map(OsStr::from_bytes)
    }
}

impl Wire for Arguments {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(bytes: &mut &[u8]) -> Result<Self, Unreadable> {
        Ok(Arguments::joined(Chunk::take(bytes)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let arguments = Arguments::new(["echo", "", "a b", ""]).unwrap();
        assert_eq!(arguments.iter().collect::<Vec<_>>(), ["echo", "", "a b", ""]);
    }

    #[test]
    fn what_no_kernel_could_start_is_refused() {
        assert_eq!(Arguments::new([] as [&str; 0]), Err(BadArguments::None));
        assert_eq!(Arguments::new([""]), Err(BadArguments::None));
        assert_eq!(Arguments::new(["a\0b"]), Err(BadArguments::Zero));
        assert!(matches!(Arguments::new(["a".repeat(70_000)]), Err(BadArguments::TooLarge(_))));
        let mut unended = Vec::new();
        Chunk::<ARGUMENTS_BYTES_MAX>::new(*b"ls").unwrap().put(&mut unended);
        assert_eq!(Arguments::take(&mut &unended[..]), Err(Unreadable::Arguments(BadArguments::Zero)));
    }
}
