//! What a terminal may be given: text that steers nothing.

/// Leaves out what would steer a terminal or turn text around: what a model or a file says is not to be trusted.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !steers(*c)).collect()
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
    fn what_would_steer_the_terminal_is_left_out() {
        assert_eq!(printable("a\u{1b}[2Jb\u{7}c\r\u{9b}31m\u{7f}"), "a[2Jbc31m");
        assert_eq!(printable("gpj.\u{202e}exe.txt\u{2066}"), "gpj.exe.txt");
        assert_eq!(printable("ä\t→ שלום\n🙂\n"), "ä\t→ שלום\n🙂\n");
    }
}
