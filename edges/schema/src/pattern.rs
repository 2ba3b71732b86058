//! The patterns of a schema, read once. They are ECMA's, of which a little is written otherwise here.
use fancy_regex::{Regex, RegexBuilder};
use std::collections::BTreeMap;

/// So often a pattern that looks back or ahead may go back in one text: more than any that was meant well, and well below a
/// millisecond. Other patterns never go back.
const BACKTRACKS_MAX: usize = 20_000;

/// Patterns by how they are written.
#[derive(Debug, Default)]
pub(crate) struct Patterns(BTreeMap<String, Regex>);

impl Patterns {
    /// Reads a pattern, unless it is known.
    pub(crate) fn learn(&mut self, written: &str) -> Result<(), String> {
        if !self.0.contains_key(written) {
            let regex = RegexBuilder::new(&ours(written)).backtrack_limit(BACKTRACKS_MAX).build();
            let regex = regex.map_err(|error| error.to_string())?;
            self.0.insert(written.to_owned(), regex);
        }
        Ok(())
    }

    /// Whether the pattern is found in the text; `None` if that takes too long to say.
    pub(crate) fn finds(&self, written: &str, text: &str) -> Option<bool> {
        self.0.get(written).expect("the schema was read with all its patterns").is_match(text).ok()
    }
}

/// The pattern as it is written here. ECMA's `\d` and `\w` are of ASCII alone; ours would be of all scripts. Within a class, its
/// `[`, `&`, `~` and `-` are themselves; ours would begin a class within, or join, part and subtract classes.
fn ours(written: &str) -> String {
    let mut pattern = String::with_capacity(written.len());
    let mut chars = written.chars().peekable();
    let (mut in_class, mut at_start) = (false, false);
    while let Some(char) = chars.next() {
        let began = std::mem::take(&mut at_start);
        match char {
            '\\' => escaped(chars.next(), &mut pattern),
            '[' if !in_class => {
                let is_not = chars.next_if_eq(&'^').is_some();
                if chars.next_if_eq(&']').is_some() {
                    // Of nothing, and of everything.
                    pattern.push_str(if is_not { r"[\s\S]" } else { "(?!)" });
                    continue;
                }
                pattern.push_str(if is_not { "[^" } else { "[" });
                (in_class, at_start) = (true, true);
            }
            ']' if in_class => {
                in_class = false;
                pattern.push(']');
            }
            '-' if in_class && chars.peek() == Some(&'-') => {
                if began {
                    pattern.push_str(r"\-");
                } else {
                    chars.next();
                    pattern.push_str(r"-\-");
                }
            }
            '[' | '&' | '~' if in_class => pattern.extend(['\\', char]),
            char => pattern.push(char),
        }
    }
    pattern
}

fn escaped(letter: Option<char>, pattern: &mut String) {
    match letter {
        Some('d') => pattern.push_str("[0-9]"),
        Some('D') => pattern.push_str("[^0-9]"),
        Some('w') => pattern.push_str("[A-Za-z0-9_]"),
        Some('W') => pattern.push_str("[^A-Za-z0-9_]"),
        Some('/') => pattern.push('/'),
        Some(other) => pattern.extend(['\\', other]),
        None => pattern.push('\\'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_ecma() {
        let mut patterns = Patterns::default();
        for (written, text, is_found) in [
            ("^\\d+$", "٣", false),
            ("^\\d+$", "3", true),
            ("^\\d+$", "3\n", false),
            ("b", "abc", true),
            ("^[\\w-]+$", "a-b", true),
            ("^[\\W]$", "ä", true),
            ("^a\\/b$", "a/b", true),
            ("^(?!x)", "xy", false),
            ("^\\u00e4$", "ä", true),
            ("^\\\\d$", "\\d", true),
            ("^[^[\\]]+$", "a", true),
            ("^[^[\\]]+$", "[", false),
            ("^[a[b]c$", "[c", true),
            ("^[a&&b]$", "&", true),
            ("^[a~~b]$", "~", true),
            ("^[--/]$", ".", true),
            ("^[+--]$", ",", true),
            ("^[]$", "a", false),
            ("^[^]$", "\n", true),
        ] {
            patterns.learn(written).expect("it is one");
            assert_eq!(patterns.finds(written, text), Some(is_found), "{written} in {text:?}");
        }
        assert!(patterns.learn("(").is_err());
    }

    #[test]
    fn a_pattern_that_takes_too_long_is_given_up() {
        let mut patterns = Patterns::default();
        let slow = "^(?:(a+)\\1?)+b";
        patterns.learn(slow).expect("it is one");
        assert_eq!(patterns.finds(slow, &"a".repeat(64)), None);
    }
}
