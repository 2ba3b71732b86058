//! Whether a home may be trusted. One that came with a checkout of somebody's work may narrow what an agent does, and gives
//! nothing until its owner says so; that is remembered by the content of its files, outside of it, and asked again when
//! they change. A home that no version control brought is its owner's own.
mod checkout;
mod ledger;

pub use ledger::{Ledger, LedgerError};

use crate::{FileKind, layer::Layer, user};
use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
};

/// What a home is to its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It did not come with a checkout.
    Own,
    /// It did, and its owner trusts its files as they are.
    Trusted,
    /// It did, and nobody has said anything about its files as they are.
    Stranger,
}

/// The files of a home, as one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(String);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says what a home is to its owner. Without a ledger nothing is remembered.
pub fn standing(home: &Path, ledger: Option<&Ledger>) -> Standing {
    let files = files_of(home);
    if !files.iter().any(|file| checkout::brought(file)) {
        return Standing::Own;
    }
    let is_known = ledger.is_some_and(|ledger| ledger.knows(home, &fingerprint(home)));
    if is_known { Standing::Trusted } else { Standing::Stranger }
}

/// The content of a home's files, and their names.
pub fn fingerprint(home: &Path) -> Fingerprint {
    let mut hasher = blake3::Hasher::new();
    for file in files_of(home) {
        let name = file.strip_prefix(home).unwrap_or(&file);
        // A file that cannot be read is no file that anything is read from.
        let content = fs::read(&file).unwrap_or_default();
        hasher.update(name.as_os_str().as_encoded_bytes()).update(b"\0");
        hasher.update(&(content.len() as u64).to_le_bytes()).update(&content);
    }
    Fingerprint(hasher.finalize().to_hex().to_string())
}

/// The files that a home configures by, in order.
fn files_of(home: &Path) -> BTreeSet<PathBuf> {
    let mut files: BTreeSet<PathBuf> =
        ["agent.toml", "providers.toml", "runner.toml", "catalog.json"].map(|name| home.join(name)).into();
    let users = fs::read_dir(home.join("users")).into_iter().flatten().flatten().map(|entry| entry.path());
    files.extend(users.filter(|path| path.extension().is_some_and(|extension| extension == "toml")));
    let runner = Layer::from_file(FileKind::Runner, &home.join("runner.toml"));
    files.extend(runner.settings.iter().filter_map(|setting| user::path_in(setting, home)));
    files.retain(|file| file.exists());
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_that_nobody_brought_is_its_owners() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let home = place.path().join(".oxydra");
        fs::create_dir(&home).expect("the directory is made");
        fs::write(home.join("agent.toml"), "runtime.max_turns = 9\n").expect("the file is written");
        assert_eq!(standing(&home, None), Standing::Own);
    }

    #[test]
    fn what_was_brought_is_trusted_once_somebody_says_so_and_until_it_changes() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let home = place.path().join("work/.oxydra");
        fs::create_dir_all(home.join("users")).expect("the directory is made");
        // Subversion keeps no list that could be looked into: everything in such a checkout was brought.
        fs::create_dir(place.path().join("work/.svn")).expect("the directory is made");
        assert_eq!(standing(&home, None), Standing::Own, "there is no file");
        fs::write(home.join("agent.toml"), "runtime.max_turns = 9\n").expect("the file is written");
        let ledger = Ledger::at(place.path().join("state"));
        assert_eq!(standing(&home, Some(&ledger)), Standing::Stranger);
        ledger.trust(&home, &fingerprint(&home)).expect("it is written");
        assert_eq!(standing(&home, Some(&ledger)), Standing::Trusted);
        for (file, text) in [
            ("agent.toml", "runtime.max_turns = 8\n"),
            ("users/ada.toml", ""),
            ("runner.toml", "[users.bob]\nconfig_path = \"bob\"\n"),
            ("bob", "runtime.max_turns = 1\n"),
        ] {
            fs::write(home.join(file), text).expect("the file is written");
            assert_eq!(standing(&home, Some(&ledger)), Standing::Stranger, "{file}");
            ledger.trust(&home, &fingerprint(&home)).expect("it is written");
            assert_eq!(standing(&home, Some(&ledger)), Standing::Trusted, "{file}");
        }
        assert_eq!(standing(&home, None), Standing::Stranger);
    }
}
