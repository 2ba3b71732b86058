//! `log_writer DIR SEED`: appends records to the journal in DIR for as long as it lives, and prints `A <n>` once all up to
//! record n is durable. For a fault harness: kill it, pull the plug, fail its disk; then ask `log_verify`.
//!
//! ```text
//! cargo run -p engine --example log_writer -- /tmp/journal 7 > acked & sleep 1; kill -9 $!
//! cargo run -p engine --example log_verify -- /tmp/journal acked
//! ```
#[path = "log/record.rs"]
mod record;

use engine::log::{FileLog, Log, LogFault, Lsn, Mode, Options};
use std::{
    env,
    error::Error,
    io::{Write, stdout},
    path::Path,
    process::ExitCode,
};

/// A group has so many records at most, and so many groups are under way at once.
const RECORDS_MAX: u64 = 5;
const GROUPS_MAX: u64 = 8;

/// Small segments, so that a short run crosses many.
const OPTIONS: Options = Options { segment_bytes: 256 << 10, room_bytes: 64 << 10, snapshot_bytes: 1 << 20 };

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [dir, seed] = arguments.as_slice() else {
        eprintln!("usage: log_writer DIR SEED");
        return ExitCode::from(2);
    };
    let Ok(seed) = seed.parse() else {
        eprintln!("log_writer: the seed `{seed}` is not a number");
        return ExitCode::from(2);
    };
    match write(Path::new(dir), seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("log_writer: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes until it is killed, the journal fails, or nobody reads what it prints.
fn write(dir: &Path, seed: u64) -> Result<(), Box<dyn Error>> {
    let (log, _) = FileLog::open_with::<LogFault>(dir, Mode::Owner, OPTIONS, &mut |_| Ok(()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (mut last, mut chance) = (log.durable_lsn().0, seed);
    loop {
        let mut groups = Vec::new();
        for _ in 0..=record::next(&mut chance) % GROUPS_MAX {
            let count = 1 + record::next(&mut chance) % RECORDS_MAX;
            let group = (last + 1..=last + count).map(|lsn| record::record(seed, lsn)).collect();
            groups.push(log.append(group)?);
            last += count;
        }
        for Lsn(lsn) in groups {
            runtime.block_on(log.durable(Lsn(lsn)))?;
            let mut out = stdout().lock();
            writeln!(out, "A {lsn}")?;
            out.flush()?;
        }
    }
}
