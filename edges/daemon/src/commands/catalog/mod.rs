//! `oxydra catalog`: look models up, make another catalog, check the one in use. Only `fetch` writes, and only when an
//! operator says so.
mod show;
mod source;

use super::print;
use crate::{
    args::{CatalogCommand, Doing},
    exit::{Exit, Failure},
    known,
    trust::Trust,
};
use catalog::Catalog;
use config::{Sources, plain_text};
use serde_json::json;
use std::{
    borrow::Cow,
    fs, io,
    path::{Path, PathBuf},
};

pub(crate) fn catalog(of: &CatalogCommand) -> Result<Exit, Failure> {
    match &of.doing {
        Doing::Show { name } => show::show(of, name.as_deref()),
        Doing::Fetch { is_pinned, source, output } => {
            fetch(of, *is_pinned, source.as_deref(), output.as_ref())
        }
        Doing::Verify { source } => verify(of, source.as_deref()),
    }
}

/// The catalog that a run would use.
fn in_use(of: &CatalogCommand) -> Result<Cow<'static, Catalog>, Failure> {
    let trust = Trust::of(&of.home, &Sources::usual(&of.home, std::env::vars_os()));
    known::catalog_of(&of.home, &trust).map_err(Failure::configuration)
}

fn fetch(
    of: &CatalogCommand,
    is_pinned: bool,
    from: Option<&str>,
    output: Option<&PathBuf>,
) -> Result<Exit, Failure> {
    let (name, found) = source::read(of, from)?;
    let made = if is_pinned { found.chosen() } else { found };
    if made.is_empty() {
        return Err(Failure::usage(format!("{name} lists no model: nothing is written")));
    }
    let path = output.cloned().unwrap_or_else(|| of.home.join(known::FILE));
    let before = plain_text(&path, known::CATALOG_BYTES_MAX as u64)
        .ok()
        .and_then(|text| Catalog::from_text(&text).ok());
    let text = made.to_text();
    write(&path, &text)
        .map_err(|error| Failure::other(format!("cannot write {}: {error}", path.display())))?;
    let differences = before.map(|before| before.differences(&made));
    let changed =
        differences.map_or(String::new(), |changes| format!(", {} of them new or changed", changes.len()));
    let version = made.version();
    if of.json {
        return print(&format!(
            "{}\n",
            json!({"version": version, "models": made.len(), "file": path, "source": name})
        ));
    }
    print(&format!("{}: catalog {version} with {} models of {name}{changed}\n", path.display(), made.len()))
}

/// Writes a file whole, or leaves the old one.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::create_dir_all(directory)?;
    }
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = fs::write(&draft, text)
        .and_then(|()| fs::File::open(&draft)?.sync_all())
        .and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // The draft helps nobody; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&draft);
    }
    written
}

fn verify(of: &CatalogCommand, from: Option<&str>) -> Result<Exit, Failure> {
    let ours = in_use(of)?;
    let Some(from) = from else {
        let whole = format!("catalog {} is whole: {} models\n", ours.version(), ours.len());
        let as_json = json!({"version": ours.version(), "models": ours.len(), "differences": []});
        return print(&if of.json { format!("{as_json}\n") } else { whole });
    };
    let (name, theirs) = source::read(of, Some(from))?;
    // The program's own holds a choice: it is compared with the same choice.
    let theirs = if *ours == ours.chosen() { theirs.chosen() } else { theirs };
    let differences: Vec<_> = ours.differences(&theirs).iter().map(ToString::to_string).collect();
    let exit = if differences.is_empty() { Exit::Answered } else { Exit::Failed };
    if of.json {
        let found = json!({"version": ours.version(), "source": name, "theirs": theirs.version(), "differences": differences});
        print(&format!("{found}\n"))?;
    } else if differences.is_empty() {
        print(&format!("catalog {} says what {name} says\n", ours.version()))?;
    } else {
        let lines: String = differences.iter().map(|line| format!("{line}\n")).collect();
        print(&format!(
            "{lines}catalog {} differs from {name} in {} models; `oxydra catalog fetch` makes a new one\n",
            ours.version(),
            differences.len()
        ))?;
    }
    Ok(exit)
}
