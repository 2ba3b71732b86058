//! `file_delete`: a file, or a directory when that is said. Symlinks go, what they lead to stays.
mod probe;

use super::with_near_names;
use crate::{Context, Failure, Halt, tool};
use policy::paths::Kind;
use policy::{VirtualPath, Workspace};

/// Deletes a file, or a directory with everything in it.
#[tool(tier = workspace, recovery = probeable, probe = probe, timeout = 15s)]
pub(crate) async fn file_delete(
    context: &Context,
    /// The file or directory: `/shared/…`, `/tmp/…`, or relative to `/shared`.
    path: String,
    /// Must be true to delete a directory.
    recursive: Option<bool>,
) -> Result<String, Failure> {
    let work = move |workspace: &Workspace, halt: &Halt| {
        let path = VirtualPath::parse(&path)?;
        let deleted = if recursive.unwrap_or(false) {
            workspace.remove_tree(&path, &|| halt.proceed())
        } else {
            refuse_directory(workspace, &path)?;
            workspace.remove(&path).map(|()| 1)
        };
        match deleted {
            Ok(1) => Ok(format!("deleted `{path}`")),
            Ok(many) => Ok(format!("deleted `{path}` and {} names below it", many - 1)),
            Err(error) => Err(with_near_names(workspace, &path, error)),
        }
    };
    context.blocking(work).await
}

/// Says how many names would go, instead of deleting them by mistake.
fn refuse_directory(workspace: &Workspace, path: &VirtualPath) -> Result<(), Failure> {
    let is_directory = matches!(workspace.kind_of_link(path), Ok(Kind::Directory));
    let is_root = path.split().is_none();
    // The root cannot be deleted at all, which is for the deletion to say.
    if !is_directory || is_root {
        return Ok(());
    }
    let names = workspace.list(path)?.entries.len();
    Err(Failure::told(format!(
        "`{path}` is a directory with {names} names in it; set `recursive` to delete it with all of them"
    )))
}
