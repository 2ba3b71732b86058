//! What its owner trusts: a file outside of every home, one line each, the fingerprint and the home's path. It is written
//! whole and put in place at once.
use super::Fingerprint;
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The list cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The path of the home has no place in a line.
    #[error("the path of the home {} cannot be written down; move it to one that is text on one line", .0.display())]
    Path(PathBuf),
    /// The file cannot be written.
    #[error("cannot write down in {} that the home is trusted", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// The list of what is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    file: PathBuf,
}

impl Ledger {
    /// Keeps the list in a directory, which is made when it is first written.
    pub fn at(directory: PathBuf) -> Ledger {
        Ledger { file: directory.join("trusted") }
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
        let Ok(line) = line(home, content) else { return false };
        fs::read_to_string(&self.file).is_ok_and(|text| text.lines().any(|known| known == line))
    }

    /// Trusts a home with this content, and no longer with another.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn trust(&self, home: &Path, content: &Fingerprint) -> Result<(), LedgerError> {
        let line = line(home, content)?;
        let path = line.split_once(' ').map(|(_, path)| path).unwrap_or_default();
        let known = fs::read_to_string(&self.file).unwrap_or_default();
        let others = known.lines().filter(|known| known.split_once(' ').map(|(_, path)| path) != Some(path));
        let text: String = others.chain([line.as_str()]).map(|line| format!("{line}\n")).collect();
        self.write(&text).map_err(|source| LedgerError::Write { path: self.file.clone(), source })
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let directory = self.file.parent().expect("it lies in a directory");
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let draft = self.file.with_extension(format!("{}.tmp", std::process::id()));
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &self.file)
    }
}

fn line(home: &Path, content: &Fingerprint) -> Result<String, LedgerError> {
    let unusable = || LedgerError::Path(home.to_owned());
    let path = fs::canonicalize(home).map_err(|_| unusable())?;
    let path = path.to_str().filter(|path| !path.contains(['\n', '\r'])).ok_or_else(unusable)?;
    Ok(format!("{content} {path}"))
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
            Ledger::usual(find).map(|ledger| ledger.file.display().to_string())
        };
        assert_eq!(at(&[("HOME", "/h")]).as_deref(), Some("/h/.local/state/oxydra/trusted"));
        assert_eq!(at(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]).as_deref(), Some("/s/oxydra/trusted"));
        assert_eq!(at(&[("HOME", "h")]), None);
        assert_eq!(at(&[]), None);
    }
}
