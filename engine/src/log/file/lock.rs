//! One owner: an advisory lock on a file in the journal's directory. The kernel drops it with the process, so a lock
//! file that was left behind means nothing; its content only names the owner for the error message.
use super::super::LogFault;
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use std::{
    fs::File,
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process,
};

pub(super) const LOCK_FILE: &str = "owner.lock";

/// The longest text that is read from a lock file: a process id has ten digits at most.
const OWNER_BYTES_MAX: u64 = 16;

/// As long as this lives, nobody else owns the journal.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(dir: &Path) -> Result<Lock, LogFault> {
        let path = dir.join(LOCK_FILE);
        let file =
            File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = file.map_err(LogFault::io("open the lock", &path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                return Err(LogFault::Owned { path: dir.to_owned(), owner: owner(&mut file) });
            }
            Err(errno) => return Err(LogFault::io("lock", &path)(errno.into())),
        }
        file.set_len(0)
            .and_then(|()| file.write_all(process::id().to_string().as_bytes()))
            .map_err(LogFault::io("write the lock", &path))?;
        Ok(Lock { _file: file })
    }
}

fn owner(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(OWNER_BYTES_MAX).read_to_string(&mut text);
    match text.parse::<u32>() {
        Ok(pid) if read.is_ok() && pid == process::id() => format!("this process ({pid})"),
        Ok(pid) if read.is_ok() => format!("process {pid}"),
        Ok(_) | Err(_) => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_second_owner_is_refused_by_name_and_a_stale_file_does_not_matter() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(LOCK_FILE), "4294967295 was here once").unwrap();
        let lock = Lock::take(dir.path()).unwrap();
        let refused = Lock::take(dir.path()).err().unwrap().to_string();
        assert!(refused.contains(&format!("this process ({})", process::id())), "{refused}");
        fs::write(dir.path().join(LOCK_FILE), "4294967295").unwrap();
        assert!(Lock::take(dir.path()).err().unwrap().to_string().contains("process 4294967295"));
        fs::write(dir.path().join(LOCK_FILE), "").unwrap();
        assert!(Lock::take(dir.path()).err().unwrap().to_string().contains("another process"));
        drop(lock);
        Lock::take(dir.path()).unwrap();
    }
}
