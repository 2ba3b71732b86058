//! One question to a monitor, and its answer. Opens a connection for each: a monitor is asked a few times in its life.
use super::{Command, Reply, Request};
use std::{
    io::{self, BufRead, BufReader, Write},
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
    /// What came is no reply.
    #[error("the monitor answered what is no reply: {0}")]
    Nonsense(String),
}

/// Asks, and waits for the answer as long as it takes.
pub fn ask(socket: &Path, command: Command) -> Result<Reply, AskError> {
    let gone = |source| AskError::Gone { path: socket.to_owned(), source };
    let mut stream = UnixStream::connect(socket).map_err(gone)?;
    let line = Request { id: None, command }.line();
    stream.write_all(format!("{line}\n").as_bytes()).map_err(gone)?;
    let mut answer = String::new();
    let read = BufReader::new(stream).read_line(&mut answer).map_err(gone)?;
    if read == 0 {
        return Err(gone(io::ErrorKind::UnexpectedEof.into()));
    }
    serde_json::from_str(&answer).map_err(|_| AskError::Nonsense(answer))
}
