//! The records of the two programs: each says who wrote it and where it should lie, and the rest follows from that.

/// The longest filler: with it some groups are larger than a page, most are not.
const FILLER_BYTES_MAX: u64 = 3000;

/// The record that a writer with this seed puts at this address.
pub(crate) fn record(seed: u64, lsn: u64) -> Vec<u8> {
    let mut state = seed ^ lsn.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let length = next(&mut state) % FILLER_BYTES_MAX;
    let mut bytes = [seed.to_le_bytes(), lsn.to_le_bytes()].concat();
    bytes.extend((0..length).map(|_| next(&mut state) as u8));
    bytes
}

/// Whether this is the record of some writer at this address.
#[allow(dead_code, reason = "one of the two programs writes, the other checks")]
pub(crate) fn is_record(bytes: &[u8], lsn: u64) -> bool {
    let seed = bytes.first_chunk().copied().map(u64::from_le_bytes);
    seed.is_some_and(|seed| record(seed, lsn) == bytes)
}

/// The next number that looks like chance (splitmix64).
pub(crate) fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
