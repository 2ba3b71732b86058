//! Where a user's credential is: in a variable or in a file. It reads the file and looks at the variables it is handed, and
//! never prints what it finds.
use crate::plain::plain_text;
use http::Secret;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Longer than any key.
const KEY_BYTES_MAX: u64 = 64 << 10;

/// Where a credential is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    /// In a variable of this name.
    Variable(String),
    /// In a file; a path that is not absolute begins at the home.
    File(PathBuf),
}

/// A credential that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) secret: Secret,
    /// The file that it was found in, which may be renewed.
    pub(crate) file: Option<PathBuf>,
}

impl Reference {
    /// Reads `env:NAME`, `file:PATH` or the bare name of a variable.
    pub(crate) fn parse(text: &str) -> Option<Reference> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("file:") {
            return (!path.trim().is_empty()).then(|| Reference::File(PathBuf::from(path.trim())));
        }
        let name = text.strip_prefix("env:").unwrap_or(text).trim();
        let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        (is_name && !name.is_empty()).then(|| Reference::Variable(name.to_owned()))
    }

    /// Fetches what it refers to.
    ///
    /// # Errors
    /// Says in words why there is nothing.
    pub(crate) fn resolve(&self, home: &Path, variables: &[(OsString, OsString)]) -> Result<Found, String> {
        match self {
            Reference::Variable(name) => variables
                .iter()
                .find(|(known, _)| known == name.as_str())
                .and_then(|(_, value)| Some(Found { secret: Secret::new(value.to_str()?)?, file: None }))
                .ok_or_else(|| format!("the variable {name} is not set or blank")),
            Reference::File(path) => {
                let path = home.join(path);
                let text = plain_text(&path, KEY_BYTES_MAX)
                    .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
                let secret = Secret::new(text).ok_or_else(|| format!("{} is blank", path.display()))?;
                Ok(Found { secret, file: Some(path) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_reference_leads_to_a_variable_or_a_file_or_says_why_not() {
        let place = tempfile::tempdir().expect("a directory for the test");
        fs::write(place.path().join("key"), " sk-file\n").expect("it is written");
        fs::write(place.path().join("blank"), "\n").expect("it is written");
        fs::write(place.path().join("large"), vec![b'k'; 65_537]).expect("it is written");
        let variables = [(OsString::from("KEY"), OsString::from("sk-env")), ("NONE".into(), " ".into())];
        let found = |text: &str| {
            let reference = Reference::parse(text).expect("it is one");
            match reference.resolve(place.path(), &variables) {
                Ok(Found { secret, file }) => {
                    let renewed = if file.is_some() { ", renewed" } else { "" };
                    format!("{}{renewed}", secret.expose())
                }
                Err(why) => why.replace(&format!("{}/", place.path().display()), ""),
            }
        };
        for (text, expected) in [
            ("env:KEY", "sk-env"),
            ("KEY", "sk-env"),
            ("file:key", "sk-file, renewed"),
            ("env:NONE", "the variable NONE is not set or blank"),
            ("env:OTHER", "the variable OTHER is not set or blank"),
            ("file:blank", "blank is blank"),
            ("file:.", "cannot read .: it is a directory"),
            ("file:large", "cannot read large: it is larger than 65536 bytes"),
            ("file:gone", "cannot read gone: No such file or directory (os error 2)"),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
        for text in ["", "env:", "file: ", "a b", "https://x"] {
            assert_eq!(Reference::parse(text), None, "{text}");
        }
    }
}
