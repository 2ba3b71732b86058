//! The head of a snapshot's state: what it is, what it must agree with, and a checksum over all of it.
//!
//! ```text
//! "OXYDRAVM" · version u32 · crc32c of the rest u32 · length of the rest u64 · identity · mark · base · machine
//! ```
use super::SnapshotError;
use crate::{
    bytes::{Reader, Unreadable, Writer},
    config::SnapshotName,
};
use rustix::rand::{GetRandomFlags, getrandom};
use std::io;

/// The version of this format. A snapshot is no archive: another version is refused, and the guest boots again.
/// Whoever changes what a device or the machine writes adds one: 2 holds the port from which the next call comes, 3 the mark
/// of the whole snapshot.
pub(crate) const VERSION: u32 = 3;
const MAGIC: &[u8; 8] = b"OXYDRAVM";
/// Magic, version, checksum, length.
const HEAD: usize = 24;
/// Processors have some tens of KiB each, bitmaps of disks 32 KiB per GiB.
pub(crate) const STATE_MAX: u64 = 64 << 20;

/// What a snapshot must agree with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Which kernel image.
    pub(crate) kernel: String,
    /// Which agent, as the configuration says.
    pub(crate) agent: String,
    /// Which processor.
    pub(crate) model: String,
    /// Which monitor.
    pub(crate) monitor: String,
    /// What the guest is made of: memory, processors, disks.
    pub(crate) shape: String,
}

/// Tells a whole snapshot from every other one, whatever they are called. Names are used again; this never is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(pub(crate) [u8; 16]);

impl Mark {
    /// Draws one.
    pub(crate) fn fresh() -> io::Result<Mark> {
        let mut bytes = [0; 16];
        // The kernel gives so few at once.
        getrandom(&mut bytes, GetRandomFlags::empty())?;
        Ok(Mark(bytes))
    }
}

/// The whole snapshot behind the memory of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) name: SnapshotName,
    pub(crate) mark: Mark,
}

/// How much of memory is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All of it.
    Whole(Mark),
    /// What was written since the machine came from there.
    Difference(Origin),
}

/// A state that was taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State<'a> {
    /// What it must agree with.
    pub(crate) identity: Identity,
    /// Where memory is.
    pub(crate) kind: Kind,
    /// Everything but memory and disks.
    pub(crate) machine: &'a [u8],
}

/// Puts a state together, unless it is one that nobody would read back.
pub(crate) fn sealed(identity: &Identity, kind: &Kind, machine: &[u8]) -> Result<Vec<u8>, SnapshotError> {
    let mut body = Writer::default();
    for text in identity.texts() {
        body.bytes(text.1.as_bytes());
    }
    let (mark, base) = match kind {
        Kind::Whole(mark) => (mark, ""),
        Kind::Difference(origin) => (&origin.mark, origin.name.as_str()),
    };
    body.put(&mark.0).bytes(base.as_bytes()).bytes(machine);
    let sealed = headed(&body.done());
    match sealed.len() as u64 {
        bytes if bytes > STATE_MAX => Err(SnapshotError::TooLarge { bytes }),
        _fits => Ok(sealed),
    }
}

/// Puts the head before what it vouches for.
pub(crate) fn headed(body: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(HEAD + body.len());
    sealed.extend(MAGIC);
    sealed.extend(VERSION.to_le_bytes());
    sealed.extend(crc32c::crc32c(body).to_le_bytes());
    sealed.extend((body.len() as u64).to_le_bytes());
    sealed.extend(body);
    sealed
}

/// Takes a state apart, if it is whole.
pub(crate) fn opened(bytes: &[u8]) -> Result<State<'_>, SnapshotError> {
    let damaged = |what: &str| SnapshotError::Damaged(what.to_owned());
    let (head, body) = bytes.split_at_checked(HEAD).ok_or_else(|| damaged("it is shorter than its head"))?;
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if head[..8] != *MAGIC {
        return Err(damaged("it is none"));
    }
    if word(8) != VERSION {
        return Err(SnapshotError::Version { found: word(8) });
    }
    let length = u64::from(word(16)) | u64::from(word(20)) << 32;
    if length != body.len() as u64 {
        return Err(damaged("it is truncated, or longer than it says"));
    }
    if crc32c::crc32c(body) != word(12) {
        return Err(damaged("its checksum is wrong"));
    }
    contents(body).map_err(|error| damaged(&error.to_string()))
}

fn contents(body: &[u8]) -> Result<State<'_>, Unreadable> {
    let mut reader = Reader::new(body, "a snapshot");
    let mut text = || {
        let text = reader.bytes()?;
        String::from_utf8(text.to_vec()).map_err(|_| reader.unreadable())
    };
    let identity =
        Identity { kernel: text()?, agent: text()?, model: text()?, monitor: text()?, shape: text()? };
    let mark = Mark(reader.get()?);
    let base = reader.bytes()?;
    let kind = match str::from_utf8(base).map(str::parse) {
        Ok(_none) if base.is_empty() => Kind::Whole(mark),
        Ok(Ok(name)) => Kind::Difference(Origin { name, mark }),
        Ok(Err(_)) | Err(_) => return Err(reader.unreadable()),
    };
    let machine = reader.bytes()?;
    reader.end()?;
    Ok(State { identity, kind, machine })
}

impl Identity {
    fn texts(&self) -> [(&'static str, &str); 5] {
        [
            ("kernel", &self.kernel),
            ("agent", &self.agent),
            ("processor", &self.model),
            ("monitor", &self.monitor),
            ("guest", &self.shape),
        ]
    }

    /// Refuses a snapshot of something else, by name.
    pub(crate) fn agrees_with(&self, now: &Identity) -> Result<(), SnapshotError> {
        for ((what, then), (_, now)) in self.texts().into_iter().zip(now.texts()) {
            if then != now {
                return Err(SnapshotError::Changed { what, then: then.to_owned(), now: now.to_owned() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn identity() -> Identity {
        let text = |text: &str| text.to_owned();
        Identity {
            kernel: text("k"),
            agent: text("a"),
            model: text("m"),
            monitor: text("1"),
            shape: text("s"),
        }
    }

    const WHOLE: Kind = Kind::Whole(Mark([1; 16]));

    #[test]
    fn a_state_opens_as_it_was_sealed() {
        let origin = Origin { name: "base".parse().unwrap(), mark: Mark([7; 16]) };
        for kind in [WHOLE, Kind::Difference(origin)] {
            let sealed = sealed(&identity(), &kind, b"machine").unwrap();
            assert_eq!(opened(&sealed).unwrap(), State { identity: identity(), kind, machine: b"machine" });
        }
    }

    #[test]
    fn no_two_marks_are_the_same() {
        assert_ne!(Mark::fresh().unwrap(), Mark::fresh().unwrap());
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_found() {
        let sealed = sealed(&identity(), &WHOLE, &[7; 100]).unwrap();
        for length in 0..sealed.len() {
            assert!(opened(&sealed[..length]).is_err(), "cut to {length}");
        }
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(opened(&flipped).is_err(), "bit {bit}");
        }
        let longer = [&sealed[..], &[0]].concat();
        assert!(opened(&longer).is_err());
    }

    #[test]
    fn a_state_that_nobody_would_read_back_is_not_written() {
        let said = sealed(&identity(), &WHOLE, &vec![0; STATE_MAX as usize]).unwrap_err().to_string();
        expect![[
            "the snapshot's state would have 64 MiB, and more than 64 MiB are not read back: a disk that the guest may write is too large"
        ]]
        .assert_eq(&said);
    }

    #[test]
    fn another_version_and_another_guest_are_refused_by_name() {
        let mut other = sealed(&identity(), &WHOLE, b"").unwrap();
        other[8] = 9;
        let said = opened(&other).unwrap_err().to_string();
        assert_eq!(said, "the snapshot has format 9, this monitor reads 3: boot, and take a new one");
        // Whole, as an earlier monitor sealed it: that is said before anybody reads what it means.
        other[8] = 2;
        assert!(matches!(opened(&other), Err(SnapshotError::Version { found: 2 })));
        let now = Identity { model: "m2".to_owned(), ..identity() };
        let said = identity().agrees_with(&now).unwrap_err().to_string();
        assert_eq!(said, "the snapshot was taken with processor `m`, this is `m2`: boot, and take a new one");
        assert!(identity().agrees_with(&identity()).is_ok());
    }
}
