//! Values behind telling names: `password = "…"`, `"api_key": "…"`, `?token=…`, `Bearer …`, `scheme://user:…@host`.
//! Types, calls, placeholders and prose behind the same names stay.
use super::REDACTED;
use super::text::{alternation, has, inside_word, is_word, run_end, runs};
use std::ops::Range;

/// How much a name says about its value.
#[derive(Clone, Copy, PartialEq)]
enum Name {
    /// Its value is a secret unless it looks like code.
    Strong,
    /// Its value may be anything: only a random one is a secret.
    Weak,
}

/// Ends of names in lower case without separators.
const STRONG: [&str; 13] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "apikey",
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "sessiontoken",
    "clientsecret",
    "privatekey",
    "secretkey",
    "accesskey",
];
const WEAK: [&str; 3] = ["token", "authorization", "credential"];
/// Values that stand for a secret, or name the kind of field.
const STAND_INS: [&str; 22] = [
    "string",
    "number",
    "integer",
    "boolean",
    "object",
    "required",
    "optional",
    "null",
    "none",
    "nil",
    "true",
    "false",
    "undefined",
    "password",
    "secret",
    "token",
    "hidden",
    "text",
    "redacted",
    "changeme",
    "example",
    "xxxx",
];
/// The shortest value that is taken for a secret.
const QUOTED_CHARS_MIN: usize = 4;
const BARE_CHARS_MIN: usize = 6;
const WEAK_CHARS_MIN: usize = 12;
/// The longest: what lies behind it is data.
const VALUE_CHARS_MAX: usize = 4096;
/// No name of a field is longer.
const NAME_CHARS_MAX: usize = 64;

pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let mut spans: Vec<_> =
        runs(text, |b| is_word(b) || b == b'-').filter_map(|run| named(text, run)).collect();
    spans.extend(text.match_indices("://").filter_map(|(at, _)| userinfo(text, at + 3)));
    spans
}

fn named(text: &str, run: Range<usize>) -> Option<Range<usize>> {
    let name = &text[run.clone()];
    if name.len() > NAME_CHARS_MAX {
        return None;
    }
    let plain: String =
        name.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase() as char).collect();
    if matches!(plain.as_str(), "bearer" | "basic") {
        return scheme(text, run, &plain);
    }
    let ends = |names: &[&str]| names.iter().any(|end| plain.ends_with(end));
    let strength = if ends(&STRONG) {
        Name::Strong
    } else if ends(&WEAK) {
        Name::Weak
    } else {
        return None;
    };
    value(text, run, strength)
}

/// `Bearer x` anywhere, `Basic x` in a line that speaks of authorization.
fn scheme(text: &str, run: Range<usize>, plain: &str) -> Option<Range<usize>> {
    let start = run_end(text, run.end, |b| b == b' ');
    let end = run_end(text, start, |b| is_word(b) || b"-._~+/=".contains(&b));
    let value = text[start..end].trim_end_matches('.');
    let line = &text[text[..run.start].rfind('\n').map_or(0, |at| at + 1)..run.start];
    let said = plain == "bearer" || line.to_ascii_lowercase().contains("authorization");
    let long = value.len() >= 8 && (has(value, |b| b.is_ascii_digit()) || alternation(value) >= 25);
    (start > run.end && said && long && !stands_in(value)).then(|| start..start + value.len())
}

/// The value that a name introduces, when it is a secret.
fn value(text: &str, name: Range<usize>, strength: Name) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    // The name may be quoted itself, as in JSON, also inside a string with `\"`.
    let mut at = run_end(text, name.end, |b| b"\"'\\`".contains(&b));
    let tight = bytes.get(at) == Some(&b'=') && at == name.end;
    at = run_end(text, at, |b| b == b' ');
    if text[at..].starts_with("is ") && strength == Name::Strong {
        at += 3;
    } else {
        at = behind_type(text, at + usize::from(matches!(bytes.get(at), Some(b':' | b'='))))?;
        if !matches!(bytes.get(at.checked_sub(1)?), Some(b':' | b'=')) {
            return None;
        }
    }
    let start = run_end(text, at, |b| b == b' ');
    let open = run_end(text, start, |b| b == b'\\');
    match bytes.get(open)? {
        quote @ (b'"' | b'\'' | b'`') => quoted(text, open + 1, *quote, strength),
        _ if tight && start == at => tight_value(text, name, at, strength),
        _ => loose_value(text, start, strength),
    }
}

/// Steps over the type in `NAME: &str = …`.
fn behind_type(text: &str, at: usize) -> Option<usize> {
    let rest = text.get(at..)?;
    let skipped = [" &str =", " &'static str =", " String =", " str =", " string ="]
        .iter()
        .find(|t| rest.starts_with(**t));
    Some(at + skipped.map_or(0, |t| t.len()))
}

fn quoted(text: &str, start: usize, quote: u8, strength: Name) -> Option<Range<usize>> {
    let end = run_end(text, start, |b| b != quote && b != b'\n');
    let value = text[start..end].trim_end_matches('\\');
    let closed = text.as_bytes().get(end) == Some(&quote);
    let one_word = !value.contains(char::is_whitespace);
    let long = (QUOTED_CHARS_MIN..=VALUE_CHARS_MAX).contains(&value.len());
    let secret = match strength {
        Name::Strong => !is_reference(value),
        Name::Weak => is_mixed(value),
    };
    (closed && one_word && long && secret && !stands_in(value)).then(|| start..start + value.len())
}

/// `name=value` without blanks: a command line, an environment file, a query.
fn tight_value(text: &str, name: Range<usize>, start: usize, strength: Name) -> Option<Range<usize>> {
    let end = run_end(text, start, |b| !b.is_ascii_whitespace() && !b"&;\"'`<>,".contains(&b));
    let value = &text[start..end];
    let shouted = !has(&text[name.clone()], |b| b.is_ascii_lowercase()) && name.len() > "TOKEN".len();
    let query = name.start > 0 && b"?&".contains(&text.as_bytes()[name.start - 1]);
    let telling = match strength {
        Name::Strong => shouted || query || has(value, |b| b.is_ascii_digit()),
        Name::Weak => (query && value.len() >= BARE_CHARS_MIN) || is_mixed(value),
    };
    (value.len() >= BARE_CHARS_MIN && telling && !is_code(value) && !stands_in(value)).then_some(start..end)
}

/// `name: value` and `name = value`: the value must be the rest of its line, since code goes on behind it.
fn loose_value(text: &str, start: usize, strength: Name) -> Option<Range<usize>> {
    let line_end = run_end(text, start, |b| b != b'\n' && b != b'\r');
    let value = text[start..line_end].trim_end();
    let one_word = !value.contains(char::is_whitespace) && value.len() <= VALUE_CHARS_MAX;
    let telling = match strength {
        Name::Strong => value.len() >= BARE_CHARS_MIN && has(value, |b| b.is_ascii_digit()),
        Name::Weak => is_mixed(value),
    };
    (one_word && telling && !is_code(value) && !stands_in(value)).then(|| start..start + value.len())
}

/// Letters with digits, long enough for a token, and not in words.
fn is_mixed(value: &str) -> bool {
    let ends = value.len() >= WEAK_CHARS_MIN
        && has(value, |b| b.is_ascii_digit())
        && has(value, |b| b.is_ascii_alphabetic());
    ends && alternation(value) >= 25 && !is_code(value)
}

fn is_code(value: &str) -> bool {
    let numeric = value.bytes().all(|b| b.is_ascii_digit() || b"._".contains(&b));
    numeric || has(value, |b| b"(){}[]<>,;|".contains(&b)) || value.contains("::") || is_reference(value)
}

/// A name for where the value is, not the value: a variable, a path, a URL, a template.
fn is_reference(value: &str) -> bool {
    let first = value.bytes().next().unwrap_or(b' ');
    b"$&*./~<{%@".contains(&first) || value.contains("://") || value.contains("${") || value.contains("{}")
}

fn stands_in(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let repeated = value.bytes().all(|b| Some(b) == value.bytes().next());
    let names_itself = STRONG.iter().chain(&WEAK).any(|name| lower.replace(['_', '-'], "").ends_with(name));
    value.is_empty()
        || repeated
        || names_itself
        || value.contains(REDACTED.trim_matches(['[', ']']))
        || STAND_INS.contains(&lower.trim_end_matches(['.', ',', '!', '?']))
        || lower.starts_with("your")
}

/// The password in `scheme://user:password@host`.
fn userinfo(text: &str, start: usize) -> Option<Range<usize>> {
    let end = run_end(text, start, |b| b.is_ascii_graphic() && !b"/\"'`<>()?#{}".contains(&b));
    let (user, password) = text[start..end].rsplit_once('@')?.0.split_once(':')?;
    let from = start + user.len() + 1;
    let secret =
        !password.is_empty() && !is_reference(password) && !stands_in(password) && !inside_word(text, start);
    secret.then(|| from..from + password.len())
}
