//! What the detectors share: runs of characters, and how random one looks.
use std::ops::Range;

/// Yields the longest runs of bytes that satisfy `belongs`, which must accept ASCII only.
pub(super) fn runs(text: &str, belongs: impl Fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes[at..].iter().position(|&b| belongs(b))?;
        let end = bytes[start..].iter().position(|&b| !belongs(b)).map_or(bytes.len(), |n| start + n);
        at = end;
        Some(start..end)
    })
}

/// The end of the run of bytes from `start` that satisfy `belongs`.
pub(super) fn run_end(text: &str, start: usize, belongs: impl Fn(u8) -> bool) -> usize {
    text.as_bytes()[start..].iter().position(|&b| !belongs(b)).map_or(text.len(), |n| start + n)
}

/// A part of a name: a letter, a digit or an underscore.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Says whether the byte before `at` ends another word, so that nothing begins at `at`.
pub(super) fn inside_word(text: &str, at: usize) -> bool {
    at > 0 && is_word(text.as_bytes()[at - 1])
}

pub(super) fn has(text: &str, what: impl Fn(u8) -> bool) -> bool {
    text.bytes().any(what)
}

/// Hexadecimal digits, as hashes, ids and checksums are written.
pub(super) fn is_hex(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

#[derive(PartialEq, Clone, Copy)]
enum Class {
    Lower,
    Upper,
    Digit,
    Other,
}

fn class(byte: u8) -> Class {
    match byte {
        b'a'..=b'z' => Class::Lower,
        b'A'..=b'Z' => Class::Upper,
        b'0'..=b'9' => Class::Digit,
        _ => Class::Other,
    }
}

/// How often, of a hundred neighbours, lower case, upper case and digits alternate. Random base64 comes to 62, random
/// base36 to 40, a camel-case name to about 35, words to nearly nothing.
pub(super) fn alternation(text: &str) -> usize {
    let (mut pairs, mut changes) = (0, 0);
    for pair in text.as_bytes().windows(2) {
        let (a, b) = (class(pair[0]), class(pair[1]));
        if a != Class::Other && b != Class::Other {
            pairs += 1;
            changes += usize::from(a != b);
        }
    }
    (changes * 100).checked_div(pairs).unwrap_or(0)
}
