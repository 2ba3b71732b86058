//! One file per command.
pub(crate) mod answer;
pub(crate) mod catalog;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod cost;
pub(crate) mod doctor;
pub(crate) mod forget;
pub(crate) mod fork;
pub(crate) mod graph;
pub(crate) mod guest;
pub(crate) mod instances;
pub(crate) mod parcel;
mod past;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod sessions;
pub(crate) mod spent;
pub(crate) mod steer;
pub(crate) mod wait;

use crate::{
    exit::{Exit, Failure},
    surface::printable,
};
use std::io::{self, Write};

/// Prints to standard output, and nothing that steers a terminal. A reader that closed its end has seen enough.
pub(crate) fn print(text: &str) -> Result<Exit, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(printable(text).as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::other(error)),
        Ok(()) | Err(_) => Ok(Exit::Answered),
    }
}

/// Says something beside what was asked for, to a person.
fn remark(text: &str) {
    // Nobody may be there to read it.
    let _ = writeln!(io::stderr(), "oxydra: {}", printable(text));
}

/// Threads for turns: one thinks while another waits for its file.
const WORKERS: usize = 2;

/// What turns run on.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(WORKERS).enable_all().build().map_err(Failure::other)
}
