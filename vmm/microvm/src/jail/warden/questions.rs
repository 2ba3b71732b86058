//! What a monitor may ask its warden, as bytes and back. Ports and files are asked on two links, so that nothing asked on one
//! means anything on the other; what is no question is `None`.
use crate::config::SnapshotName;

/// A file of a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Processors and devices.
    State,
    /// Memory, all or what changed.
    Memory,
    /// What the guest wrote to a disk.
    Disk(u8),
}

/// Files of a snapshot, whatever it holds.
const PARTS: u8 = 16;

impl Part {
    /// Every file that a snapshot can have.
    pub(super) fn all() -> impl Iterator<Item = Part> {
        (0..PARTS).filter_map(Part::of)
    }

    fn number(self) -> u8 {
        match self {
            Part::State => 0,
            Part::Memory => 1,
            Part::Disk(index) => 2 + index,
        }
    }

    fn of(number: u8) -> Option<Part> {
        match number {
            0 => Some(Part::State),
            1 => Some(Part::Memory),
            disk => (disk < PARTS).then(|| Part::Disk(disk - 2)),
        }
    }

    pub(super) fn file_name(self) -> String {
        match self {
            Part::State => "state".to_owned(),
            Part::Memory => "memory".to_owned(),
            Part::Disk(index) => format!("disk{index}"),
        }
    }
}

/// What may be asked about files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    /// Before the guest runs: a file of a finished snapshot, to read.
    Open(SnapshotName, Part),
    /// Before the guest runs: a snapshot that does not fit any more shall go.
    Remove(SnapshotName),
    /// The guest runs from here on.
    Runs,
    /// Once it runs: begin a snapshot that is not there yet.
    Begin(SnapshotName),
    /// A new file in the one that was begun.
    Make(Part),
    /// The one that was begun is whole.
    Finish,
    /// It is not, and shall go.
    Drop,
}

/// A question is a letter, a part and a name.
pub(super) const QUESTION_MAX: usize = 2 + 64;

impl Question {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let named =
            |letter: u8, part: u8, name: &SnapshotName| [&[letter, part], name.as_str().as_bytes()].concat();
        match self {
            Question::Open(name, part) => named(b'o', part.number(), name),
            Question::Remove(name) => named(b'r', 0, name),
            Question::Runs => vec![b'g', 0],
            Question::Begin(name) => named(b'b', 0, name),
            Question::Make(part) => vec![b'm', part.number()],
            Question::Finish => vec![b'f', 0],
            Question::Drop => vec![b'x', 0],
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Question> {
        let (letter, part, rest) = (*bytes.first()?, *bytes.get(1)?, bytes.get(2..)?);
        let name = || std::str::from_utf8(rest).ok()?.parse::<SnapshotName>().ok();
        let bare = |question| rest.is_empty().then_some(question);
        match letter {
            b'o' => Some(Question::Open(name()?, Part::of(part)?)),
            b'r' => Some(Question::Remove(name()?)),
            b'g' => bare(Question::Runs),
            b'b' => Some(Question::Begin(name()?)),
            b'm' => bare(Question::Make(Part::of(part)?)),
            b'f' => bare(Question::Finish),
            b'x' => bare(Question::Drop),
            _ => None,
        }
    }
}

/// A port that shall be dialled.
pub(super) fn port_bytes(port: u32) -> [u8; 4] {
    port.to_le_bytes()
}

/// The port that was asked for.
pub(super) fn port(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_come_back_and_what_is_none_is_refused() {
        let name: SnapshotName = "golden".parse().unwrap();
        for question in [
            Question::Open(name.clone(), Part::Disk(13)),
            Question::Remove(name.clone()),
            Question::Runs,
            Question::Begin(name),
            Question::Make(Part::Memory),
            Question::Finish,
            Question::Drop,
        ] {
            assert_eq!(Question::read(&question.bytes()), Some(question.clone()), "{question:?}");
        }
        for bytes in [
            &b""[..],
            b"o",
            b"o\x01",
            b"o\x01../x",
            b"o\x10golden",
            b"z\0golden",
            b"m\xff",
            b"m\0golden",
            b"b\0",
            b"f\0golden",
        ] {
            assert_eq!(Question::read(bytes), None, "{bytes:?}");
        }
        assert_eq!((port(&port_bytes(7)), port(b"abc"), port(b"abcde")), (Some(7), None, None));
    }
}
