//! A directory of its own with a home in it, and nothing of the machine's own configuration.
use crate::{Done, Oxydra, process};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A directory with a home in it, gone when it is dropped.
pub struct Place {
    dir: TempDir,
}

impl Default for Place {
    fn default() -> Place {
        Place::new()
    }
}

impl Place {
    /// Makes the directory; the home in it is made by the first `oxydra run`.
    pub fn new() -> Place {
        Place { dir: tempfile::tempdir().expect("a directory for the test") }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    /// The home in it.
    pub fn home(&self) -> PathBuf {
        self.root().join(".oxydra")
    }

    /// The journal in the home.
    pub fn journal(&self) -> PathBuf {
        self.home().join("journal")
    }

    /// Where the files of the default user are. They are there before the first run, if this is asked before.
    pub fn shared(&self) -> PathBuf {
        let shared = self.home().join("workspaces/default/shared");
        fs::create_dir_all(&shared).expect("the directory is made");
        shared
    }

    /// Writes a file of the default user.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.shared().join(name);
        fs::create_dir_all(path.parent().expect("it is in a directory")).expect("the directory is made");
        fs::write(path, content).expect("the file is written");
    }

    /// Reads a file of the default user; `None` when there is none.
    pub fn read(&self, name: &str) -> Option<String> {
        match fs::read_to_string(self.shared().join(name)) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => panic!("cannot read {name}: {error}"),
        }
    }

    /// The binary, to be run here.
    pub fn oxydra(&self, args: &[&str]) -> Oxydra {
        process::oxydra(self.root(), args)
    }

    /// Runs the binary to its end, with nothing on standard input.
    pub fn run(&self, args: &[&str]) -> Done {
        self.oxydra(args).done()
    }

    /// Every byte of the journal, by file; not the name of its last owner, which is no part of it.
    pub fn journal_bytes(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = fs::read_dir(self.journal()).expect("there is a journal");
        let paths = entries.map(|entry| entry.expect("it can be listed").path());
        let kept = paths.filter(|path| path.extension().is_none_or(|extension| extension != "lock"));
        kept.map(|path| (path.clone(), fs::read(&path).expect("it can be read"))).collect()
    }

    /// The last segment of the journal.
    pub fn last_segment(&self) -> PathBuf {
        let is_segment = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "seg");
        self.journal_bytes().into_keys().rfind(is_segment).expect("there is a segment")
    }
}
