//! Removes secrets and host paths from text that a model or a journal will see. It prefers a missed oddity to a hole in
//! somebody's source code: ids, hashes, paths and identifiers stay as they are.
//!
//! Four detectors point at spans, each blind to what the others know: the shapes of well-known tokens ([`known`]),
//! private keys ([`pem`]), values behind telling names ([`keyword`]) and long random text ([`entropy`]).
mod entropy;
mod hosts;
mod keyword;
mod known;
mod pem;
mod text;

use hosts::Hosts;
use std::ops::Range;

/// What stands where a secret stood.
pub const REDACTED: &str = "[REDACTED]";

/// Scrubbing what was scrubbed changes nothing; so many rounds are made to get there, since what a detector sees may
/// change when a neighbour is redacted.
const ROUNDS_MAX: usize = 4;

/// Removes secrets and host paths. It is pure: the same text gives the same text.
#[derive(Debug, Clone, Default)]
pub struct Scrubber {
    hosts: Hosts,
}

impl Scrubber {
    /// Makes a scrubber that also says the second of each pair where the first, a host path, stands.
    pub fn new(paths: impl IntoIterator<Item = (String, String)>) -> Scrubber {
        Scrubber { hosts: Hosts::new(paths) }
    }

    /// Returns the text without what it must not hold.
    pub fn scrub(&self, text: &str) -> String {
        let mut text = self.hosts.map(text);
        for _ in 0..ROUNDS_MAX {
            let spans = secrets(&text);
            if spans.is_empty() {
                break;
            }
            text = redact(&text, spans);
        }
        text
    }
}

/// The spans that hold secrets, in order and apart.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut spans = pem::find(text);
    spans.extend(known::find(text));
    spans.extend(keyword::find(text));
    spans.extend(entropy::find(text));
    spans.retain(|span| !text[span.clone()].contains(REDACTED));
    spans.sort_by_key(|span| (span.start, span.end));
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for span in spans {
        match apart.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            Some(_) | None => apart.push(span),
        }
    }
    apart
}

fn redact(text: &str, spans: Vec<Range<usize>>) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    for span in spans {
        clean.push_str(&text[from..span.start]);
        clean.push_str(REDACTED);
        from = span.end;
    }
    clean.push_str(&text[from..]);
    clean
}

#[cfg(test)]
mod tests;
