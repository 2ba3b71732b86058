//! Where views stand on disk: `sled-<n>` is the one in use, `quarantine-<n>` one that failed, kept to be looked at.
//! Each view gets a number of its own: what an old one still writes in the background never meets a new one. No link is
//! followed: whoever made it may mean anybody's directory.
use crate::{SledView, View, ViewFault, sled_view::let_go};
use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

/// So many views that failed are kept: the first shows what began it, the second that it was not alone.
pub const QUARANTINED_MAX: usize = 2;

/// Nobody else has business with what sessions are called.
const PRIVATE: u32 = 0o700;

/// Gives views, and takes back those that cannot be used.
pub(crate) trait Shelf: Send + 'static {
    /// Opens the view in use, or an empty one. It may panic.
    fn open(&mut self) -> Result<Box<dyn View>, ViewFault>;

    /// Removes the view in use.
    fn remove(&mut self);

    /// Sets the view in use aside and says where it is, if it is kept.
    fn quarantine(&mut self) -> Option<PathBuf>;
}

/// Views of sled below a directory.
pub(crate) struct SledShelf {
    dir: PathBuf,
    number: u64,
}

impl SledShelf {
    /// Finds the view in use, and clears away what was left beside it.
    pub(crate) fn at(dir: &Path) -> SledShelf {
        let views = numbered(dir, "sled-");
        let quarantined = numbered(dir, "quarantine-");
        let number = match views.last() {
            Some(newest) => *newest,
            None => quarantined.last().map_or(1, |newest| newest + 1),
        };
        for old in views.into_iter().filter(|view| *view != number) {
            removed(&dir.join(format!("sled-{old}")));
        }
        SledShelf { dir: dir.to_owned(), number }
    }

    fn view(&self) -> PathBuf {
        self.dir.join(format!("sled-{}", self.number))
    }

    fn next(&mut self) {
        let newest = numbered(&self.dir, "quarantine-").last().copied().unwrap_or(0);
        self.number = self.number.max(newest) + 1;
    }
}

impl Shelf for SledShelf {
    fn open(&mut self) -> Result<Box<dyn View>, ViewFault> {
        for place in [&self.dir, &self.view()] {
            let made = private(place);
            made.map_err(ViewFault::failed("make its directory"))?;
        }
        if let Err(used) = let_go(&self.view()) {
            // Whoever it is goes on with that one.
            self.next();
            return Err(ViewFault::failed("wait until nobody else uses it")(used));
        }
        Ok(Box::new(SledView::open(&self.view())?))
    }

    fn remove(&mut self) {
        if !is_link(&self.dir) {
            removed(&self.view());
        }
        self.next();
    }

    fn quarantine(&mut self) -> Option<PathBuf> {
        if is_link(&self.dir) {
            return None;
        }
        let kept = numbered(&self.dir, "quarantine-");
        for old in kept.iter().take((kept.len() + 1).saturating_sub(QUARANTINED_MAX)) {
            removed(&self.dir.join(format!("quarantine-{old}")));
        }
        let to = self.dir.join(format!("quarantine-{}", self.number));
        let moved = fs::rename(self.view(), &to);
        if moved.is_err() {
            removed(&self.view());
        }
        self.next();
        moved.is_ok().then_some(to)
    }
}

/// The numbers behind a name, in order.
fn numbered(dir: &Path, name: &str) -> Vec<u64> {
    let entries = (!is_link(dir)).then(|| fs::read_dir(dir));
    let entries = entries.into_iter().flatten().flatten().flatten();
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_prefix(name)?.parse().ok();
    let mut numbers: Vec<u64> = entries.filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// Makes a directory that is its owner's alone, unless it is there.
fn private(place: &Path) -> io::Result<()> {
    if is_link(place) {
        return Err(io::Error::other(format!("{} is a link", place.display())));
    }
    fs::DirBuilder::new().recursive(true).mode(PRIVATE).create(place)
}

fn is_link(place: &Path) -> bool {
    fs::symlink_metadata(place).is_ok_and(|about| about.is_symlink())
}

/// Removes whatever is there. What stays is tried again at the next start, and is in nobody's way before.
fn removed(path: &Path) {
    let _stays: io::Result<()> = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| {
            entry.expect("readable").file_name().into_string().expect("UTF-8")
        };
        let mut names: Vec<_> = fs::read_dir(dir).expect("readable").map(name).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn views_have_numbers_of_their_own_and_few_are_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut shelf = SledShelf::at(dir.path());
        for _ in 0..4 {
            fs::create_dir(shelf.view()).expect("a view");
            assert!(shelf.quarantine().is_some_and(|to| to.is_dir()));
        }
        assert_eq!(names(dir.path()), ["quarantine-3", "quarantine-4"]);
        drop(shelf.open().expect("an empty view"));
        assert_eq!(names(dir.path()), ["quarantine-3", "quarantine-4", "sled-5"]);
        shelf.remove();
        assert_eq!(shelf.quarantine(), None, "there is nothing to keep");
        assert_eq!(names(dir.path()), ["quarantine-4"], "room was made all the same");
        assert_eq!(SledShelf::at(dir.path()).number, 5);
    }

    #[test]
    fn no_link_is_followed() {
        let dir = tempfile::tempdir().expect("a directory");
        let (view, elsewhere) = (dir.path().join("view"), dir.path().join("elsewhere"));
        fs::create_dir_all(elsewhere.join("sled-1")).expect("a directory");
        std::os::unix::fs::symlink(&elsewhere, &view).expect("a link");
        let mut shelf = SledShelf::at(&view);
        assert!(shelf.open().is_err_and(|fault| fault.with_causes().to_string().contains("is a link")));
        assert_eq!(shelf.quarantine(), None);
        shelf.remove();
        assert_eq!(names(&elsewhere), ["sled-1"]);
        fs::remove_file(&view).expect("it is there");
        fs::create_dir(&view).expect("a directory");
        std::os::unix::fs::symlink(elsewhere.join("sled-1"), view.join("sled-1")).expect("a link");
        let mut shelf = SledShelf::at(&view);
        assert!(shelf.open().is_err());
        assert!(shelf.quarantine().is_some(), "the link is set aside");
        assert!(shelf.open().is_ok());
        assert!(names(&elsewhere.join("sled-1")).is_empty());
    }

    #[test]
    fn what_was_left_beside_the_newest_goes() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["sled-2", "sled-11", "quarantine-9", "other"] {
            fs::create_dir(dir.path().join(name)).expect("a directory");
        }
        assert_eq!(SledShelf::at(dir.path()).number, 11);
        assert_eq!(names(dir.path()), ["other", "quarantine-9", "sled-11"]);
    }
}
