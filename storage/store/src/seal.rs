//! The checksum behind every row: of its table, key and value. Embedded engines return flipped bits without a word.
//! It finds a wrong row; a missing one is found by `proof`.
use crate::{Table, ViewFault};

const CHECKSUM_BYTES: usize = size_of::<u32>();

/// Returns the value as the view keeps it.
pub(crate) fn sealed(table: Table, key: &[u8], value: &[u8]) -> Vec<u8> {
    [value, &checksum(table, key, value).to_be_bytes()].concat()
}

/// Returns the value that was sealed, and its checksum.
pub(crate) fn opened(table: Table, key: &[u8], mut kept: Vec<u8>) -> Result<(Vec<u8>, u32), ViewFault> {
    let damaged = || ViewFault::Damaged { table };
    let (value, found) = kept.split_last_chunk::<CHECKSUM_BYTES>().ok_or_else(damaged)?;
    let (length, found) = (value.len(), u32::from_be_bytes(*found));
    if found != checksum(table, key, value) {
        return Err(damaged());
    }
    kept.truncate(length);
    Ok((kept, found))
}

pub(crate) fn checksum(table: Table, key: &[u8], value: &[u8]) -> u32 {
    let name = crc32c::crc32c(table.name().as_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(name, key), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_opens_only_as_it_was_sealed() {
        let kept = sealed(Table::Usage, b"key", b"value");
        assert_eq!(
            opened(Table::Usage, b"key", kept.clone()).expect("untouched"),
            (b"value".to_vec(), checksum(Table::Usage, b"key", b"value"))
        );
        for at in 0..kept.len() * 8 {
            let mut flipped = kept.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert!(opened(Table::Usage, b"key", flipped).is_err(), "bit {at}");
        }
        assert!(opened(Table::Usage, b"kez", kept.clone()).is_err(), "another key");
        assert!(opened(Table::Turns, b"key", kept.clone()).is_err(), "another table");
        assert!(opened(Table::Usage, b"key", kept[..3].to_vec()).is_err(), "less than a checksum");
    }
}
