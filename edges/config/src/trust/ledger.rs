//! What its owner trusts, and which homes were begun here: two files outside of every home, one line for each home, what is
//! known of it and its path. They are written whole and put in place at once.
use super::Fingerprint;
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// The list cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The path of the home has no place in a line.
    #[error("the path of the home {} cannot be written down; move it to one that is text on one line", .0.display())]
    Path(PathBuf),
    /// The file cannot be written.
    #[error("cannot write down in {} what is known of the home", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    trusted: List,
    begun: List,
}

/// One list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct List(PathBuf);

impl Ledger {
    /// Keeps the lists in a directory, which is made when one is first written.
    pub fn at(directory: PathBuf) -> Ledger {
        Ledger { trusted: List(directory.join("trusted")), begun: List(directory.join("begun")) }
    }

    /// Where the user's own state is, by the variables; `None` when they do not say.
    pub fn usual<'v>(variable: impl Fn(&str) -> Option<&'v str>) -> Option<Ledger> {
        let directory = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let state =
            directory("XDG_STATE_HOME").or_else(|| directory("HOME").map(|home| home.join(".local/state")));
        state.map(|state| Ledger::at(state.join("oxydra")))
    }

    /// Says whether a home with this content is trusted.
    pub fn knows(&self, home: &Path, content: &Fingerprint) -> bool {
        self.trusted.has(home, &content.to_string())
    }

    /// Trusts a home with this content, and no longer with another.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn trust(&self, home: &Path, content: &Fingerprint) -> Result<(), LedgerError> {
        self.trusted.put(home, &content.to_string())
    }

    /// Says whether the directory of a home is the one that was begun here.
    pub(super) fn began(&self, home: &Path) -> bool {
        identity(home).is_some_and(|identity| self.begun.has(home, &identity))
    }

    /// Writes down that a home was begun here.
    pub(super) fn begin(&self, home: &Path) -> Result<(), LedgerError> {
        let identity = identity(home).ok_or_else(|| LedgerError::Path(home.to_owned()))?;
        self.begun.put(home, &identity)
    }
}

/// What tells a directory from another in its place: a number may be given again, and then its time is another.
fn identity(directory: &Path) -> Option<String> {
    let about = fs::metadata(directory).ok()?;
    let made = about.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    Some(format!("{:x}:{:x}:{:x}", about.dev(), about.ino(), made.as_nanos()))
}

impl List {
    fn has(&self, home: &Path, known: &str) -> bool {
        let Ok(line) = line(home, known) else { return false };
        fs::read_to_string(&self.0).is_ok_and(|text| text.lines().any(|known| known == line))
    }

    fn put(&self, home: &Path, known: &str) -> Result<(), LedgerError> {
        let line = line(home, known)?;
        let path = line.split_once(' ').map(|(_, path)| path).unwrap_or_default();
        let known = fs::read_to_string(&self.0).unwrap_or_default();
        let others = known.lines().filter(|known| known.split_once(' ').map(|(_, path)| path) != Some(path));
        let text: String = others.chain([line.as_str()]).map(|line| format!("{line}\n")).collect();
        self.write(&text).map_err(|source| LedgerError::Write { path: self.0.clone(), source })
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let directory = self.0.parent().expect("it lies in a directory");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let draft = self.0.with_extension(format!("{}.tmp", std::process::id()));
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &self.0)
    }
}

fn line(home: &Path, known: &str) -> Result<String, LedgerError> {
    let unusable = || LedgerError::Path(home.to_owned());
    let path = fs::canonicalize(home).map_err(|_| unusable())?;
    let path = path.to_str().filter(|path| !path.contains(['\n', '\r'])).ok_or_else(unusable)?;
    Ok(format!("{known} {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_are_told_apart_and_the_latest_content_counts() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let [one, two] = ["one", "two"].map(|name| place.path().join(name));
        fs::create_dir_all(&one).and_then(|()| fs::create_dir_all(&two)).expect("the directories are made");
        let ledger = Ledger::at(place.path().join("state/oxydra"));
        let content = |text: &str| Fingerprint(text.to_owned());
        assert!(!ledger.knows(&one, &content("a")), "there is no list");
        ledger.trust(&one, &content("a")).expect("it is written");
        ledger.trust(&two, &content("a")).expect("it is written");
        ledger.trust(&one, &content("b")).expect("it is written");
        assert!(ledger.knows(&one, &content("b")) && ledger.knows(&two, &content("a")));
        assert!(!ledger.knows(&one, &content("a")) && !ledger.knows(&two, &content("b")));
        assert!(matches!(
            ledger.trust(Path::new("/nowhere/at/all"), &content("a")),
            Err(LedgerError::Path(_))
        ));
        let blocked = Ledger::at(one.join("file"));
        fs::write(one.join("file"), "").expect("the file is written");
        assert!(matches!(blocked.trust(&two, &content("a")), Err(LedgerError::Write { .. })));
    }

    #[test]
    fn the_variables_say_where_it_is() {
        let at = |variables: &[(&'static str, &'static str)]| {
            let variables = variables.to_vec();
            let find =
                move |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
            Ledger::usual(find).map(|ledger| ledger.trusted.0.display().to_string())
        };
        assert_eq!(at(&[("HOME", "/h")]).as_deref(), Some("/h/.local/state/oxydra/trusted"));
        assert_eq!(at(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]).as_deref(), Some("/s/oxydra/trusted"));
        assert_eq!(at(&[("HOME", "h")]), None);
        assert_eq!(at(&[]), None);
    }
}
