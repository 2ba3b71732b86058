//! How much a model is told at once, and how it is told that there is more. A tool's own words stand in brackets on the
//! last line; everything before it is what was found.

/// The most that a call returns. A model reads the rest with another call.
pub(crate) const OUTPUT_BYTES_MAX: usize = 16 << 10;
/// Room for the note.
const NOTE_BYTES_MAX: usize = 512;
/// What a tool may show before its note.
pub(crate) const SHOWN_BYTES_MAX: usize = OUTPUT_BYTES_MAX - NOTE_BYTES_MAX;

/// Returns the text with a note of the tool behind it.
pub(crate) fn noted(text: &str, note: &str) -> String {
    let break_ = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{text}{break_}[{note}]")
}

/// The last resort, for a tool that did not keep to the bound itself.
pub(crate) fn capped(text: String) -> String {
    if text.len() <= OUTPUT_BYTES_MAX {
        return text;
    }
    let shown = cut_behind_word(&text, SHOWN_BYTES_MAX);
    noted(shown, &format!("cut: the first {} of {} bytes", shown.len(), text.len()))
}

/// The longest beginning of at most `bytes` bytes that ends with a whole character.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// A word up to this length is shown whole or not at all: half a secret is no longer recognised as one by the scrubber.
const WORD_BYTES_MAX: usize = 1 << 10;

/// The same, ending with a whole word too, unless the word is longer than any secret.
pub(crate) fn cut_behind_word(text: &str, bytes: usize) -> &str {
    let shown = cut(text, bytes);
    let rest = &text[shown.len()..];
    if rest.is_empty() || rest.starts_with(char::is_whitespace) {
        return shown;
    }
    let words = shown.trim_end_matches(|c: char| !c.is_whitespace());
    if shown.len() - words.len() <= WORD_BYTES_MAX { words } else { shown }
}

/// A size as a person reads it.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes == 1 {
        return "1 byte".to_owned();
    }
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let (mut scaled, mut unit) = (bytes as f64 / 1024.0, 0);
    while scaled >= 1024.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{scaled:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_output_is_cut_between_characters_and_says_so() {
        let text = capped("ä".repeat(20_000));
        assert!(text.len() <= OUTPUT_BYTES_MAX && text.ends_with("of 40000 bytes]"), "{}", text.len());
        assert_eq!(capped("short".into()), "short");
        let behind = |text, bytes| cut_behind_word(text, bytes);
        assert_eq!(behind("key sk-0123456789", 10), "key ");
        assert_eq!(
            [behind("one two", 3), behind("one two", 4), behind("one\u{3000}two", 8)],
            ["one", "one ", "one\u{3000}"]
        );
        assert_eq!(
            [size(0), size(1536), size(1 << 30), size(1 << 50)],
            ["0 bytes", "1.5 KiB", "1.0 GiB", "1024.0 TiB"]
        );
        assert_eq!([noted("", "n"), noted("a", "n"), noted("a\n", "n")], ["[n]", "a\n[n]", "a\n[n]"]);
    }
}
