//! One question to a running monitor: a line over its control socket, and the line that comes back. It speaks the protocol
//! and links nothing of the monitor; an answer in another version is refused, not guessed at.
use crate::Problem;
use serde_json::{Value, json};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

/// The version of the protocol that both sides speak.
const VERSION: u64 = 1;
/// Longer than any answer: the serial log is the longest.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// What is shown of what is no answer.
const SHOWN_BYTES: usize = 200;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// Nobody listens, or it went away.
    #[error("no monitor answers: {0}")]
    Gone(io::Error),
    /// What is in its place is nothing that may be dialled.
    #[error("{}", .0.chain())]
    Barred(Box<Problem>),
    /// It is there and says no.
    #[error("{0}")]
    Refused(String),
    /// It is there and says not now.
    #[error("{0}")]
    Unavailable(String),
    /// It says what is no answer, which begins like this.
    #[error(
        "the monitor answers `{0}`, which is of another version: end it with the version that started it"
    )]
    Nonsense(String),
}

/// A question that was asked, whose answer may take its time.
#[derive(Debug)]
pub(crate) struct Asked {
    reading: BufReader<UnixStream>,
    line: Vec<u8>,
}

/// Asks, and waits so long for the answer.
pub(crate) fn ask(socket: &Path, request: Value, patience: Duration) -> Result<Value, NoAnswer> {
    let mut asked = Asked::begin(socket, request)?;
    match asked.answer(patience)? {
        Some(value) => Ok(value),
        None => Err(NoAnswer::Gone(io::ErrorKind::TimedOut.into())),
    }
}

impl Asked {
    /// Sends a question.
    pub(crate) fn begin(socket: &Path, mut request: Value) -> Result<Asked, NoAnswer> {
        let mut stream = UnixStream::connect(socket).map_err(NoAnswer::Gone)?;
        request["v"] = json!(VERSION);
        stream.write_all(format!("{request}\n").as_bytes()).map_err(NoAnswer::Gone)?;
        Ok(Asked { reading: BufReader::new(stream), line: Vec::new() })
    }

    /// Waits for the answer this long; `None` when it has not come yet.
    pub(crate) fn answer(&mut self, patience: Duration) -> Result<Option<Value>, NoAnswer> {
        self.reading.get_ref().set_read_timeout(Some(patience)).map_err(NoAnswer::Gone)?;
        let left = ANSWER_BYTES_MAX.saturating_sub(self.line.len() as u64);
        match self.reading.by_ref().take(left).read_until(b'\n', &mut self.line) {
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return Ok(None);
            }
            Err(error) => return Err(NoAnswer::Gone(error)),
            Ok(_) if self.line.is_empty() => return Err(NoAnswer::Gone(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
        }
        let nonsense = || NoAnswer::Nonsense(beginning(&self.line));
        let answer: Value = serde_json::from_slice(&self.line).map_err(|_| nonsense())?;
        match (answer["v"] == json!(VERSION), answer.get("ok"), answer["error"]["message"].as_str()) {
            (true, Some(ok), None) => Ok(Some(ok.clone())),
            (_, None, Some(message)) if answer["error"]["kind"] == "unavailable" => {
                Err(NoAnswer::Unavailable(message.to_owned()))
            }
            (_, None, Some(message)) => Err(NoAnswer::Refused(message.to_owned())),
            _ => Err(nonsense()),
        }
    }
}

fn beginning(line: &[u8]) -> String {
    let line = line.trim_ascii();
    let shown = line.get(..SHOWN_BYTES);
    let more = if shown.is_some() { "…" } else { "" };
    String::from_utf8_lossy(shown.unwrap_or(line)).into_owned() + more
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use std::{os::unix::net::UnixListener, thread};

    /// Longer than a test runs.
    const LONG: Duration = Duration::from_secs(60);

    fn check(says: &'static str, expected: Expect) {
        let home = tempfile::tempdir().unwrap();
        let socket = home.path().join("control");
        let listener = UnixListener::bind(&socket).unwrap();
        let monitor = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut line = String::new();
            BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
            stream.write_all(says.as_bytes()).unwrap();
            line
        });
        let said = ask(&socket, json!({"do": "stats"}), LONG)
            .map_or_else(|why| why.to_string(), |ok| ok.to_string());
        assert_eq!(monitor.join().unwrap(), "{\"do\":\"stats\",\"v\":1}\n");
        expected.assert_eq(&said);
    }

    #[test]
    fn an_answer_is_taken_and_what_is_none_is_not() {
        check("{\"v\":1,\"ok\":{\"phase\":\"booted\"}}\n", expect![[r#"{"phase":"booted"}"#]]);
        check("{\"v\":1,\"error\":{\"kind\":\"refused\",\"message\":\"not now\"}}\n", expect!["not now"]);
        check("", expect!["no monitor answers: unexpected end of file"]);
        check(
            "{\"v\":2,\"ok\":{}}\n",
            expect![[
                r#"the monitor answers `{"v":2,"ok":{}}`, which is of another version: end it with the version that started it"#
            ]],
        );
        check(
            "hello\n",
            expect![
                "the monitor answers `hello`, which is of another version: end it with the version that started it"
            ],
        );
    }

    #[test]
    fn what_is_no_answer_is_shown_by_its_beginning() {
        assert_eq!(beginning(b" hello\n"), "hello");
        assert_eq!(beginning(&[b'x'; 100_000]), "x".repeat(200) + "…");
    }

    #[test]
    fn nobody_there_is_told_from_a_refusal() {
        let nowhere = ask(Path::new("/nowhere/control"), json!({"do": "stats"}), LONG);
        assert!(matches!(nowhere, Err(NoAnswer::Gone(_))));
    }
}
