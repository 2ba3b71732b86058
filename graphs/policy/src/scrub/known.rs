//! Tokens that say by their shape what they are. The table is the rule; nothing is guessed here.
use super::text::{has, inside_word, run_end};
use std::ops::Range;

/// A kind of token: what it begins with, what may follow, and how much of it.
struct Kind {
    prefix: &'static str,
    more: fn(u8) -> bool,
    least: usize,
    most: usize,
}

const fn kind(prefix: &'static str, more: fn(u8) -> bool, least: usize, most: usize) -> Kind {
    Kind { prefix, more, least, most }
}
/// Longer than any token of the table.
const ANY: usize = 512;

static KINDS: &[Kind] = &[
    // Amazon
    kind("AKIA", upper, 16, 16),
    kind("ASIA", upper, 16, 16),
    // GitHub, GitLab
    kind("ghp_", alnum, 30, ANY),
    kind("gho_", alnum, 30, ANY),
    kind("ghu_", alnum, 30, ANY),
    kind("ghs_", alnum, 30, ANY),
    kind("ghr_", alnum, 30, ANY),
    kind("github_pat_", word, 22, ANY),
    kind("glpat-", kebab, 20, ANY),
    // model providers
    kind("sk-", kebab, 20, ANY),
    kind("AIza", kebab, 35, 35),
    kind("hf_", alnum, 30, ANY),
    kind("gsk_", alnum, 40, ANY),
    kind("ya29.", kebab, 20, ANY),
    // payment, chat, registries, mail
    kind("sk_live_", alnum, 16, ANY),
    kind("sk_test_", alnum, 16, ANY),
    kind("rk_live_", alnum, 16, ANY),
    kind("whsec_", alnum, 16, ANY),
    kind("xoxb-", kebab, 20, ANY),
    kind("xoxp-", kebab, 20, ANY),
    kind("xoxa-", kebab, 20, ANY),
    kind("xoxr-", kebab, 20, ANY),
    kind("xoxs-", kebab, 20, ANY),
    kind("xapp-", kebab, 20, ANY),
    kind("npm_", alnum, 36, 36),
    kind("pypi-AgE", kebab, 40, ANY),
    kind("dop_v1_", alnum, 64, 64),
    kind("SG.", dotted, 60, ANY),
];

fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}
fn alnum(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}
fn word(byte: u8) -> bool {
    super::text::is_word(byte)
}
fn kebab(byte: u8) -> bool {
    word(byte) || byte == b'-'
}
fn dotted(byte: u8) -> bool {
    kebab(byte) || byte == b'.'
}

pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut spans: Vec<_> = KINDS.iter().flat_map(|kind| of_kind(text, kind)).collect();
    spans.extend(text.match_indices("eyJ").filter_map(|(at, _)| jwt(text, at)));
    spans
}

fn of_kind(text: &str, kind: &'static Kind) -> impl Iterator<Item = Range<usize>> {
    text.match_indices(kind.prefix).filter_map(move |(at, _)| {
        let body = at + kind.prefix.len();
        let end = run_end(text, body, kind.more);
        let long_enough = (kind.least..=kind.most).contains(&(end - body));
        // Names such as `sk-loading-spinner-container` have no digits; tokens of this length do.
        let token = long_enough && !inside_word(text, at) && has(&text[body..end], |b| b.is_ascii_digit());
        token.then_some(at..end)
    })
}

/// A JSON web token: three parts of base64url, of which the first two are JSON objects.
fn jwt(text: &str, at: usize) -> Option<Range<usize>> {
    let end = run_end(text, at, dotted);
    let token = text[at..end].trim_end_matches('.');
    let parts: Vec<&str> = token.split('.').collect();
    let shaped = parts.len() >= 3 && parts[..2].iter().all(|p| p.starts_with("eyJ") && p.len() >= 8);
    (shaped && !inside_word(text, at)).then(|| at..at + token.len())
}
