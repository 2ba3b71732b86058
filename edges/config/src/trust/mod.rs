//! Whether a home may be trusted. One that came with a checkout of somebody's work may narrow what an agent does, and gives
//! nothing until its owner says so; nothing that acts in it, or leads out of it, does so either. The word is remembered by
//! what came, outside of the home, and asked for again when that changes. What no version control brought is its owner's own.
mod brought;
mod checkout;
mod index;
mod ledger;

pub use brought::{Brought, brought};
pub use ledger::{Ledger, LedgerError};

use crate::{FileKind, layer::Layer, plain::plain_bytes, user};
use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
};

/// Larger than any file that a home configures by, a catalog of models included.
const FILE_BYTES_MAX: u64 = 64 << 20;

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
    if !files.iter().any(|file| checkout::brought(file)) && brought(home, ledger).is_empty() {
        return Standing::Own;
    }
    let is_known = ledger.is_some_and(|ledger| ledger.knows(home, &fingerprint(home, Some(ledger))));
    if is_known { Standing::Trusted } else { Standing::Stranger }
}

/// Writes down, before anything acts in a home, that whatever acts there was not brought: where version control keeps no list
/// that can be read, nobody could tell later.
///
/// # Errors
/// When it cannot be written down.
pub fn begin(home: &Path, ledger: &Ledger) -> Result<(), LedgerError> {
    // A link is trusted by its own name, whoever made it.
    let acts = || brought(home, Some(ledger)).iter().any(Brought::acts);
    if brought::is_unlisted(home) && !ledger.began(home) && !acts() {
        ledger.begin(home)?;
    }
    Ok(())
}

/// The content of the files that a home configures by, and what else came and acts; all by name.
pub fn fingerprint(home: &Path, ledger: Option<&Ledger>) -> Fingerprint {
    let mut hasher = blake3::Hasher::new();
    let mut files = files_of(home);
    files.extend(schema_of(home));
    for file in files {
        let name = file.strip_prefix(home).unwrap_or(&file);
        // A file that cannot be read is no file that anything is read from.
        let content = plain_bytes(&file, FILE_BYTES_MAX).unwrap_or_default();
        hasher.update(name.as_os_str().as_encoded_bytes()).update(b"\0");
        hasher.update(&(content.len() as u64).to_le_bytes()).update(&content);
    }
    for what in brought(home, ledger) {
        let said = what.to_string();
        hasher.update(b"\0").update(&(said.len() as u64).to_le_bytes()).update(said.as_bytes());
        hasher.update(&(what.id.len() as u64).to_le_bytes()).update(&what.id);
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

/// The schema of answers that a home names. Its words go to the model, so they are trusted with the rest; where it lies says
/// nothing about the home.
fn schema_of(home: &Path) -> Option<PathBuf> {
    let layer = Layer::from_file(FileKind::Agent, &home.join("agent.toml"));
    let named = layer.settings.iter().find(|setting| setting.path == ["runtime", "answer_schema"])?;
    Some(home.join(named.value.text()?))
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
        ledger.trust(&home, &fingerprint(&home, Some(&ledger))).expect("it is written");
        assert_eq!(standing(&home, Some(&ledger)), Standing::Trusted);
        for (file, text) in [
            ("agent.toml", "runtime.max_turns = 8\n"),
            ("users/ada.toml", ""),
            ("runner.toml", "[users.bob]\nconfig_path = \"bob\"\n"),
            ("bob", "runtime.max_turns = 1\n"),
            ("agent.toml", "runtime.answer_schema = \"form.json\"\n"),
            ("form.json", "{\"description\": \"say yes\"}"),
        ] {
            fs::write(home.join(file), text).expect("the file is written");
            assert_eq!(standing(&home, Some(&ledger)), Standing::Stranger, "{file}");
            ledger.trust(&home, &fingerprint(&home, Some(&ledger))).expect("it is written");
            assert_eq!(standing(&home, Some(&ledger)), Standing::Trusted, "{file}");
        }
        assert_eq!(standing(&home, None), Standing::Stranger);
    }
}
