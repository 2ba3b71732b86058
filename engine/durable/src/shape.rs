//! The structural hash of journalled types, computed at compile time. It says that bytes fit a type, not what they mean.

/// Hashes a name (FNV-1a, 64 bit). For telling names apart, never as a checksum.
pub const fn hash_name(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let (mut hash, mut i) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0100_0000_01b3);
        i += 1;
    }
    hash
}

/// Joins two hashes; the order matters.
pub const fn mix(a: u64, b: u64) -> u64 {
    (a.rotate_left(5) ^ b).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Names and nesting of what is written to the journal: field names, variant names and their order.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of what is journalled",
    label = "not journallable",
    note = "mark it with `#[durable]`, or keep a handle to it in the graph's environment"
)]
pub trait Shape {
    /// The hash. Two types with one hash have the same bytes for the same values.
    const SHAPE: u64;
}

macro_rules! leaf {
    ($($t:ty),* $(,)?) => { $(impl Shape for $t { const SHAPE: u64 = hash_name(stringify!($t)); })* };
}
leaf!(
    bool,
    u8,
    u16,
    u32,
    u64,
    u128,
    i8,
    i16,
    i32,
    i64,
    i128,
    f32,
    f64,
    char,
    String,
    std::time::Duration,
    ()
);

impl<T: Shape> Shape for Vec<T> {
    const SHAPE: u64 = mix(hash_name("Vec"), T::SHAPE);
}
impl<T: Shape, const N: usize> Shape for [T; N] {
    const SHAPE: u64 = mix(mix(hash_name("array"), N as u64), T::SHAPE);
}
impl<T: Shape> Shape for Option<T> {
    const SHAPE: u64 = mix(hash_name("Option"), T::SHAPE);
}
impl<T: Shape> Shape for Box<T> {
    const SHAPE: u64 = T::SHAPE;
}
impl<T: Shape, E: Shape> Shape for Result<T, E> {
    const SHAPE: u64 = mix(hash_name("Result"), mix(T::SHAPE, E::SHAPE));
}
impl<A: Shape, B: Shape> Shape for (A, B) {
    const SHAPE: u64 = mix(hash_name("pair"), mix(A::SHAPE, B::SHAPE));
}
impl<K: Shape, V: Shape> Shape for std::collections::BTreeMap<K, V> {
    const SHAPE: u64 = mix(hash_name("Map"), mix(K::SHAPE, V::SHAPE));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_and_order_change_the_shape() {
        assert_ne!(<Vec<u8>>::SHAPE, <Vec<u16>>::SHAPE);
        assert_ne!(<(u8, u16)>::SHAPE, <(u16, u8)>::SHAPE);
        assert_ne!(<Option<Vec<u8>>>::SHAPE, <Vec<Option<u8>>>::SHAPE);
        assert_eq!(<Box<u8>>::SHAPE, u8::SHAPE);
    }
}
