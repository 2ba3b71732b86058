//! One file per command.
pub(crate) mod graph;
pub(crate) mod instances;
pub(crate) mod run;
pub(crate) mod sessions;

use crate::exit::{Exit, Failure};
use std::io::{self, Write};

/// Prints to standard output. A reader that closed its end has seen enough.
pub(crate) fn print(text: &str) -> Result<Exit, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::other(error)),
        Ok(()) | Err(_) => Ok(Exit::Answered),
    }
}
