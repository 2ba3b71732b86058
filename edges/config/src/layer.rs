//! One layer of a configuration, from a file, the environment or flags: every key of it is known and holds what it may.
use crate::{
    FileKind, Place, Problem,
    check::Value,
    error::BLANK,
    keys::{self, Found, Key, Rule, Use},
    near::nearest,
    plain::plain_text,
    sources::Flag,
};
use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};
use toml::de::{DeTable, DeValue};

/// A value that fits its key.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    /// The key it is for: where it moved to, if it moved.
    pub(crate) path: Vec<String>,
    pub(crate) key: &'static Key,
    pub(crate) value: Value,
    pub(crate) place: Place,
    /// The key as it was written, if that is another.
    pub(crate) moved_from: Option<String>,
}

/// What was read, and what was wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) settings: Vec<Setting>,
    pub(crate) problems: Vec<Problem>,
}

/// Larger than any configuration; small enough to read at once.
pub(crate) const FILE_BYTES_MAX: u64 = 1 << 20;

/// A file with more errors than this is no TOML at all.
const MISTAKES_MAX: usize = 20;

/// The prefix of variables that are keys.
const PREFIX: &str = "OXYDRA__";

impl Layer {
    /// Reads a file; one that is not there says nothing.
    pub(crate) fn from_file(kind: FileKind, path: &Path) -> Layer {
        match text_of(path) {
            Ok(None) => Layer::default(),
            Ok(Some(text)) => Layer::from_text(kind, path, &text),
            Err(why) => Layer::refused(Problem::Unreadable { path: path.to_owned(), why: said(path, &why) }),
        }
    }

    /// Reads the text of a file.
    pub(crate) fn from_text(kind: FileKind, path: &Path, text: &str) -> Layer {
        let (table, mistakes) = DeTable::parse_recoverable(text);
        if !mistakes.is_empty() {
            // What was recovered of such a file may be anything: its keys are checked once it is TOML.
            return Layer { settings: Vec::new(), problems: mistakes_in(path, text, &mistakes) };
        }
        let mut layer = Layer::default();
        layer.take_table(table.get_ref(), &mut Vec::new(), &File { kind, path: path.to_owned(), text });
        // As a person reads the file, not as tables are sorted.
        layer.problems.sort_by_key(|problem| match problem.place() {
            Place::File { line, .. } => line,
            Place::Variable(_) | Place::Flag(_) | Place::Default => 0,
        });
        layer
    }

    /// Reads the variables that begin with `OXYDRA__`.
    pub(crate) fn from_variables(variables: &[(OsString, OsString)]) -> Layer {
        let mut layer = Layer::default();
        for (name, value) in variables {
            // A name that is not UTF-8 cannot be a key: all of them are ASCII.
            let Some(path) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
            let path: Vec<String> = path.to_lowercase().split("__").map(str::to_owned).collect();
            let place = Place::Variable(name.to_string_lossy().into_owned());
            layer.take_text(&path, value.to_str(), place);
        }
        layer
    }

    /// Reads flags.
    pub(crate) fn from_flags(flags: &[Flag]) -> Layer {
        let mut layer = Layer::default();
        for Flag { flag, key, text } in flags {
            let path: Vec<String> = key.split('.').map(str::to_owned).collect();
            layer.take_text(&path, Some(text), Place::Flag(flag));
        }
        layer
    }

    /// What stands when nobody writes anything.
    pub(crate) fn of_defaults() -> Layer {
        let mut layer = Layer::default();
        for key in FileKind::Agent.keys().iter().filter(|key| !key.default.is_empty()) {
            let path: Vec<String> = key.path.split('.').map(str::to_owned).collect();
            layer.take_text(&path, Some(key.default), Place::Default);
        }
        layer
    }

    fn refused(problem: Problem) -> Layer {
        Layer { settings: Vec::new(), problems: vec![problem] }
    }

    fn take_table(&mut self, table: &DeTable<'_>, path: &mut Vec<String>, file: &File<'_>) {
        for (name, value) in table {
            path.push(name.get_ref().to_string());
            let place = file.place(name.span().start);
            match (keys::find(file.kind, path), value.get_ref()) {
                (Found::Table, DeValue::Table(inner)) => self.take_table(inner, path, file),
                (Found::Table, other) => {
                    let value = file_value(other);
                    // In the place of headers or credentials it may be one of them.
                    let is_hidden = ["providers", "credential_refs"].contains(&path[0].as_str());
                    let found = (!is_hidden || value.text().is_none()).then(|| value.shown());
                    self.refuse(path, place, found, "a table".to_owned())
                }
                (Found::Key(key), value) => self.take(file.kind, key, path, file_value(value), place),
                (Found::Nothing, _) => self.unknown(file.kind, path, place),
            }
            path.pop();
        }
    }

    fn take_text(&mut self, path: &[String], text: Option<&str>, place: Place) {
        match (keys::find(FileKind::Agent, path), text) {
            (Found::Key(key), Some(text)) => {
                self.take(FileKind::Agent, key, path, key.rule.read(text), place)
            }
            (Found::Key(key), None) => self.refuse(path, place, None, key.rule.in_words()),
            (Found::Table | Found::Nothing, _) => self.unknown(FileKind::Agent, path, place),
        }
    }

    fn take(&mut self, kind: FileKind, key: &'static Key, path: &[String], value: Value, place: Place) {
        if !key.rule.allows(&value) {
            // A bad address may be bad because there is a password in it, a bad reference because it is the key itself.
            let is_hidden =
                matches!(key.rule, Rule::Secret | Rule::Variable | Rule::Url | Rule::Urls | Rule::Reference);
            let found = match value.text() {
                Some("") => Some(BLANK.to_owned()),
                Some(_) | None if is_hidden => None,
                Some(_) | None => Some(value.shown()),
            };
            return self.refuse(path, place, found, key.rule.in_words());
        }
        let (key, path, moved_from) = match key.used {
            Use::Moved(to) => {
                let new: Vec<String> = to.split('.').map(str::to_owned).collect();
                let Found::Key(key) = keys::find(kind, &new) else {
                    unreachable!("a test checks that what moved has a place")
                };
                (key, new, Some(keys::written(path)))
            }
            Use::Now | Use::Later(_) | Use::Gone(_) => (key, path.to_vec(), None),
        };
        self.settings.push(Setting { path, key, value, place, moved_from });
    }

    fn refuse(&mut self, path: &[String], place: Place, found: Option<String>, expected: String) {
        self.problems.push(Problem::BadValue { key: keys::written(path), place, found, expected });
    }

    fn unknown(&mut self, kind: FileKind, path: &[String], place: Place) {
        let nearest = nearest(kind, path);
        let knows = |other: &FileKind| *other != kind && !matches!(keys::find(*other, path), Found::Nothing);
        let belongs = FileKind::ALL.into_iter().find(knows);
        self.problems.push(Problem::UnknownKey { key: keys::written(path), place, nearest, belongs });
    }
}

/// What is no TOML, once a line.
fn mistakes_in(path: &Path, text: &str, mistakes: &[toml::de::Error]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut last = 0;
    for mistake in mistakes.iter().take(MISTAKES_MAX) {
        let (line, column) = position(text, mistake.span().map_or(0, |span| span.start));
        if line == last {
            continue;
        }
        last = line;
        let message = mistake.message().trim().replace('\n', ", ");
        problems.push(Problem::Malformed { path: path.to_owned(), line, column, message });
    }
    problems
}

/// What the system said, and what to do about it.
fn said(path: &Path, why: &io::Error) -> String {
    match why.kind() {
        io::ErrorKind::PermissionDenied => format!("{why}; `chmod u+r {}` lets you read it", path.display()),
        io::ErrorKind::InvalidData => format!("{why}; save it as UTF-8"),
        io::ErrorKind::IsADirectory | io::ErrorKind::InvalidInput => format!("{why}; move it away"),
        // `ErrorKind` belongs to the standard library and grows.
        _ => why.to_string(),
    }
}

struct File<'a> {
    kind: FileKind,
    path: PathBuf,
    text: &'a str,
}

impl File<'_> {
    fn place(&self, offset: usize) -> Place {
        Place::File { path: self.path.clone(), line: position(self.text, offset).0 }
    }
}

/// The line and the column of an offset, both from 1.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The text of a file, `None` where there is none.
pub(crate) fn text_of(path: &Path) -> io::Result<Option<String>> {
    match plain_text(path, FILE_BYTES_MAX) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn file_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(whole) => {
            let parsed = i64::from_str_radix(whole.as_str(), whole.radix());
            parsed.map_or_else(|_| Value::Odd(whole.as_str().to_owned()), Value::Whole)
        }
        DeValue::Float(number) => {
            number.as_str().parse().map_or_else(|_| Value::Odd(number.as_str().to_owned()), Value::Number)
        }
        DeValue::Boolean(switch) => Value::Switch(*switch),
        DeValue::Datetime(moment) => Value::Odd(moment.to_string()),
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            texts
                .collect::<Option<_>>()
                .map_or_else(|| Value::Odd("a list with something else in it".to_owned()), Value::Texts)
        }
        DeValue::Table(_) => Value::Odd("a table".to_owned()),
    }
}
