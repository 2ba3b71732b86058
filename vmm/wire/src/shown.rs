//! Text that somebody else wrote, as a person's terminal may get it. It judges no meaning: it takes away what moves a cursor,
//! writes a clipboard, or turns the order of letters around, and leaves lines and letters.
use std::fmt::{self, Display, Write};

/// A text whose control characters are written out. Lines and tabs stay.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a str);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|letter| match letter {
            '\n' | '\t' | '\'' | '"' | '\\' => f.write_char(letter),
            other => write!(f, "{}", other.escape_debug()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_letters_and_lines_and_nothing_that_it_obeys() {
        for (said, shown) in [
            ("plain, `quoted` \"twice\" C:\\x\n\tnext", "plain, `quoted` \"twice\" C:\\x\n\tnext"),
            ("ü 漢 🦀", "ü 漢 🦀"),
            ("\x1b]52;c;aGk=\x07", "\\u{1b}]52;c;aGk=\\u{7}"),
            ("a\rb\x08\0", "a\\rb\\u{8}\\0"),
            // The one-byte form of an escape sequence, and what turns letters around.
            ("\u{9b}2J \u{202e}exe.txt", "\\u{9b}2J \\u{202e}exe.txt"),
        ] {
            assert_eq!(Shown(said).to_string(), shown);
        }
    }
}
