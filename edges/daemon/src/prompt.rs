//! Reads prompts: bounded, UTF-8, never empty.
use crate::exit::Failure;
use std::io::{self, BufRead, Read};
use tokio::sync::mpsc;

/// What a person types, or pastes, in one go. A longer text belongs in a file, which the agent can read in parts.
pub(crate) const PROMPT_BYTES_MAX: usize = 1 << 20;

/// Checks a prompt.
pub(crate) fn checked(text: String) -> Result<String, Failure> {
    if text.trim().is_empty() {
        return Err(Failure::usage("the prompt is empty: say what the agent should do"));
    }
    if text.len() > PROMPT_BYTES_MAX {
        return Err(too_long(text.len()));
    }
    Ok(text)
}

/// Reads all of standard input as one prompt.
pub(crate) fn piped(input: impl Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    // One byte more than the bound tells a text that fits from one that does not.
    let read = input.take(PROMPT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::other(format!("cannot read the prompt from standard input: {error}")))?;
    if bytes.len() > PROMPT_BYTES_MAX {
        return Err(too_long(bytes.len()));
    }
    let text = String::from_utf8(bytes).map_err(|_| Failure::usage("the prompt is not UTF-8"))?;
    checked(text.trim_end().to_owned())
}

fn too_long(bytes: usize) -> Failure {
    Failure::usage(format!(
        "the prompt has {bytes} bytes or more, the most is {PROMPT_BYTES_MAX}: put the text into a file of the workspace and ask the agent to read it"
    ))
}

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
        let buffer = input.fill_buf().ok()?;
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
        Ok(text) => Line::Prompt(text),
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
                Line::Refused(failure) => format!("refused: {}", failure.to_string().chars().take(40).collect::<String>()),
            })
            .collect()
    }

    #[test]
    fn a_line_that_is_no_prompt_leaves_the_next_one_whole() {
        let mut input = vec![b'x'; 3 * PROMPT_BYTES_MAX];
        input.extend(b"\nnext\n\xff\xfe\nlast");
        let lines = shown(&input);
        assert_eq!(lines, ["refused: the prompt has 3145728 bytes or more, th", "prompt next", "refused: this line is not UTF-8", "prompt last"]);
    }

    #[test]
    fn an_empty_or_endless_prompt_is_refused() {
        assert!(checked("  \n".into()).is_err());
        assert!(piped(Cursor::new(vec![b'a'; PROMPT_BYTES_MAX + 1])).is_err());
        assert!(piped(Cursor::new(b"\xff".to_vec())).is_err());
        assert_eq!(piped(Cursor::new(b"hello\n".to_vec())).ok().as_deref(), Some("hello"));
    }
}
