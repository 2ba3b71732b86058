//! One layer of a configuration, from a file, the environment or flags: every key of it is known and holds what it may.
use crate::{
    ConfigError, Place, Problem,
    check::Value,
    keys::{self, Found, Key, Rule},
    near::nearest,
    sources::Flag,
};
use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};
use toml::de::{DeTable, DeValue};

/// A value that fits its key.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) used: keys::Use,
    pub(crate) value: Value,
    pub(crate) place: Place,
}

/// What was read, and what was wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) settings: Vec<Setting>,
    pub(crate) problems: Vec<Problem>,
}

/// Larger than any configuration; small enough to read at once.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The prefix of variables that are keys.
const PREFIX: &str = "OXYDRA__";

impl Layer {
    /// Reads a file; one that is not there says nothing.
    pub(crate) fn from_file(path: &Path) -> Result<Layer, ConfigError> {
        let Some(text) =
            text_of(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?
        else {
            return Ok(Layer::default());
        };
        let table = DeTable::parse(&text).map_err(|error| {
            let (line, column) = position(&text, error.span().map_or(0, |span| span.start));
            let message = error.message().trim().replace('\n', ", ");
            ConfigError::Malformed { path: path.to_owned(), line, column, message }
        })?;
        let mut layer = Layer::default();
        layer.take_table(table.get_ref(), &mut Vec::new(), &File { path: path.to_owned(), text: &text });
        Ok(layer)
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

    fn take_table(&mut self, table: &DeTable<'_>, path: &mut Vec<String>, file: &File<'_>) {
        for (name, value) in table {
            path.push(name.get_ref().to_string());
            let place = file.place(name.span().start);
            match (keys::find(path), value.get_ref()) {
                (Found::Table, DeValue::Table(inner)) => self.take_table(inner, path, file),
                (Found::Table, other) => {
                    self.refuse(path, place, Some(file_value(other)), "a table".to_owned())
                }
                (Found::Key(key), value) => self.take(key, path, file_value(value), place),
                (Found::Nothing, _) => self.unknown(path, place),
            }
            path.pop();
        }
    }

    fn take_text(&mut self, path: &[String], text: Option<&str>, place: Place) {
        match (keys::find(path), text) {
            (Found::Key(key), Some(text)) => self.take(key, path, key.rule.read(text), place),
            (Found::Key(key), None) => self.refuse(path, place, None, key.rule.in_words()),
            (Found::Table | Found::Nothing, _) => self.unknown(path, place),
        }
    }

    fn take(&mut self, key: &Key, path: &[String], value: Value, place: Place) {
        if !key.rule.allows(&value) {
            // A bad address may be bad because there is a password in it.
            let shown = (!matches!(key.rule, Rule::Secret | Rule::Url)).then_some(value);
            return self.refuse(path, place, shown, key.rule.in_words());
        }
        self.settings.push(Setting { key: path.join("."), used: key.used, value, place });
    }

    fn refuse(&mut self, path: &[String], place: Place, value: Option<Value>, expected: String) {
        let found = value.map(|value| value.shown());
        self.problems.push(Problem::BadValue { key: path.join("."), place, found, expected });
    }

    fn unknown(&mut self, path: &[String], place: Place) {
        self.problems.push(Problem::UnknownKey { key: path.join("."), place, nearest: nearest(path) });
    }
}

struct File<'a> {
    path: PathBuf,
    text: &'a str,
}

impl File<'_> {
    fn place(&self, offset: usize) -> Place {
        Place::File { path: self.path.clone(), line: position(self.text, offset).0 }
    }
}

/// The line and the column of an offset, both from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The text of a file, `None` where there is none. A pipe is refused before it is opened: nobody may ever write to it.
fn text_of(path: &Path) -> io::Result<Option<String>> {
    let about = match fs::metadata(path) {
        Ok(about) => about,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if !about.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if about.len() > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it is larger than {FILE_BYTES_MAX} bytes")));
    }
    fs::read_to_string(path).map(Some)
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
            texts.collect::<Option<_>>().map_or_else(|| Value::Odd("a list".to_owned()), Value::Texts)
        }
        DeValue::Table(_) => Value::Odd("a table".to_owned()),
    }
}
