//! Checks prompts: bounded, UTF-8, never empty.
use crate::exit::Failure;
use std::io::Read;

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

pub(crate) fn too_long(bytes: usize) -> Failure {
    Failure::usage(format!(
        "the prompt has {bytes} bytes or more, the most is {PROMPT_BYTES_MAX}: put the text into a file of the workspace and ask the agent to read it"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn an_empty_or_endless_prompt_is_refused() {
        assert!(checked("  \n".into()).is_err());
        assert!(piped(Cursor::new(b" \n\n".to_vec())).is_err());
        assert!(piped(Cursor::new(vec![b'a'; PROMPT_BYTES_MAX + 1])).is_err());
        assert!(piped(std::io::repeat(b'a')).is_err(), "an endless one is given up on");
        assert!(piped(Cursor::new(b"\xff".to_vec())).is_err());
        assert_eq!(piped(Cursor::new(b"hello\n".to_vec())).ok().as_deref(), Some("hello"));
    }
}
