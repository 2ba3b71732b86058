//! A frame: a header of eight bytes and a bounded payload. Refuses another version, a length above the bound, and bytes
//! left over; an unknown kind is an error of its own, so that a newer peer is named and not mistaken for garbage.
use crate::{TooLarge, Wire};

/// The version of everything in this package. Both sides of a guest are built together, so there is one at a time.
pub const VERSION: u8 = 1;
/// The length of a header.
pub const HEADER_BYTES: usize = 8;
/// The largest frame is a command: a script and its variables.
pub const PAYLOAD_BYTES_MAX: usize = 160 * 1024;

/// Why bytes are no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The peer is of another version, or no peer at all.
    #[error("the peer speaks version {theirs}, this side version {VERSION}")]
    Version {
        /// What it said.
        theirs: u8,
    },
    /// Reserved bytes are in use.
    #[error("reserved bytes of the header are not zero")]
    Reserved,
    /// A value ends after the payload.
    #[error("the frame ends within a value")]
    Short,
    /// The payload goes on after its value.
    #[error("{0} bytes are left over at the end of the frame")]
    Long(usize),
    /// A bound is broken.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// A tag that this build does not know.
    #[error("{tag} stands for no {what}")]
    Tag {
        /// Of what.
        what: &'static str,
        /// The tag.
        tag: u8,
    },
    /// Text that is none.
    #[error("a text is not UTF-8")]
    Text,
    /// A path that could lead out of the tree.
    #[error(transparent)]
    Path(#[from] crate::BadPath),
    /// Arguments that are no command.
    #[error(transparent)]
    Arguments(#[from] crate::BadArguments),
}

/// What stands before every payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Which frame it is.
    pub kind: u8,
    /// The length of the payload.
    pub len: usize,
}

impl Header {
    /// Reads a header.
    pub fn decode(bytes: [u8; HEADER_BYTES]) -> Result<Header, Unreadable> {
        let [version, kind, reserved @ .., a, b, c, d] = bytes;
        if version != VERSION {
            return Err(Unreadable::Version { theirs: version });
        }
        if reserved != [0, 0] {
            return Err(Unreadable::Reserved);
        }
        let len = u32::from_le_bytes([a, b, c, d]) as usize;
        if len > PAYLOAD_BYTES_MAX {
            return Err(TooLarge { len, max: PAYLOAD_BYTES_MAX }.into());
        }
        Ok(Header { kind, len })
    }
}

/// Frames of one direction.
pub trait Frame: Sized + std::fmt::Debug {
    /// Returns which frame it is.
    fn kind(&self) -> u8;

    /// Appends the payload.
    fn put_payload(&self, out: &mut Vec<u8>);

    /// Reads a payload whose every byte belongs to it.
    fn take_payload(kind: u8, bytes: &mut &[u8]) -> Result<Self, Unreadable>;

    /// Appends header and payload.
    fn encode(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[VERSION, self.kind(), 0, 0, 0, 0, 0, 0]);
        self.put_payload(out);
        let len = out.len() - start - HEADER_BYTES;
        debug_assert!(len <= PAYLOAD_BYTES_MAX, "the bounds of fields add up to less than a frame: {self:?}");
        let len = u32::try_from(len).expect("a payload is far below four billion bytes");
        out[start + 4..start + HEADER_BYTES].copy_from_slice(&len.to_le_bytes());
    }

    /// Reads a whole payload.
    fn decode(kind: u8, mut payload: &[u8]) -> Result<Self, Unreadable> {
        let frame = Self::take_payload(kind, &mut payload)?;
        if payload.is_empty() { Ok(frame) } else { Err(Unreadable::Long(payload.len())) }
    }
}

impl Wire for () {
    fn put(&self, _: &mut Vec<u8>) {}

    fn take(_: &mut &[u8]) -> Result<Self, Unreadable> {
        Ok(())
    }
}

/// Makes an enum of frames speak.
macro_rules! speaks {
    ($name:ident) => {
        impl $crate::Frame for $name {
            fn kind(&self) -> u8 {
                self.tag()
            }

            fn put_payload(&self, out: &mut Vec<u8>) {
                self.put_value(out);
            }

            fn take_payload(kind: u8, bytes: &mut &[u8]) -> Result<Self, $crate::Unreadable> {
                $name::take_value(kind, bytes)
            }
        }
    };
}
pub(crate) use speaks;
