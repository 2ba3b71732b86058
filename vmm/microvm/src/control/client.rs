//! One question to a monitor, and its answer. Opens a connection for each: a monitor is asked a few times in its life.
use super::{Command, Reply, Request};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody listens, or it went away.
    #[error("no monitor answers at {}", path.display())]
    Gone {
        /// The socket.
        path: std::path::PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// What came is no reply; this is its beginning.
    #[error("the monitor answered what is no reply: {0}")]
    Nonsense(String),
}

/// Longer than any reply: the serial log with an escape for each byte is the longest.
const REPLY_BYTES_MAX: u64 = 1 << 20;
/// What is shown of what is no reply.
const SHOWN_BYTES: usize = 200;

/// Asks, and waits for the answer as long as it takes.
pub fn ask(socket: &Path, command: Command) -> Result<Reply, AskError> {
    let gone = |source| AskError::Gone { path: socket.to_owned(), source };
    let mut stream = UnixStream::connect(socket).map_err(gone)?;
    let line = Request { id: None, command }.line();
    stream.write_all(format!("{line}\n").as_bytes()).map_err(gone)?;
    let mut answer = Vec::new();
    let read = BufReader::new(stream.take(REPLY_BYTES_MAX)).read_until(b'\n', &mut answer).map_err(gone)?;
    if read == 0 {
        return Err(gone(io::ErrorKind::UnexpectedEof.into()));
    }
    serde_json::from_slice(&answer).map_err(|_| AskError::Nonsense(beginning(&answer)))
}

fn beginning(answer: &[u8]) -> String {
    let shown = answer.trim_ascii().get(..SHOWN_BYTES);
    let more = if shown.is_some() { "…" } else { "" };
    format!("{}{more}", shown.unwrap_or(answer.trim_ascii()).escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_reply_is_shown_by_its_beginning() {
        let said = |answer: Vec<u8>| {
            let dir = tempfile::tempdir().unwrap();
            let listener = std::os::unix::net::UnixListener::bind(dir.path().join("c")).unwrap();
            let monitor = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                BufReader::new(stream.try_clone().unwrap()).read_line(&mut String::new()).unwrap();
                // Who asks may have had enough.
                let _ = stream.write_all(&answer);
            });
            let error = ask(&dir.path().join("c"), Command::Log {}).unwrap_err();
            monitor.join().unwrap();
            error.to_string()
        };
        assert_eq!(said(b"no\x1b[2J\n".to_vec()), r"the monitor answered what is no reply: no\x1b[2J");
        for length in [300, 3 << 20] {
            let long = said(vec![b'x'; length]);
            assert!(long.ends_with("xxx…") && long.len() < 300, "{}", long.len());
        }
    }
}
