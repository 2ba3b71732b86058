//! What a fuzzer calls with any bytes. It must not panic, not allocate more than it was given bytes for, and what decodes
//! must encode to the same bytes.
use crate::{Frame, GuestFrame, HEADER_BYTES, Header, HostFrame};

/// Reads the bytes as frames, the first byte choosing the direction.
///
/// # Panics
/// When a frame that was read is written differently: that would be two spellings of one value.
pub fn fuzz(bytes: &[u8]) {
    match bytes {
        [] => {}
        [direction, rest @ ..] if direction % 2 == 0 => frames::<HostFrame>(rest),
        [_, rest @ ..] => frames::<GuestFrame>(rest),
    }
}

fn frames<F: Frame>(mut bytes: &[u8]) {
    while let Some((header, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() {
        let Ok(Header { kind, len }) = Header::decode(*header) else { return };
        let Some((payload, rest)) = rest.split_at_checked(len) else { return };
        if let Ok(frame) = F::decode(kind, payload) {
            let mut again = Vec::new();
            frame.encode(&mut again);
            assert_eq!(again, [header.as_slice(), payload].concat(), "one value, two spellings: {frame:?}");
        }
        bytes = rest;
    }
}
