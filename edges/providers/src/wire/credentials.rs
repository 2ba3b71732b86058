//! What opens a server. A key may be renewed while the program runs, so it is asked for with each request, and once more
//! when the server turns it down. It is printed nowhere.
use futures::future::BoxFuture;
use http::Secret;
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// There is no credential to be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no key: {0}")]
pub struct NoCredential(pub String);

/// Gives out the key of a server.
pub trait Credentials: Send + Sync {
    /// Returns the key for the next request; `None` where none is needed. `turned_down` is a key that the server has just
    /// refused: then a newer one is looked for, and the same one is returned when there is none.
    ///
    /// # Errors
    /// When a key is needed and cannot be had.
    fn key<'a>(
        &'a self,
        turned_down: Option<&'a Secret>,
    ) -> BoxFuture<'a, Result<Option<Secret>, NoCredential>>;
}

/// A key that stays what it is, or none.
#[derive(Debug, Clone)]
pub struct Fixed(pub Option<Secret>);

impl Credentials for Fixed {
    fn key<'a>(&'a self, _: Option<&'a Secret>) -> BoxFuture<'a, Result<Option<Secret>, NoCredential>> {
        Box::pin(async { Ok(self.0.clone()) })
    }
}

/// A key in a file that somebody else renews. It is read when it is first needed and when the server turns it down.
#[derive(Debug)]
pub struct KeyFile {
    path: PathBuf,
    read: Mutex<Option<Secret>>,
}

impl KeyFile {
    /// The key in this file.
    pub fn new(path: PathBuf) -> KeyFile {
        KeyFile { path, read: Mutex::default() }
    }
}

/// Longer than any key.
const KEY_BYTES_MAX: u64 = 64 << 10;

/// What is in a plain file. A pipe is not opened: it gives what it has once, and may never give anything.
fn read(path: &Path) -> io::Result<String> {
    let about = fs::metadata(path)?;
    if !about.is_file() || about.len() > KEY_BYTES_MAX {
        return Err(io::Error::other(format!("it is no plain file of at most {KEY_BYTES_MAX} bytes")));
    }
    fs::read_to_string(path)
}

impl Credentials for KeyFile {
    fn key<'a>(
        &'a self,
        turned_down: Option<&'a Secret>,
    ) -> BoxFuture<'a, Result<Option<Secret>, NoCredential>> {
        Box::pin(async move {
            let known = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if known.is_some() && known.as_ref() != turned_down {
                return Ok(known);
            }
            let (path, file) = (self.path.display(), self.path.clone());
            let text = tokio::task::spawn_blocking(move || read(&file)).await;
            let text = text.map_err(|ended| NoCredential(format!("{path} was not read: {ended}")))?;
            let text = text.map_err(|error| NoCredential(format!("{path} cannot be read: {error}")))?;
            let key = Secret::new(text).ok_or_else(|| NoCredential(format!("{path} is blank")))?;
            *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(key.clone());
            Ok(Some(key))
        })
    }
}
