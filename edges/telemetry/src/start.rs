//! The root logger and what keeps it alive. A log that cannot be opened is an error; one that fails later never stops
//! the program.
use crate::{bridge, daily::Daily};
use slog::{
    Drain, FnValue, Level, LevelFilter, Logger, OwnedKV, PushFnValue, Record, SendSyncRefUnwindSafeKV, o,
};
use slog_async::{Async, AsyncGuard, OverflowStrategy};
use std::{
    io,
    panic::{RefUnwindSafe, UnwindSafe},
    path::{Path, PathBuf},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A burst of this many records waits for the disk; then who logs waits too, since a log with holes explains nothing.
const RECORDS_WAITING_MAX: usize = 8_192;

/// The log cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The file cannot be opened.
    #[error("cannot open the log in {}", directory.display())]
    Open {
        /// The directory of the log.
        directory: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another library took `log` records first.
    #[error("the records of libraries go elsewhere already")]
    Taken,
}

/// Keeps the log alive; dropping it writes what waits. A logger that outlives it logs nothing.
#[must_use = "dropping the guard ends the log"]
pub struct Guard {
    _bridge: Option<bridge::Connected>,
    // Dropped last: what the bridge had taken is written too.
    _waiting: AsyncGuard,
}

/// Starts the log of a process in `directory`: records of `level` and above, and the warnings of libraries.
///
/// # Errors
/// When the file of today cannot be opened, or somebody else has taken the records of libraries.
pub fn start(directory: &Path, level: Level) -> Result<(Logger, Guard), TelemetryError> {
    let (log, guard) = unbridged(directory, level, OffsetDateTime::now_utc)?;
    let bridge = bridge::connect(&log).map_err(|_| TelemetryError::Taken)?;
    Ok((log, Guard { _bridge: Some(bridge), ..guard }))
}

/// The log without the bridges, of which a process has one.
pub(crate) fn unbridged<C>(
    directory: &Path,
    level: Level,
    clock: C,
) -> Result<(Logger, Guard), TelemetryError>
where
    C: Fn() -> OffsetDateTime + Send + UnwindSafe + RefUnwindSafe + 'static,
{
    let open = |source| TelemetryError::Open { directory: directory.to_owned(), source };
    let file = Daily::open(directory, clock).map_err(open)?;
    let json = slog_json::Json::new(file).add_key_value(head()).set_flush(true).build();
    let (drain, waiting) = Async::new(json.ignore_res())
        .chan_size(RECORDS_WAITING_MAX)
        .overflow_strategy(OverflowStrategy::Block)
        .thread_name("log".to_owned())
        .build_with_guard();
    let log = Logger::root(LevelFilter::new(drain, level).ignore_res(), o!());
    Ok((log, Guard { _bridge: None, _waiting: waiting }))
}

/// What every line begins with. slog prints a list from its end, so the time comes first.
fn head() -> OwnedKV<impl SendSyncRefUnwindSafeKV + 'static> {
    o!(
        "msg" => PushFnValue(|record: &Record<'_>, printer| printer.emit(record.msg())),
        "level" => FnValue(|record: &Record<'_>| level_name(record.level())),
        "ts" => FnValue(|_: &Record<'_>| OffsetDateTime::now_utc().format(&Rfc3339).ok()),
    )
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Critical | Level::Error => "error",
        Level::Warning => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slog::{debug, info};
    use std::fs;
    use time::macros::datetime;

    #[test]
    fn records_become_lines_and_the_guard_writes_what_waits() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let clock = || datetime!(2026-11-20 10:00 UTC);
        let (log, guard) = unbridged(place.path(), Level::Info, clock).expect("it starts");
        info!(log, "turn finished"; "turn" => "t-1", "tokens" => 12);
        debug!(log, "not wanted");
        drop(guard);
        info!(log, "too late, and harmless");
        let text =
            fs::read_to_string(place.path().join("oxydra-2026-11-20.jsonl")).expect("the file is there");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 1, "{text}");
        for part in [
            "\"msg\":\"turn finished\"",
            "\"level\":\"info\"",
            "\"turn\":\"t-1\"",
            "\"tokens\":12",
            "\"ts\":",
        ] {
            assert!(lines[0].contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_log_that_cannot_be_opened_names_its_directory() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let file = place.path().join("file");
        fs::write(&file, "").expect("the file is written");
        let error = unbridged(&file, Level::Info, OffsetDateTime::now_utc).err().expect("it is a file");
        assert!(error.to_string().starts_with("cannot open the log in "), "{error}");
    }
}
