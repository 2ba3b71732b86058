//! Whether a home can be written: by what the file system says of itself. It writes nothing.
use super::Finding;
use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};
use std::path::Path;

/// Less than this is no room: a turn of any length writes more.
const ROOM_BYTES_MIN: u64 = 1 << 20;

/// How the file system of a home stands.
struct Disk {
    bytes_left: u64,
    is_read_only: bool,
    /// Whether this user may write, if it were not read-only.
    is_writable: bool,
}

pub(super) fn examine(home: &Path) -> Finding {
    let disk = statvfs(home).map(|about| Disk {
        bytes_left: about.f_bavail.saturating_mul(about.f_frsize),
        is_read_only: about.f_flag.contains(StatVfsMountFlags::RDONLY),
        is_writable: access(home, Access::WRITE_OK).is_ok(),
    });
    match disk {
        Ok(disk) => judged(&home.display().to_string(), &disk),
        Err(error) => Finding::bad("home", format!("{}: {error}", home.display()), ANOTHER),
    }
}

/// What mends a place that cannot be written.
const ANOTHER: &str = "oxydra run --home DIR uses another";

fn judged(home: &str, disk: &Disk) -> Finding {
    match disk {
        Disk { is_read_only: true, .. } => Finding::bad(
            "home",
            format!(
                "{home} is on a file system that cannot be written: it can be looked at, and nothing runs"
            ),
            ANOTHER,
        ),
        Disk { is_writable: false, .. } => {
            Finding::bad("home", format!("{home} may not be written by this user"), ANOTHER)
        }
        Disk { bytes_left, .. } if *bytes_left < ROOM_BYTES_MIN => Finding::bad(
            "home",
            format!(
                "{home} has {bytes_left} bytes left on its file system: nothing runs before there is room"
            ),
            "free some, or oxydra run --home DIR uses another",
        ),
        Disk { .. } => Finding::good("home", home),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_is_ill() {
        let said = |bytes_left, is_read_only, is_writable| {
            let Finding { state, text, .. } =
                judged(".oxydra", &Disk { bytes_left, is_read_only, is_writable });
            format!("{state:?} {text}")
        };
        assert_eq!(said(1 << 30, false, true), "Good .oxydra");
        assert!(said(1 << 30, true, false).starts_with("Bad .oxydra is on a file system"));
        assert!(said(1 << 30, false, false).contains("may not be written by this user"));
        assert!(said(4096, false, true).contains("has 4096 bytes left"));
        let here = tempfile::tempdir().expect("a directory for the test");
        assert!(!examine(&here.path().join("gone")).text.is_empty());
    }
}
