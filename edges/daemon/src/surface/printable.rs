//! What a terminal may be given: text that steers nothing. What would is written out, so that nobody judges another text than
//! the one that is there. In JSON the same words mean the same text.

/// Writes out what would steer a terminal or turn text around: what a model or a file says is not to be trusted.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            // Half of the end of a line, as some systems write it; the other half may come later.
            '\r' => {}
            letter if steers(letter) => shown.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => shown.push(letter),
        }
    }
    shown
}

fn steers(c: char) -> bool {
    let is_control = c.is_control() && !matches!(c, '\n' | '\t');
    // Marks that show what follows from right to left: with them a path can be shown as another.
    let turns_around = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_control || turns_around
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_steer_the_terminal_is_written_out() {
        assert_eq!(printable("a\u{1b}[2Jb\u{7}c\r\u{9b}31m\u{7f}"), r"a\u001b[2Jb\u0007c\u009b31m\u007f");
        assert_eq!(printable("gpj.\u{202e}exe.txt\u{2066}"), r"gpj.\u202eexe.txt\u2066");
        assert_eq!(printable("ä\t→ שלום\r\n🙂\n"), "ä\t→ שלום\n🙂\n");
        let json = serde_json::to_string("a\u{202e}b\u{7f}").expect("it is text");
        assert_eq!(
            serde_json::from_str::<String>(&printable(&json)).expect("it is JSON"),
            "a\u{202e}b\u{7f}"
        );
    }
}
