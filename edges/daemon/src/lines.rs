//! Prompts line by line from standard input, for people and for scripts. A line of a terminal that may have lost its end, or
//! that holds keys which a plain line cannot take for what they mean, is refused: nobody pays for what was not said.
use crate::{
    exit::Failure,
    prompt::{PROMPT_BYTES_MAX, too_long},
};
use std::io::{self, BufRead, IsTerminal};
use tokio::sync::mpsc;

/// One line of standard input.
pub(crate) enum Line {
    Prompt(String),
    /// It cannot be a prompt; the next one can.
    Refused(Failure),
}

/// What a terminal gives in one line: what is typed or pasted behind that is dropped by the kernel without a word.
const TYPED_BYTES_MAX: usize = 4_095;

/// How keys begin that move a cursor or begin a command: the terminal writes them into the line.
const ESCAPE: u8 = 0x1b;

/// Reads standard input line by line on a thread of its own; the channel closes at the end of the input.
pub(crate) fn lines() -> mpsc::Receiver<Line> {
    // One line ahead: what a person types while the agent answers waits in the terminal.
    let (send, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        let stdin = io::stdin();
        let next = if stdin.is_terminal() { typed } else { piped };
        let mut input = stdin.lock();
        while let Some(line) = next(&mut input) {
            if send.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Reads one line of a pipe or a file.
fn piped(input: &mut impl BufRead) -> Option<Line> {
    line(input).map(|(bytes, length)| prompt(bytes, length))
}

/// Reads one line of a terminal; it is refused if it is not what somebody wanted to say.
fn typed(input: &mut impl BufRead) -> Option<Line> {
    let (bytes, length) = line(input)?;
    if length >= TYPED_BYTES_MAX {
        return Some(Line::Refused(Failure::usage(format!(
            "nothing was sent: a terminal gives {TYPED_BYTES_MAX} bytes of a line, and this one may have lost its end; put the text into a file, then `oxydra run -p - < FILE`, or `--attach FILE` beside a prompt"
        ))));
    }
    if bytes.contains(&ESCAPE) {
        return Some(Line::Refused(Failure::usage(
            "nothing was sent: the line holds keys, such as arrows, which change nothing here; Backspace and Ctrl-U do",
        )));
    }
    Some(prompt(bytes, length))
}

fn prompt(bytes: Vec<u8>, length: usize) -> Line {
    if length > PROMPT_BYTES_MAX {
        return Line::Refused(too_long(length));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Line::Prompt(text.trim().to_owned()),
        Err(_) => Line::Refused(Failure::usage("this line is not UTF-8")),
    }
}

/// Reads one line and says how long it is, holding no more of it than a prompt may have.
fn line(input: &mut impl BufRead) -> Option<(Vec<u8>, usize)> {
    let mut bytes = Vec::new();
    let mut length = 0;
    loop {
        let buffer = match input.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        let room = (PROMPT_BYTES_MAX + 1).saturating_sub(bytes.len());
        bytes.extend_from_slice(&part[..part.len().min(room)]);
        length += part.len();
        let (empty, used) = (buffer.is_empty(), part.len() + usize::from(end.is_some()));
        input.consume(used);
        match (end, empty) {
            (Some(_), _) => break,
            (None, true) if length == 0 => return None,
            (None, true) => break,
            (None, false) => {}
        }
    }
    Some((bytes, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn shown(input: &[u8]) -> Vec<String> {
        let mut input = Cursor::new(input);
        std::iter::from_fn(|| piped(&mut input))
            .map(|line| match line {
                Line::Prompt(text) => format!("prompt {}", text.chars().take(10).collect::<String>()),
                Line::Refused(failure) => {
                    format!("refused: {}", failure.to_string().chars().take(40).collect::<String>())
                }
            })
            .collect()
    }

    #[test]
    fn a_line_of_a_terminal_that_may_be_cut_or_holds_keys_is_not_sent() {
        let said = |text: &str| match typed(&mut Cursor::new(format!("{text}\n"))) {
            Some(Line::Prompt(text)) => format!("{} bytes", text.len()),
            Some(Line::Refused(failure)) => failure.to_string(),
            None => "nothing".to_owned(),
        };
        assert_eq!(said(&"x".repeat(4_094)), "4094 bytes");
        assert!(said(&"x".repeat(4_095)).contains("may have lost its end"));
        assert!(said(&format!("{}{}", "x".repeat(4_000), " ".repeat(95))).contains("may have lost its end"));
        assert!(said("say a\u{1b}[D").contains("such as arrows"));
        assert_eq!(said("ä→🙂"), "9 bytes");
        assert!(matches!(piped(&mut Cursor::new("a\u{1b}[D")), Some(Line::Prompt(_))), "a script means it");
    }

    #[test]
    fn a_line_that_is_no_prompt_leaves_the_next_one_whole() {
        let mut input = vec![b'x'; 3 * PROMPT_BYTES_MAX];
        input.extend(b"\nnext\r\n\n\xff\xfe\nlast");
        let expected = [
            "refused: the prompt has 3145728 bytes or more, th",
            "prompt next",
            "prompt ",
            "refused: this line is not UTF-8",
            "prompt last",
        ];
        assert_eq!(shown(&input), expected);
        assert!(shown(b"").is_empty());
        assert_eq!(shown(b"\n"), ["prompt "]);
    }
}
