//! Facts: what a run leaves behind for others to read. The engine sees four columns, the rest is opaque to it.
use crate::{Durable, Shape};
use bincode::{Decode, Encode};

/// Whose fact it is. Forgetting works by owner, for example `session:7f3a`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode, Shape)]
pub struct Owner(pub String);

/// Among the facts of one owner and type, a newer one with the same key supersedes the older.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode, Shape)]
pub struct FactKey(pub String);

/// A body kept beside the journal, by the hash of its content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Encode, Decode, Shape)]
pub struct BlobId(pub [u8; 32]);

/// Something that happened and stays true: a message, a note, a usage line, an audit line.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a fact",
    label = "write `#[fact(\"name\")]` on it and `impl Fact for {Self}`",
    note = "a fact says whose it is, so that it can be forgotten with its owner"
)]
pub trait Fact: Durable {
    /// Whose fact it is.
    fn owner(&self) -> Owner;
    /// The key under which a newer fact supersedes this one; `None` keeps every one.
    fn key(&self) -> Option<FactKey> {
        None
    }
    /// The bodies it names, which must be on disk before it.
    fn blobs(&self) -> Vec<BlobId> {
        Vec::new()
    }
}
