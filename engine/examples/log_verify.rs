//! `log_verify DIR ACKED`: exits with 0 only when every record that `log_writer` acknowledged in the lines of ACKED is in
//! the journal in DIR, whole, in order and with nothing in between. It reads and changes nothing.
//!
//! Exit codes: 0 all is there · 1 something is not, and what · 2 usage.
#[path = "log/record.rs"]
mod record;

use engine::log::{FileLog, Group, LogFault, Mode, Options};
use std::{env, fs, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [dir, acked] = arguments.as_slice() else {
        eprintln!("usage: log_verify DIR ACKED");
        return ExitCode::from(2);
    };
    let verified = fs::read_to_string(acked)
        .map_err(|error| format!("cannot read {acked}: {error}"))
        .and_then(|lines| acknowledged(&lines))
        .and_then(|last| verify(Path::new(dir), last));
    match verified {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("log_verify: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the last record that was acknowledged. A last line without an end was cut by the kill, and says nothing.
fn acknowledged(lines: &str) -> Result<u64, String> {
    let mut last = 0;
    for line in lines.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let number = line.trim_end().strip_prefix("A ").and_then(|number| number.parse().ok());
        let number: u64 = number.ok_or_else(|| format!("`{}` is no line of log_writer", line.trim_end()))?;
        last = last.max(number);
    }
    Ok(last)
}

fn verify(dir: &Path, acknowledged: u64) -> Result<String, String> {
    let (mut found, mut wrong) = (0, None);
    let mut each = |group: &Group| {
        for (lsn, body) in (group.first.0..).zip(&group.records) {
            let is_next = lsn == found + 1;
            if wrong.is_none() && !(is_next && record::is_record(body, lsn)) {
                wrong = Some(lsn);
            }
            found = lsn;
        }
        Ok::<_, LogFault>(())
    };
    FileLog::open_with(dir, Mode::Reader, Options::default(), &mut each)
        .map_err(|fault| fault.to_string())?;
    match wrong {
        Some(lsn) => Err(format!("record {lsn} is not what was written there")),
        None if found < acknowledged => {
            Err(format!("record {acknowledged} was acknowledged, and the journal ends with {found}"))
        }
        None => Ok(format!("{found} records, {acknowledged} of them acknowledged")),
    }
}
