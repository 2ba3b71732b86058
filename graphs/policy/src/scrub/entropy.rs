//! Long random text, by how it alternates between classes of characters. Ids, hashes, checksums, paths and identifiers
//! are not random in this sense and stay.
use super::text::{alternation, has, is_hex, is_word, runs};
use std::ops::Range;

/// 16 random bytes in base64, without padding. Shorter text is left to the other detectors: names alternate as much by
/// chance.
const SECRET_CHARS_MIN: usize = 22;
/// A shorter part in hexadecimal is no hash.
const HASH_CHARS_MIN: usize = 7;
/// Longer text is data: an image, an archive.
const SECRET_CHARS_MAX: usize = 512;
/// See [`alternation`]; 19 of 20 random base64 texts of the least length and nearly all longer ones lie above it.
const MIXED_ALTERNATION_MIN: usize = 45;
/// The same for lower case and digits alone.
const BASE36_ALTERNATION_MIN: usize = 28;
/// Text of lower case and digits alone is more often an id, so more of it is needed.
const BASE36_CHARS_MIN: usize = 32;
/// Random base64 holds two separators in 64 characters; a path or a sentence of words holds more than one in eight.
const CHARS_PER_SEPARATOR_MIN: usize = 8;

/// What stands before public values that are as random as secrets.
const PUBLIC_PREFIXES: [&str; 10] = [
    "0x",
    "sha1-",
    "sha256-",
    "sha384-",
    "sha512-",
    "AAAAB3NzaC1",
    "AAAAC3NzaC1",
    "AAAAE2VjZHNh",
    "_ZN",
    "_R",
];

pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    runs(text, |b| is_word(b) || b"+/=-".contains(&b)).flat_map(|run| secrets(text, run)).collect()
}

fn secrets(text: &str, run: Range<usize>) -> Vec<Range<usize>> {
    // `key=value` is one run: the value is looked at alone, the padding belongs to it.
    let unpadded = text[run.clone()].trim_end_matches('=');
    let start = run.start + unpadded.rfind('=').map_or(0, |at| at + 1);
    let candidate = &text[start..run.start + unpadded.len()];
    let public =
        PUBLIC_PREFIXES.iter().any(|p| candidate.starts_with(p)) || text[..start].ends_with("SHA256:");
    if public || candidate.len() < SECRET_CHARS_MIN {
        return Vec::new();
    }
    // In a path or a URL only the random names go; in base64 a slash is a character like any other.
    let mut at = start;
    let names = candidate.split('/').map(|name| {
        let span = at..at + name.len();
        at = span.end + 1;
        span
    });
    if !is_random(candidate) {
        return names.filter(|span| is_random(&text[span.clone()])).collect();
    }
    let odd: Vec<_> = names.filter(|span| has(&text[span.clone()], |b| !b.is_ascii_lowercase())).collect();
    let (first, last) = odd.first().zip(odd.last()).expect("what is random has digits");
    let end = if last.end == start + candidate.len() { run.end } else { last.end };
    std::iter::once(first.start..end).collect()
}

fn is_random(candidate: &str) -> bool {
    if !(SECRET_CHARS_MIN..=SECRET_CHARS_MAX).contains(&candidate.len()) {
        return false;
    }
    // Hashes inside a path or a name neither make it random nor hide that it is.
    let kept: Vec<&str> = candidate.split(['/', '_', '-', '+']).filter(|part| !is_id(part)).collect();
    let chars = kept.iter().map(|part| part.len() + 1).sum::<usize>().saturating_sub(1);
    let wordy = kept.len() > 1 + chars / CHARS_PER_SEPARATOR_MIN;
    if chars < SECRET_CHARS_MIN || wordy {
        return false;
    }
    let kept = kept.join("-");
    // Names end in a digit or hold one; two places are rare.
    let numbers = runs(&kept, |b| b.is_ascii_digit()).count();
    let count = |what: fn(&u8) -> bool| kept.as_bytes().iter().filter(|b| what(b)).count();
    let (lower, upper, digit) =
        (count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase), count(u8::is_ascii_digit));
    let mixed = lower >= 2 && upper >= 2 && numbers >= 2 && alternation(&kept) >= MIXED_ALTERNATION_MIN;
    let base36 = upper == 0
        && digit >= 4
        && kept.len() == candidate.len()
        && !kept.contains('-')
        && chars >= BASE36_CHARS_MIN
        && alternation(&kept) >= BASE36_ALTERNATION_MIN;
    mixed || base36
}

fn is_id(part: &str) -> bool {
    part.len() >= HASH_CHARS_MIN && is_hex(part) && has(part, |b| b.is_ascii_digit())
}
