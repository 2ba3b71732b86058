//! One file a day, in UTC: `oxydra-2026-11-20.jsonl`. Old files go when there are too many; nothing else in the directory
//! is touched.
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use time::{Date, OffsetDateTime};

/// Two weeks: longer than a holiday, short enough to forget on its own.
const FILES_MAX: usize = 14;
/// The log names users and sessions: its owner's alone.
const PRIVATE: u32 = 0o600;

/// Writes to the file of the day. A record is gathered until it is whole and then written at once, so that two processes
/// in one directory never mix their lines.
pub(crate) struct Daily<C> {
    directory: PathBuf,
    clock: C,
    day: Date,
    file: File,
    record: Vec<u8>,
    /// How many records the disk did not take.
    lost: u64,
}

impl<C: Fn() -> OffsetDateTime> Daily<C> {
    /// Opens the file of today.
    pub(crate) fn open(directory: &Path, clock: C) -> io::Result<Self> {
        let day = clock().date();
        let file = file_of(directory, day)?;
        prune(directory)?;
        Ok(Daily { directory: directory.to_owned(), clock, day, file, record: Vec::new(), lost: 0 })
    }

    fn turn_page(&mut self) -> io::Result<()> {
        let today = (self.clock)().date();
        if today != self.day {
            self.file = file_of(&self.directory, today)?;
            self.day = today;
            prune(&self.directory)?;
        }
        Ok(())
    }

    fn write_record(&mut self) -> io::Result<()> {
        self.turn_page()?;
        if self.lost > 0 {
            let line =
                format!("{{\"level\":\"warn\",\"msg\":\"records were lost\",\"records\":{}}}\n", self.lost);
            self.file.write_all(line.as_bytes())?;
            self.lost = 0;
        }
        self.file.write_all(&self.record)
    }
}

impl<C: Fn() -> OffsetDateTime> Write for Daily<C> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.record.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Called once a record is whole.
    fn flush(&mut self) -> io::Result<()> {
        let written = self.write_record();
        if written.is_err() {
            self.lost += 1;
        }
        self.record.clear();
        written
    }
}

fn file_of(directory: &Path, day: Date) -> io::Result<File> {
    let path = directory.join(format!("oxydra-{day}.jsonl"));
    OpenOptions::new().append(true).create(true).mode(PRIVATE).open(path)
}

/// Removes the oldest files. Their names sort by day.
fn prune(directory: &Path) -> io::Result<()> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory)?.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.retain(|path| is_ours(path));
    files.sort();
    let surplus = files.len().saturating_sub(FILES_MAX);
    for path in &files[..surplus] {
        match fs::remove_file(path) {
            // Another process has pruned too.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn is_ours(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let day = name.and_then(|name| name.strip_prefix("oxydra-")?.strip_suffix(".jsonl"));
    let digits =
        |text: &str| text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect::<String>();
    day.is_some_and(|day| digits(day) == "0000-00-00")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::Cell, os::unix::fs::PermissionsExt, rc::Rc};
    use time::{Duration, macros::datetime};

    fn names(directory: &Path) -> Vec<String> {
        let entries =
            fs::read_dir(directory).expect("it is there").map(|entry| entry.expect("it reads").file_name());
        let mut names: Vec<_> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn each_day_has_its_file_and_old_ones_go() {
        let place = tempfile::tempdir().expect("a directory for the test");
        for kept in ["notes.txt", "oxydra-notes.jsonl", "oxydra-1999-01-01.txt"] {
            fs::write(place.path().join(kept), "").expect("the file is written");
        }
        let now = Rc::new(Cell::new(datetime!(2026-11-20 23:59 UTC)));
        let mut log = Daily::open(place.path(), {
            let now = now.clone();
            move || now.get()
        })
        .expect("it opens");
        for day in 0..20 {
            writeln!(log, "{{\"day\":{day}}}").expect("it is gathered");
            log.flush().expect("it is written");
            now.set(now.get() + Duration::days(1));
        }
        let names = names(place.path());
        let days: Vec<_> = names.iter().filter(|name| is_ours(Path::new(name))).collect();
        assert_eq!(
            (days.len(), days[0].as_str(), days[13].as_str()),
            (14, "oxydra-2026-11-26.jsonl", "oxydra-2026-12-09.jsonl")
        );
        assert_eq!(names.len(), 14 + 3, "what is not ours is kept: {names:?}");
        let last = place.path().join(days[13]);
        assert_eq!(fs::read_to_string(&last).expect("it reads"), "{\"day\":19}\n");
        assert_eq!(fs::metadata(&last).expect("it is there").permissions().mode() & 0o777, PRIVATE);
    }

    #[test]
    fn records_that_the_disk_did_not_take_are_counted() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let directory = place.path().join("logs");
        fs::create_dir(&directory).expect("the directory is made");
        let now = Rc::new(Cell::new(datetime!(2026-11-20 12:00 UTC)));
        let mut log = Daily::open(&directory, {
            let now = now.clone();
            move || now.get()
        })
        .expect("it opens");
        // The next day's file cannot be made.
        fs::remove_dir_all(&directory).expect("the directory goes");
        now.set(now.get() + Duration::days(1));
        for _ in 0..2 {
            log.write_all(b"{}\n").expect("it is gathered");
            assert!(log.flush().is_err());
        }
        fs::create_dir(&directory).expect("the directory is back");
        log.write_all(b"{}\n").expect("it is gathered");
        log.flush().expect("it is written");
        let text = fs::read_to_string(directory.join("oxydra-2026-11-21.jsonl")).expect("it reads");
        assert_eq!(text, "{\"level\":\"warn\",\"msg\":\"records were lost\",\"records\":2}\n{}\n");
    }
}
