//! Private keys in PEM blocks, also cut ones and those written with `\n` inside a string. Certificates are public.
use std::ops::Range;

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";
/// No key is longer; an end beyond it belongs to another block.
const KEY_BYTES_MAX: usize = 32 << 10;
/// A line with fewer base64 characters is no key material.
const LINE_CHARS_MIN: usize = 16;

pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    text.match_indices(BEGIN).filter_map(|(at, _)| block(text, at)).collect()
}

fn block(text: &str, at: usize) -> Option<Range<usize>> {
    let label = &text[at + BEGIN.len()..];
    let label = &label[..label.find(DASHES)?];
    if label.len() > 64 || !label.contains("PRIVATE KEY") {
        return None;
    }
    let body = at + BEGIN.len() + label.len() + DASHES.len();
    let material = material_end(text, body)?;
    let end = format!("-----END {label}-----");
    let tail = &text[material..];
    let end_at = tail.find(&end).filter(|&n| n <= KEY_BYTES_MAX && !tail[..n].contains(BEGIN));
    Some(at..end_at.map_or(material, |n| material + n + end.len()))
}

/// The end of the last line of key material behind `body`, or `None` when none follows: the marker alone is no secret.
fn material_end(text: &str, body: usize) -> Option<usize> {
    let mut end = None;
    let mut at = body;
    while at < text.len() && at - body < KEY_BYTES_MAX {
        let rest = &text[at..];
        let (line, skip) = first_line(rest);
        let trimmed = line.trim_matches(|c: char| c.is_whitespace() || "\"'+,\\|>#".contains(c));
        if is_material(trimmed) {
            end =
                Some(at + line.trim_end_matches(|c: char| c.is_whitespace() || "\"'+,\\".contains(c)).len());
        } else if !trimmed.is_empty() && !is_header(trimmed) {
            break;
        }
        at += line.len() + skip;
    }
    end
}

/// The text up to a line break, written as such or as `\n`, and the length of the break.
fn first_line(text: &str) -> (&str, usize) {
    let breaks = [("\n", 1), ("\\n", 2)];
    let first = breaks.iter().filter_map(|(b, len)| text.find(b).map(|at| (at, *len))).min();
    first.map_or((text, 0), |(at, len)| (&text[..at], len))
}

fn is_material(line: &str) -> bool {
    line.len() >= LINE_CHARS_MIN && line.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b))
}

/// A header of an encrypted key, as `Proc-Type: 4,ENCRYPTED`.
fn is_header(line: &str) -> bool {
    line.len() < 100 && line.split_once(": ").is_some_and(|(name, _)| !name.contains(char::is_whitespace))
}
