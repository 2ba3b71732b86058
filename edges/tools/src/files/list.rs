//! `file_list`: what is in a directory.
use super::with_near_names;
use crate::{Context, Failure, Halt, output, tool};
use policy::paths::{Entry, Kind, Mount};
use policy::{VirtualPath, Workspace};

/// Lists a directory, by name: one name a line, a slash behind a directory, and behind a tab the size of a file. At
/// most 16 KiB are shown; a last line in brackets says what is left out.
#[tool(tier = read_only, recovery = pure, timeout = 10s)]
pub(crate) async fn file_list(
    context: &Context,
    /// The directory: `/shared/…`, `/tmp/…`, or relative to `/shared`. Without it, `/shared`.
    path: Option<String>,
    /// The first name to show, counted from 1.
    offset: Option<u64>,
) -> Result<String, Failure> {
    let work = move |workspace: &Workspace, _: &Halt| {
        let path =
            path.map_or_else(|| Ok(VirtualPath::root(Mount::Shared)), |path| VirtualPath::parse(&path))?;
        list(workspace, &path, offset.unwrap_or(1).max(1))
    };
    context.blocking(work).await
}

fn list(workspace: &Workspace, path: &VirtualPath, first: u64) -> Result<String, Failure> {
    if matches!(workspace.kind(path), Ok(Kind::File)) {
        return Err(Failure::told(format!("`{path}` is a file: file_read shows what is in it")));
    }
    let listing = workspace.list(path).map_err(|error| with_near_names(workspace, path, error))?;
    let (names, more) = (listing.entries.len(), if listing.is_cut { "more than " } else { "" });
    if names == 0 {
        return Ok("[the directory is empty]".to_owned());
    }
    let skipped = usize::try_from(first - 1).unwrap_or(usize::MAX);
    if skipped >= names {
        return Err(Failure::told(format!("`{path}` has only {more}{names} names")));
    }
    let mut text = String::new();
    let mut shown_to = skipped;
    for entry in &listing.entries[skipped..] {
        let line = line(entry);
        if text.len() + line.len() > output::SHOWN_BYTES_MAX {
            break;
        }
        text.push_str(&line);
        shown_to += 1;
    }
    let range = format!("names {first}-{shown_to} of {more}{names}");
    if shown_to < names {
        return Ok(output::noted(&text, &format!("{range}; go on with offset = {}", shown_to + 1)));
    }
    let is_all = first == 1 && !listing.is_cut;
    if is_all { Ok(text) } else { Ok(output::noted(&text, &range)) }
}

fn line(entry: &Entry) -> String {
    let name = &entry.name;
    match entry.kind {
        Kind::File => format!("{name}\t{}\n", output::size(entry.bytes)),
        Kind::Directory => format!("{name}/\n"),
        Kind::Symlink => format!("{name}\ta symlink\n"),
        Kind::Other(what) => format!("{name}\t{what}\n"),
    }
}
