//! Where the records of libraries come in. They speak `log`, or `tracing` that falls back to `log`; both end in slog.
use slog::{Discard, Logger, o};
use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

/// Libraries may warn. What they say below that is theirs: headers, buffers and names of hosts, some of them secret.
const LIBRARY_LEVEL: &str = "warn";

/// Whether the records of libraries come to us. A process can say so once, and a log may be started again after it ended.
static IS_OURS: OnceLock<bool> = OnceLock::new();

/// Whether a log takes them now: they go to one.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Records of libraries reach the logger as long as this lives.
pub(crate) struct Connected(());

/// Somebody else takes the records.
pub(crate) struct Taken;

/// Sends the records of libraries to the logger.
pub(crate) fn connect(log: &Logger) -> Result<Connected, Taken> {
    let level = LIBRARY_LEVEL.parse().expect("the constant names a level");
    if !*IS_OURS.get_or_init(|| slog_stdlog::init_with_level(level).is_ok()) {
        return Err(Taken);
    }
    if IS_TAKEN.swap(true, Ordering::SeqCst) {
        return Err(Taken);
    }
    slog_scope::set_global_logger(log.new(o!("from" => "library"))).cancel_reset();
    Ok(Connected(()))
}

impl Drop for Connected {
    fn drop(&mut self) {
        // What slog-scope itself would put here panics at the next record.
        slog_scope::set_global_logger(Logger::root(Discard, o!())).cancel_reset();
        IS_TAKEN.store(false, Ordering::SeqCst);
    }
}
