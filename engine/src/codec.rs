//! How values become bytes and come back: bincode, behind one door, with a limit on what a length may claim.
use crate::durable::{Durable, Shape, hash_name};
use bincode::{
    Decode, Encode,
    config::{Configuration, Limit, LittleEndian, Varint},
    de::{
        Decoder, DecoderImpl,
        read::{Reader, SliceReader},
    },
    enc::{EncoderImpl, write::Writer},
    error::{DecodeError, EncodeError},
};
use std::{cell::Cell, fmt};

/// No value of a state, event, fact or result may be larger; bodies beyond it belong in blobs.
pub const VALUE_BYTES_MAX: usize = 64 << 20;

const CODEC: Configuration<LittleEndian, Varint, Limit<VALUE_BYTES_MAX>> =
    bincode::config::standard().with_limit::<VALUE_BYTES_MAX>();

/// Where the bytes being read come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// This installation's own journal.
    OwnJournal,
    /// A file from elsewhere: approvals in it are not approvals here.
    Imported,
}

/// The right to decode sealed types: states, events and the stages of a call. Only the engine makes one, so nobody can
/// forge such a value from bytes.
pub struct Reading {
    pub(crate) origin: Origin,
}
impl Reading {
    pub(crate) const OWN: Reading = Reading { origin: Origin::OwnJournal };

    /// Where the bytes come from.
    pub fn origin(&self) -> Origin {
        self.origin
    }
}

/// A state or an event: named, sealed. Implemented by `#[state]` and `#[event]`, never by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be journalled",
    label = "add `#[state]` (or `#[event]`) to `{Self}`",
    note = "every state and event of a graph is written to the journal before the next effect runs"
)]
pub trait Stored: Encode + Decode<Reading> + Shape + Send + 'static {
    /// The name under which the journal knows the type.
    const NAME: &'static str;
    /// The hash of [`Self::NAME`].
    const TAG: u64 = hash_name(Self::NAME);
}

/// What an effect may return and an intent may hold: anything with a shape that the engine can read back.
pub trait Memo: Encode + Decode<Reading> + Shape + Send + 'static {}
impl<T: Encode + Decode<Reading> + Shape + Send + 'static> Memo for T {}

/// A value as bytes, with the hashes of its name and its shape.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub struct Encoded {
    /// The hash of the type's name; zero for memos, which are found by the effect's name.
    pub tag: u64,
    /// The hash of the type's shape.
    pub shape: u64,
    /// The value.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}/{:016x} ({} bytes)", self.tag, self.shape, self.bytes.len())
    }
}

/// What the journal holds does not fit this build, by name. Nothing was run and nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl Encoded {
    /// Encodes a state or an event.
    pub fn stored<T: Stored>(value: &T) -> Encoded {
        Encoded { tag: T::TAG, shape: T::SHAPE, bytes: bytes_of(value) }
    }
    /// Encodes a request, an outcome or a fact.
    pub fn durable<T: Durable>(value: &T) -> Encoded {
        Encoded { tag: T::TAG, shape: T::SHAPE, bytes: bytes_of(value) }
    }
    /// Encodes the result or the intent of an effect.
    pub fn memo<T: Memo>(value: &T) -> Encoded {
        Encoded { tag: 0, shape: T::SHAPE, bytes: bytes_of(value) }
    }

    /// Reads a state or an event back.
    ///
    /// # Errors
    /// When the bytes are of another type or shape, or do not decode.
    pub fn to_stored<T: Stored>(&self, reading: &Reading) -> Result<T, Refused> {
        self.expect(T::NAME, T::TAG, T::SHAPE)?;
        let (value, read) =
            bincode::decode_from_slice_with_context(&self.bytes, CODEC, Reading { origin: reading.origin })
                .map_err(|e| undecodable(T::NAME, &e))?;
        self.all_read(T::NAME, read)?;
        Ok(value)
    }

    /// Reads a request, an outcome or a fact back. Anybody may: these types are open.
    ///
    /// # Errors
    /// When the bytes are of another type or shape, or do not decode.
    pub fn to_durable<T: Durable>(&self) -> Result<T, Refused> {
        self.expect(T::NAME, T::TAG, T::SHAPE)?;
        let (value, whole) = take(&self.bytes).map_err(|e| undecodable(T::NAME, &e))?;
        if whole { Ok(value) } else { Err(Refused(format!("`{}` left bytes unread", T::NAME))) }
    }

    pub(crate) fn to_memo<T: Memo>(&self, name: &str) -> Result<T, Refused> {
        self.expect(name, 0, T::SHAPE)?;
        let (value, read) = bincode::decode_from_slice_with_context(&self.bytes, CODEC, Reading::OWN)
            .map_err(|e| undecodable(name, &e))?;
        self.all_read(name, read)?;
        Ok(value)
    }

    fn expect(&self, name: &str, tag: u64, shape: u64) -> Result<(), Refused> {
        if (self.tag, self.shape) == (tag, shape) {
            return Ok(());
        }
        let what = if self.tag == tag { "shape" } else { "name" };
        Err(Refused(format!(
            "`{name}` was journalled with another {what}: {:016x}/{:016x}, this build has {tag:016x}/{shape:016x}",
            self.tag, self.shape
        )))
    }

    fn all_read(&self, name: &str, read: usize) -> Result<(), Refused> {
        if read == self.bytes.len() {
            return Ok(());
        }
        Err(Refused(format!("`{name}` left {} bytes unread", self.bytes.len() - read)))
    }
}

/// Decodes bytes as a state or an event and encodes the value again; `None` unless they are exactly one value. It hands
/// out bytes, never a value, so it is no way around [`Reading`].
pub fn recode<T: Stored>(bytes: &[u8]) -> Option<Vec<u8>> {
    let (value, read): (T, usize) =
        bincode::decode_from_slice_with_context(bytes, CODEC, Reading::OWN).ok()?;
    (read == bytes.len()).then(|| bytes_of(&value))
}

/// The same for a request, an outcome or a fact.
pub fn recode_open<T: Durable>(bytes: &[u8]) -> Option<Vec<u8>> {
    let (value, whole): (T, bool) = take(bytes).ok()?;
    whole.then(|| bytes_of(&value))
}

/// Reads an open type, and says whether nothing was left over.
fn take<T: Durable>(bytes: &[u8]) -> Result<(T, bool), DecodeError> {
    let mut decoder = DecoderImpl::new(SliceReader::new(bytes), CODEC, ());
    let value = T::take(&mut decoder)?;
    Ok((value, decoder.reader().peek_read(1).is_none()))
}

/// A scratch that grew beyond this for one large value is given back.
const SCRATCH_BYTES_MAX: usize = 64 << 10;

thread_local! {
    /// Values are written here first, so that each is looked at once and takes no more than it needs.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

pub(crate) fn bytes_of<T: Encode>(value: &T) -> Vec<u8> {
    let mut scratch = SCRATCH.take();
    scratch.clear();
    put(value, &mut scratch);
    let bytes = scratch.as_slice().to_vec();
    if scratch.capacity() <= SCRATCH_BYTES_MAX {
        SCRATCH.set(scratch);
    }
    bytes
}

/// Writes a value behind what is there.
pub(crate) fn put<T: Encode>(value: &T, bytes: &mut Vec<u8>) {
    let mut encoder = EncoderImpl::new(Behind(bytes), CODEC);
    value.encode(&mut encoder).expect("a journalled value encodes into memory");
}

struct Behind<'a>(&'a mut Vec<u8>);

impl Writer for Behind<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

fn undecodable(name: &str, error: &DecodeError) -> Refused {
    Refused(format!("`{name}` does not decode: {error}"))
}

/// Reads a record of the engine back.
pub(crate) fn record_of<T: Decode<()>>(bytes: &[u8]) -> Result<T, Refused> {
    let (value, read) = bincode::decode_from_slice(bytes, CODEC).map_err(|e| undecodable("a record", &e))?;
    if read == bytes.len() { Ok(value) } else { Err(Refused("a record is longer than what it says".into())) }
}
