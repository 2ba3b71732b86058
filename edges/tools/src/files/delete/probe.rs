//! Whether a deletion happened: by what was there before it. It only looks.
use crate::files::doubt;
use crate::{Evidence, Failure, Found, Halt, Look};
use policy::paths::{ABSENT, Kind};
use policy::{FileError, VirtualPath, Workspace};

/// Seen where the path is refused; the deletion then fails.
const NO_PATH: &str = "no path that can be deleted";

pub(super) async fn evidence(
    look: &Look,
    path: String,
    recursive: Option<bool>,
) -> Result<Evidence, Failure> {
    let work = move |workspace: &Workspace, halt: &Halt| {
        let before = seen(workspace, &path, halt)?;
        if before.as_deref() == Some(NO_PATH) {
            return Ok(Evidence { before, after: None });
        }
        let goes = |path: VirtualPath| match workspace.kind_of_link(&path) {
            Ok(Kind::Directory) => recursive.unwrap_or(false),
            Ok(Kind::File | Kind::Symlink | Kind::Other(_)) => true,
            Err(_) => false,
        };
        let goes = VirtualPath::parse(&path).is_ok_and(goes);
        Ok(Evidence { before, after: goes.then(|| ABSENT.to_owned()) })
    };
    look.blocking(work).await
}

pub(super) async fn probe(
    look: &Look,
    before: &Evidence,
    path: String,
    _recursive: Option<bool>,
) -> Result<Found, Failure> {
    let before = before.clone();
    let work = move |workspace: &Workspace, halt: &Halt| {
        let Some(now) = seen(workspace, &path, halt)? else { return Ok(Found::Unknown) };
        let shown = VirtualPath::parse(&path).map_or(path, |path| path.to_string());
        Ok(doubt::settle(&before, &now, format!("deleted `{shown}`")))
    };
    look.blocking(work).await
}

/// What is there; `None` when it is too much to look at.
fn seen(workspace: &Workspace, path: &str, halt: &Halt) -> Result<Option<String>, FileError> {
    let looked = VirtualPath::parse(path).and_then(|path| workspace.fingerprint(&path, &|| halt.proceed()));
    match looked {
        Err(FileError::Refused { .. }) => Ok(Some(NO_PATH.to_owned())),
        looked => looked,
    }
}
