//! What a journal can hold: names, shapes, facts and requests. No tokio, no files, no decoding of sealed types.
//!
//! `domain` and `engine` both stand on this package. A type marked [`macro@durable`], [`request`] or [`fact`] is *open*:
//! whoever has its bytes may decode it. States, events and the stages of a call are *sealed*: they are decoded with
//! the engine's `Reading`, which only the engine can make, so they live above the engine and not here.
//!
//! There is no serde in the journal. Serde attributes such as `skip_serializing_if` or `untagged` make bincode write
//! what it cannot read back, and that would surface only after a crash; with bincode's own derives it cannot be said.
extern crate self as durable;

mod amount;
mod fact;
#[doc(hidden)]
pub mod field;
mod id;
mod shape;
mod time;

pub use amount::{Amount, METERS};
pub use bincode;
pub use fact::{BlobId, Fact, FactKey, Owner};
pub use id::{FactId, InstanceId, ParseIdError};
pub use macros::{Shape, durable, fact, request};
pub use shape::{Shape, hash_name, mix};
pub use time::Time;

use bincode::{Encode, de::Decoder, error::DecodeError};

/// A named type that the journal can hold and anybody may read back. Implemented by `#[durable]`, `#[request]` and
/// `#[fact]`, never by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be journalled",
    label = "add `#[durable]`, `#[request(..)]` or `#[fact(\"name\")]` to `{Self}`",
    note = "what crosses the journal has a name and a shape, so that an old journal is migrated or refused by name"
)]
pub trait Durable: Encode + Shape + Send + 'static {
    /// The name under which the journal knows the type. Renaming it needs an upcaster.
    const NAME: &'static str;
    /// The hash of [`Self::NAME`]: names, not ordinals, so that declarations may be reordered.
    const TAG: u64 = hash_name(Self::NAME);

    /// Reads a value back.
    ///
    /// # Errors
    /// When the bytes are not of this type's shape, or claim more than the decoder's limit.
    fn take<D: Decoder>(decoder: &mut D) -> Result<Self, DecodeError>
    where
        Self: Sized;
}

/// What one graph may ask of another, and everything that can come back.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a request",
    label = "write `#[request(Outcome)]` on `{Self}`",
    note = "a row `S asks R -> ..;` or `serves R;` names a type marked with `#[request(Outcome)]`"
)]
pub trait Request: Durable {
    /// Everything that can come back, matched to the end by who asked.
    type Outcome: Durable;
}
