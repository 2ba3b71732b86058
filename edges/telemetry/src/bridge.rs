//! Where the records of libraries come in. They speak `log`, or `tracing` that falls back to `log`; both end in slog.
use slog::{Discard, Logger, o};

/// Libraries may warn. What they say below that is theirs: headers, buffers and names of hosts, some of them secret.
const LIBRARY_LEVEL: &str = "warn";

/// Records of libraries reach the logger as long as this lives.
pub(crate) struct Connected(());

/// Somebody else takes the records.
pub(crate) struct Taken;

/// Sends the records of libraries to the logger.
pub(crate) fn connect(log: &Logger) -> Result<Connected, Taken> {
    let level = LIBRARY_LEVEL.parse().expect("the constant names a level");
    slog_stdlog::init_with_level(level).map_err(|_| Taken)?;
    slog_scope::set_global_logger(log.new(o!("from" => "library"))).cancel_reset();
    Ok(Connected(()))
}

impl Drop for Connected {
    fn drop(&mut self) {
        // What slog-scope itself would put here panics at the next record.
        slog_scope::set_global_logger(Logger::root(Discard, o!())).cancel_reset();
    }
}
