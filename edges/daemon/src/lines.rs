//! Prompts line by line from standard input, for people and for scripts.
use crate::{
    exit::Failure,
    prompt::{PROMPT_BYTES_MAX, too_long},
};
use std::io::{self, BufRead};
use tokio::sync::mpsc;

/// One line of standard input.
pub(crate) enum Line {
    Prompt(String),
    /// It cannot be a prompt; the next one can.
    Refused(Failure),
}

/// Reads standard input line by line on a thread of its own; the channel closes at the end of the input.
pub(crate) fn lines() -> mpsc::Receiver<Line> {
    // One line ahead: what a person types while the agent answers waits in the terminal.
    let (send, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        while let Some(line) = line(&mut input) {
            if send.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Reads one line, holding no more of it than a prompt may have.
fn line(input: &mut impl BufRead) -> Option<Line> {
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
    if length > PROMPT_BYTES_MAX {
        return Some(Line::Refused(too_long(length)));
    }
    Some(match String::from_utf8(bytes) {
        Ok(text) => Line::Prompt(text.trim().to_owned()),
        Err(_) => Line::Refused(Failure::usage("this line is not UTF-8")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn shown(input: &[u8]) -> Vec<String> {
        let mut input = Cursor::new(input);
        std::iter::from_fn(|| line(&mut input))
            .map(|line| match line {
                Line::Prompt(text) => format!("prompt {}", text.chars().take(10).collect::<String>()),
                Line::Refused(failure) => {
                    format!("refused: {}", failure.to_string().chars().take(40).collect::<String>())
                }
            })
            .collect()
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
