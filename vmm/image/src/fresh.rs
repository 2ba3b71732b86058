//! A directory that is made beside its place and moved there when it is whole. One whose maker was killed goes when the next is
//! made; one that is being made stays, whoever makes it: a lock says so, which goes with its holder.
use crate::{ImageError, failed};
use rustix::fs::OFlags;
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process, thread,
    time::{Duration, Instant},
};

/// How long others may hold a directory: they remove what was left there, a few hundred megabytes at most.
const OTHERS_PATIENCE: Duration = Duration::from_secs(30);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(10);
/// Between a place's name and the number of who makes it.
const MARK: &str = ".new-";
/// So many of one process make the same at once, at most.
const ATTEMPTS_MAX: u32 = 64;

/// It goes when it is dropped before it was moved.
#[derive(Debug)]
pub(crate) struct Fresh {
    place: PathBuf,
    made: PathBuf,
    /// Whether it is in its place: its old name is anybody's.
    is_moved: bool,
    /// Held as long as it is made.
    _lock: File,
}

impl Fresh {
    /// Makes a directory beside a place, and clears away what was left there half made.
    /// `tell` hears what it could not clear away.
    pub(crate) fn beside(place: &Path, tell: &mut dyn FnMut(&str)) -> Result<Fresh, ImageError> {
        let parent = place.parent().expect("a place in a cache is in a directory of it");
        fs::create_dir_all(parent).map_err(failed("make", parent))?;
        // Nobody makes one meanwhile: between making it and locking it, it would look like one that was left.
        let all = opened(parent).map_err(failed("open", parent))?;
        alone(&all, OTHERS_PATIENCE).map_err(failed("lock", parent))?;
        swept(parent, tell)?;
        let name = place.file_name().expect("a place has a name").to_string_lossy();
        for attempt in 0..ATTEMPTS_MAX {
            let made = parent.join(format!("{name}{MARK}{}-{attempt}", process::id()));
            match fs::create_dir(&made) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                other => {
                    other.map_err(failed("make", &made))?;
                    let lock = opened(&made).map_err(failed("open", &made))?;
                    // Nobody else looks at it now.
                    lock.try_lock().map_err(|error| failed("lock", &made)(error.into()))?;
                    return Ok(Fresh { place: place.to_owned(), made, is_moved: false, _lock: lock });
                }
            }
        }
        let crowd = io::Error::other(format!("{ATTEMPTS_MAX} are being made there at once"));
        Err(failed("make a directory beside", place)(crowd))
    }

    /// Where it is until it is moved.
    pub(crate) fn path(&self) -> &Path {
        &self.made
    }

    /// Moves it, or what is within it, to its place; what somebody else put there meanwhile is the same, and stays.
    pub(crate) fn moved(mut self, within: &str) -> Result<(), ImageError> {
        match fs::rename(self.made.join(within), &self.place) {
            Ok(()) => {
                self.is_moved = within.is_empty();
                Ok(())
            }
            Err(_) if self.place.exists() => Ok(()),
            Err(error) => Err(failed("move to", &self.place)(error)),
        }
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if !self.is_moved {
            // Half an image is of no use, and on a full disk it takes what room there is.
            let _left = fs::remove_dir_all(&self.made);
        }
    }
}

/// Opens a directory, and follows no link: a cache may have come with a checkout.
fn opened(place: &Path) -> io::Result<File> {
    let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(place)
}

/// Waits until nobody else makes or clears away anything in a directory.
fn alone(all: &File, patience: Duration) -> io::Result<()> {
    let since = Instant::now();
    loop {
        match all.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if since.elapsed() > patience => {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "another process holds it: end that one",
                ));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(LOOK),
        }
    }
}

/// Removes directories whose makers are gone.
fn swept(parent: &Path, tell: &mut dyn FnMut(&str)) -> Result<(), ImageError> {
    for entry in fs::read_dir(parent).map_err(failed("read", parent))? {
        let entry = entry.map_err(failed("read", parent))?;
        let name = entry.file_name();
        if !name.to_str().is_some_and(is_half_made) {
            continue;
        }
        // One that is not a directory, or went meanwhile, is none of ours.
        let Ok(made) = opened(&entry.path()) else { continue };
        match made.try_lock() {
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(failed("lock", entry.path())(error)),
            Ok(()) => cleared(&entry.path(), tell)?,
        }
    }
    Ok(())
}

/// Removes a directory that was left. One of somebody else, who built with `sudo` once, is in nobody's way.
fn cleared(left: &Path, tell: &mut dyn FnMut(&str)) -> Result<(), ImageError> {
    match fs::remove_dir_all(left) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            tell(&format!(
                "leaving {}, which was left half made, and which this user may not remove: {error}",
                left.display()
            ));
            Ok(())
        }
        other => other.map_err(failed("clear away", left)),
    }
}

/// `NAME.new-PID`, and what follows in a newer version.
fn is_half_made(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let maker = name.rsplit_once(MARK).map(|(_, maker)| maker);
    maker.is_some_and(|maker| maker.split('-').all(is_number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    use std::os::unix::fs::PermissionsExt;

    fn names(parent: &Path) -> Vec<String> {
        let entries = fs::read_dir(parent).unwrap().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_left_half_made_goes_and_what_is_being_made_stays() {
        let home = tempfile::tempdir().unwrap();
        let parent = home.path().join("images");
        for name in ["abc", "abc.new-7", "linux-6.1.new-12-3", "abc.new-old", ".new-", "notes.new-7x"] {
            fs::create_dir_all(parent.join(name).join("half")).unwrap();
        }
        fs::write(parent.join("a-file.new-7"), "").unwrap();
        std::os::unix::fs::symlink("abc", parent.join("a-link.new-7")).unwrap();
        let other = ["a-file.new-7", "a-link.new-7", ".new-", "abc", "abc.new-old", "notes.new-7x"];
        let one = Fresh::beside(&parent.join("abc.def"), &mut |_| ()).unwrap();
        let two = Fresh::beside(&parent.join("abc.def"), &mut |_| ()).unwrap();
        let mut expected: Vec<_> = other.map(str::to_owned).to_vec();
        for number in [0, 1] {
            expected.push(format!("abc.def.new-{}-{number}", process::id()));
        }
        expected.sort();
        assert_eq!(names(&parent), expected);

        fs::write(one.path().join("whole"), "one").unwrap();
        fs::write(two.path().join("whole"), "two").unwrap();
        one.moved("").unwrap();
        two.moved("").unwrap();
        assert_eq!(fs::read_to_string(parent.join("abc.def/whole")).unwrap(), "one", "the first one stays");
        drop(Fresh::beside(&parent.join("dropped"), &mut |_| ()).unwrap());
        let mut expected: Vec<_> = other.map(str::to_owned).to_vec();
        expected.push("abc.def".to_owned());
        expected.sort();
        assert_eq!(names(&parent), expected);
        assert_eq!(names(&parent.join("abc")), ["half"], "nothing is removed through a link");
    }

    #[test]
    fn what_may_not_be_removed_is_told_and_in_nobodys_way() {
        let home = tempfile::tempdir().unwrap();
        let left = home.path().join("abc.new-7");
        fs::create_dir_all(left.join("half")).unwrap();
        let permissions = |mode| fs::set_permissions(&left, fs::Permissions::from_mode(mode)).unwrap();
        permissions(0o555);
        let mut told = Vec::new();
        thread::scope(|scope| {
            let ordinary = || {
                // To root, permissions mean nothing.
                let mut sets = capabilities(None).unwrap();
                sets.effective = CapabilitySet::empty();
                set_capabilities(None, sets).unwrap();
                let mut tell = |text: &str| told.push(text.replace(&*home.path().to_string_lossy(), ""));
                drop(Fresh::beside(&home.path().join("abc"), &mut tell).unwrap());
            };
            scope.spawn(ordinary).join().unwrap();
        });
        permissions(0o755);
        assert_eq!(names(home.path()), ["abc.new-7"]);
        let expected = "leaving /abc.new-7, which was left half made, and which this user may not remove: \
                        Permission denied (os error 13)";
        assert_eq!(told, [expected]);
    }

    #[test]
    fn a_directory_that_somebody_holds_is_not_waited_for_without_end() {
        let home = tempfile::tempdir().unwrap();
        let [theirs, ours] = [(), ()].map(|()| opened(home.path()).unwrap());
        theirs.lock().unwrap();
        let why = alone(&ours, Duration::ZERO).unwrap_err().to_string();
        assert_eq!(why, "another process holds it: end that one");
        drop(theirs);
        alone(&ours, Duration::ZERO).unwrap();
    }

    #[test]
    fn a_link_to_a_cache_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let elsewhere = home.path().join("elsewhere");
        fs::create_dir_all(elsewhere.join("precious.new-7")).unwrap();
        std::os::unix::fs::symlink(&elsewhere, home.path().join("images")).unwrap();
        let why = Fresh::beside(&home.path().join("images/abc"), &mut |_| ()).unwrap_err().to_string();
        assert!(why.starts_with("cannot open ") && why.contains("/images: "), "{why}");
        assert_eq!(names(&elsewhere), ["precious.new-7"]);
    }
}
