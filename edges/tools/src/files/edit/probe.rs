//! Whether an edit happened: by the text of the file before it, and the text that it makes. It only looks.
use super::{EDITED_BYTES_MAX, Edit};
use crate::files::{doubt, open, text_of};
use crate::{Evidence, Failure, Found, Halt, Look};
use policy::paths::{ABSENT, fingerprint_of};
use policy::{FileError, VirtualPath, Workspace};

/// Seen where no text can be edited; the edit then fails.
const NO_TEXT: &str = "no text that can be edited";

pub(super) async fn evidence(
    look: &Look,
    path: String,
    old: String,
    new: String,
    replace_all: Option<bool>,
) -> Result<Evidence, Failure> {
    let work = move |workspace: &Workspace, _: &Halt| {
        Ok(match text_at(workspace, &path) {
            Ok((path, text)) => {
                let edited = Edit::new(old, new, replace_all).and_then(|edit| edit.edited(&text, &path));
                let after = edited.ok().map(|edited| fingerprint_of(edited.text.as_bytes()));
                Evidence { before: Some(fingerprint_of(text.as_bytes())), after }
            }
            Err(instead) => Evidence { before: Some(instead.to_owned()), after: None },
        })
    };
    look.blocking(work).await
}

pub(super) async fn probe(
    look: &Look,
    before: &Evidence,
    path: String,
    _old: String,
    _new: String,
    _replace_all: Option<bool>,
) -> Result<Found, Failure> {
    let before = before.clone();
    let work = move |workspace: &Workspace, _: &Halt| {
        let (now, said) = match text_at(workspace, &path) {
            Ok((path, text)) => (fingerprint_of(text.as_bytes()), format!("edited `{path}`")),
            Err(instead) => (instead.to_owned(), String::new()),
        };
        Ok(doubt::settle(&before, &now, said))
    };
    look.blocking(work).await
}

/// The text at a path, or what is there instead.
fn text_at(workspace: &Workspace, path: &str) -> Result<(VirtualPath, String), &'static str> {
    let path = VirtualPath::parse(path).map_err(|_| NO_TEXT)?;
    let is_absent = || matches!(workspace.kind(&path), Err(FileError::Missing { .. }));
    let mut file = open(workspace, &path).map_err(|_| if is_absent() { ABSENT } else { NO_TEXT })?;
    let text = text_of(&mut file, &path, EDITED_BYTES_MAX).map_err(|_| NO_TEXT)?;
    Ok((path, text))
}
