//! Rewrites a file of an older version: keys go where they are called now, and every comment goes with them. It writes
//! nothing unless told to, keeps the old file beside the new one, and leaves a file alone that it cannot read.
use crate::{
    FileKind,
    keys::{CURRENT, Use},
    layer::text_of,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use toml_edit::{DocumentMut, Item, Table, TableLike, value};

/// A file cannot be rewritten.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no TOML.
    #[error("{} is not TOML; `oxydra config check` says where", .0.display())]
    Malformed(PathBuf),
    /// Both names are there.
    #[error("{}: `{old}` and `{new}` are both there; take one of them out", path.display())]
    Both {
        /// Which file.
        path: PathBuf,
        /// The older name.
        old: String,
        /// The name of today.
        new: String,
    },
    /// The new file cannot be written; the old one is as it was.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What becomes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Which.
    pub path: PathBuf,
    /// What changes, a line each. Empty: it is of today.
    pub changes: Vec<String>,
    /// The file as it will be.
    pub text: String,
}

impl Migration {
    /// Works out what becomes of a file; `None` when it is not there.
    ///
    /// # Errors
    /// When it cannot be read, or a key is there under both of its names.
    pub fn of(kind: FileKind, path: &Path) -> Result<Option<Migration>, MigrateError> {
        let read = text_of(path).map_err(|source| MigrateError::Read { path: path.to_owned(), source })?;
        let Some(text) = read else { return Ok(None) };
        let mut document: DocumentMut = text.parse().map_err(|_| MigrateError::Malformed(path.to_owned()))?;
        let mut changes = Vec::new();
        for key in kind.keys() {
            let Use::Moved(new) = key.used else { continue };
            changes.extend(moved(&mut document, key.path, new, path)?);
        }
        if !changes.is_empty() {
            stamp(&mut document);
            changes.push(format!("config_version = \"{CURRENT}\""));
        }
        Ok(Some(Migration { path: path.to_owned(), changes, text: document.to_string() }))
    }

    /// Writes the file and keeps the old one beside it; returns where.
    ///
    /// # Errors
    /// When one of them cannot be written. Then the file is as it was.
    pub fn write(&self) -> Result<PathBuf, MigrateError> {
        let write = || -> io::Result<PathBuf> {
            let kept = free_name(&self.path)?;
            // Mode and content: a file of credentials stays its owner's alone.
            fs::copy(&self.path, &kept)?;
            let draft = self.path.with_extension(format!("toml.{}.tmp", std::process::id()));
            fs::copy(&self.path, &draft)?;
            let written = fs::write(&draft, &self.text)
                .and_then(|()| fs::File::open(&draft)?.sync_all())
                .and_then(|()| fs::rename(&draft, &self.path));
            if written.is_err() {
                // The draft is of no use to anybody; that it is gone too changes nothing.
                let _ = fs::remove_file(&draft);
            }
            written.map(|()| kept)
        };
        write().map_err(|source| MigrateError::Write { path: self.path.clone(), source })
    }
}

/// So many copies of a file are kept before somebody should look.
const COPIES_MAX: u32 = 100;

fn free_name(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    (1..=COPIES_MAX)
        .map(|n| path.with_file_name(format!("{name}.bak-{n}")))
        .find(|path| fs::symlink_metadata(path).is_err())
        .ok_or_else(|| io::Error::other(format!("there are {COPIES_MAX} copies already; move some away")))
}

/// Moves a key, if it is there.
fn moved(
    document: &mut DocumentMut,
    old: &str,
    new: &str,
    path: &Path,
) -> Result<Option<String>, MigrateError> {
    let (old_names, new_names): (Vec<_>, Vec<_>) = (old.split('.').collect(), new.split('.').collect());
    let (Some((old_name, old_tables)), Some((new_name, new_tables))) =
        (old_names.split_last(), new_names.split_last())
    else {
        return Ok(None);
    };
    let Some(from) = table_at(document.as_table_mut(), old_tables) else { return Ok(None) };
    let Some((key, item)) = from.get_key_value(old_name).map(|(key, item)| (key.clone(), item.clone()))
    else {
        return Ok(None);
    };
    // What stands above the header of the old table is about what was in it.
    let above = header_comment(document, old_tables);
    let to = table_made(document.as_table_mut(), new_tables, above.as_deref());
    if to.contains_key(new_name) {
        let (old, new) = (old.to_owned(), new.to_owned());
        return Err(MigrateError::Both { path: path.to_owned(), old, new });
    }
    to.entry_format(&key).or_insert(item);
    remove(document.as_table_mut(), &old_names);
    Ok(Some(format!("{old} → {new}")))
}

fn table_at<'d>(mut at: &'d mut dyn TableLike, names: &[&str]) -> Option<&'d mut dyn TableLike> {
    for name in names {
        at = at.get_mut(name)?.as_table_like_mut()?;
    }
    Some(at)
}

fn table_made<'d>(
    mut at: &'d mut dyn TableLike,
    names: &[&str],
    above: Option<&str>,
) -> &'d mut dyn TableLike {
    for (depth, name) in names.iter().enumerate() {
        let is_last = depth + 1 == names.len();
        let made = || {
            let mut table = Table::new();
            table.set_implicit(!is_last);
            if let Some(above) = above.filter(|_| is_last) {
                table.decor_mut().set_prefix(above);
            }
            Item::Table(table)
        };
        let item = at.entry(name).or_insert_with(made);
        at = item
            .as_table_like_mut()
            .expect("both names of a key lie in tables: no file that loads has it otherwise");
    }
    at
}

/// What stands above the header of a table, where it has one.
fn header_comment(document: &DocumentMut, names: &[&str]) -> Option<String> {
    let mut at = document.as_table();
    for name in names {
        at = at.get(name)?.as_table()?;
    }
    if at.is_dotted() || at.is_implicit() {
        return None;
    }
    at.decor().prefix().and_then(|prefix| prefix.as_str()).map(str::to_owned)
}

/// Takes a key out, and the tables around it that are empty then.
fn remove(at: &mut dyn TableLike, names: &[&str]) {
    let Some((name, rest)) = names.split_first() else { return };
    if rest.is_empty() {
        at.remove(name);
        return;
    }
    let Some(inner) = at.get_mut(name).and_then(Item::as_table_like_mut) else { return };
    remove(inner, rest);
    if inner.is_empty() {
        at.remove(name);
    }
}

/// Says of which version the keys are now.
fn stamp(document: &mut DocumentMut) {
    let known = document.get_mut("config_version").and_then(Item::as_value_mut);
    match known {
        Some(known) => {
            let decor = known.decor().clone();
            *known = CURRENT.into();
            *known.decor_mut() = decor;
        }
        None => {
            document.insert("config_version", value(CURRENT));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(text: &str, expected: Expect) {
        let place = tempfile::tempdir().expect("a directory for the test");
        let path = place.path().join("agent.toml");
        fs::write(&path, text).expect("the file is written");
        let found = match Migration::of(FileKind::Agent, &path) {
            Ok(Some(migration)) => {
                let changes: String =
                    migration.changes.iter().map(|change| format!("~ {change}\n")).collect();
                format!("{changes}{}", migration.text)
            }
            Ok(None) => "(no file)".to_owned(),
            Err(error) => error.to_string().replace(&format!("{}/", place.path().display()), ""),
        };
        expected.assert_eq(&found);
    }

    #[test]
    fn keys_go_where_they_are_called_now_and_comments_with_them() {
        check(
            "# My own file.\nconfig_version = \"1.0.0\" # of long ago\n\n# The one I pay for.\n[providers.openai]\n# From the website.\napi_key = \"sk-1\" # keep it\nbase_url = \"https://proxy.example.com\"\n\n[runtime]\nmax_turns = 4 # enough\n",
            expect![[r#"
                ~ providers.openai.base_url → providers.registry.openai.base_url
                ~ providers.openai.api_key → providers.registry.openai.api_key
                ~ config_version = "1.1.0"
                # My own file.
                config_version = "1.1.0" # of long ago

                # The one I pay for.
                [providers.registry.openai]
                base_url = "https://proxy.example.com"
                # From the website.
                api_key = "sk-1" # keep it

                [runtime]
                max_turns = 4 # enough
            "#]],
        );
        check(
            "providers.anthropic.api_key = \"sk-2\" # mine\nruntime.max_turns = 3\n",
            expect![[r#"
            ~ providers.anthropic.api_key → providers.registry.anthropic.api_key
            ~ config_version = "1.1.0"
            runtime.max_turns = 3
            config_version = "1.1.0"

            [providers.registry.anthropic]
            api_key = "sk-2" # mine
        "#]],
        );
    }

    #[test]
    fn a_file_of_today_and_a_broken_one_stay_as_they_are() {
        check(
            "[runtime]\nmax_turns = 4\n",
            expect![[r#"
            [runtime]
            max_turns = 4
        "#]],
        );
        check("[runtime\n", expect!["agent.toml is not TOML; `oxydra config check` says where"]);
        check(
            "[providers.openai]\napi_key = \"a\"\n[providers.registry.openai]\napi_key = \"b\"\n",
            expect![
                "agent.toml: `providers.openai.api_key` and `providers.registry.openai.api_key` are both there; take one of them out"
            ],
        );
        assert!(matches!(Migration::of(FileKind::Agent, Path::new("/nowhere/agent.toml")), Ok(None)));
    }

    #[test]
    fn the_old_file_is_kept_and_so_is_its_mode() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().expect("a directory for the test");
        let path = place.path().join("providers.toml");
        for n in 1..=2 {
            let text = format!("providers.openai.api_key = \"sk-{n}\"\n");
            fs::write(&path, &text).expect("the file is written");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
            let migration = Migration::of(FileKind::Agent, &path).expect("it is read").expect("it is there");
            let kept = migration.write().expect("it is written");
            assert_eq!(kept, place.path().join(format!("providers.toml.bak-{n}")));
            assert_eq!(fs::read_to_string(&kept).expect("it is kept"), text);
            assert_eq!(fs::read_to_string(&path).expect("it is there"), migration.text);
            for file in [&path, &kept] {
                let mode = fs::metadata(file).expect("it is there").permissions().mode() & 0o777;
                assert_eq!(mode, 0o600, "{}", file.display());
            }
        }
        assert_eq!(fs::read_dir(place.path()).expect("it is there").count(), 3, "no draft is left");
    }
}
