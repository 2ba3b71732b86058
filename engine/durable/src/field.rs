//! How the attributes write and read one field. A field without a shape is reported once, by `Shape`; here it only
//! has to type-check, so that the same field is not reported again by every other trait.
use crate::Shape;
use bincode::{
    Decode, Encode,
    de::Decoder,
    enc::Encoder,
    error::{DecodeError, EncodeError},
};
use std::marker::PhantomData;

/// One field of type `T`. Method lookup finds [`Shaped`] when `T` has a shape, else [`Shapeless`].
pub struct Field<T>(PhantomData<fn() -> T>);

impl<T> Field<T> {
    /// The one value of the type.
    pub const AT: Field<T> = Field(PhantomData);
}

/// A field whose type has a shape: it is written and read by bincode.
pub trait Shaped<T> {
    /// Writes the field.
    ///
    /// # Errors
    /// When the encoder has no room.
    fn put<E: Encoder>(&self, value: &T, encoder: &mut E) -> Result<(), EncodeError>
    where
        T: Encode,
    {
        value.encode(encoder)
    }
    /// Reads the field.
    ///
    /// # Errors
    /// When the bytes are not of this type, or claim more than the decoder's limit.
    fn take<D: Decoder>(&self, decoder: &mut D) -> Result<T, DecodeError>
    where
        T: Decode<D::Context>,
    {
        T::decode(decoder)
    }
}
impl<T: Shape> Shaped<T> for Field<T> {}

/// A field whose type has no shape. The program does not compile, for want of that shape, so nothing here ever runs.
pub trait Shapeless<T> {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    fn put<E: Encoder>(&self, _: &T, _: &mut E) -> Result<(), EncodeError> {
        Err(EncodeError::Other("a field without a shape"))
    }
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    fn take<D: Decoder>(&self, _: &mut D) -> Result<T, DecodeError> {
        Err(DecodeError::Other("a field without a shape"))
    }
}
impl<T> Shapeless<T> for &Field<T> {}
