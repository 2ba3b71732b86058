//! `cargo xtask draw`: asks the program for a picture of each graph, prints it, and writes it where the sources show one.
//! It draws nothing itself, so that a picture cannot say what the graph does not.
use crate::{Fallible, cargo};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// Prints and writes every picture; with `--check`, only says which are stale.
pub(crate) fn draw(arguments: Vec<OsString>) -> Fallible<ExitCode> {
    match arguments.as_slice() {
        [] => write().map(|()| ExitCode::SUCCESS),
        [flag] if flag == "--check" => check().map(|()| ExitCode::SUCCESS),
        _ => Err("draw takes nothing or `--check`".to_owned()),
    }
}

fn write() -> Fallible<()> {
    for picture in pictures()? {
        println!("graph {}\n\n{}", picture.graph, picture.mermaid);
        for file in files(&picture.graph)? {
            let text = read(&file)?;
            let drawn = redrawn(&text, &picture, &file)?;
            if drawn != text {
                fs::write(&file, drawn)
                    .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
                println!("wrote {}\n", shown(&file));
            }
        }
    }
    Ok(())
}

/// Says which pictures are stale.
pub(crate) fn check() -> Fallible<()> {
    let mut stale = Vec::new();
    for picture in pictures()? {
        for file in files(&picture.graph)? {
            let text = read(&file)?;
            if redrawn(&text, &picture, &file)? != text {
                stale.push(format!(
                    "{}: the picture of `{}` is stale; run `cargo xtask draw`",
                    shown(&file),
                    picture.graph
                ));
            }
        }
    }
    if stale.is_empty() { Ok(()) } else { Err(stale.join("\n")) }
}

struct Picture {
    graph: String,
    mermaid: String,
}

fn pictures() -> Fallible<Vec<Picture>> {
    let program = cargo::build_program()?;
    let list = cargo::output(Command::new(&program).args(["graph", "list", "--json"]))?;
    let names = names(&list);
    if names.is_empty() {
        return Err(format!("`oxydra graph list --json` names no graph: {list}"));
    }
    let draw = |graph: String| {
        let asked = ["graph", "draw", graph.as_str(), "--format", "mermaid"];
        let mermaid = cargo::output(Command::new(&program).args(asked))?;
        Ok(Picture { mermaid: mermaid.trim_end().to_owned(), graph })
    };
    names.into_iter().map(draw).collect()
}

/// The values of `"name"` in a list of graphs. Names of graphs are Rust names: nothing in them needs unescaping.
fn names(json: &str) -> Vec<String> {
    let values = json.split("\"name\"").skip(1).filter_map(|rest| {
        let value = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        value.split_once('"').map(|(name, _)| name.to_owned())
    });
    values.collect()
}

/// Where a graph is shown: at the head of its package, and in what the root says about the house.
fn files(graph: &str) -> Fallible<Vec<PathBuf>> {
    let root = cargo::root();
    let head = root.join("graphs").join(folder(graph)).join("src/lib.rs");
    if !head.is_file() {
        return Err(format!("graph `{graph}` belongs into {}, which is not there", shown(&head)));
    }
    let pages = ["README.md", "ARCHITECTURE.md"].map(|page| root.join(page));
    let mut files = vec![head];
    for page in pages.into_iter().filter(|page| page.is_file()) {
        if read(&page)?.contains(&marker(graph)) {
            files.push(page);
        }
    }
    Ok(files)
}

/// The folder of a graph: `TurnReview` lies in `turn-review`.
fn folder(graph: &str) -> String {
    let mut folder = String::new();
    for c in graph.chars() {
        if c.is_ascii_uppercase() && !folder.is_empty() {
            folder.push('-');
        }
        folder.push(c.to_ascii_lowercase());
    }
    folder
}

/// What stands above a picture on a page; in sources, a picture is the first one of the module's head.
fn marker(graph: &str) -> String {
    format!("<!-- graph {} -->", graph.to_lowercase())
}

/// The text with the picture in its place.
fn redrawn(text: &str, picture: &Picture, file: &Path) -> Fallible<String> {
    let in_source = file.extension().is_some_and(|extension| extension == "rs");
    let (from, prefix) = if in_source {
        (0, "//! ")
    } else {
        let marker = marker(&picture.graph);
        (text.find(&marker).map(|at| at + marker.len()).unwrap_or(text.len()), "")
    };
    replaced(text, from, prefix, &picture.mermaid).ok_or_else(|| {
        format!(
            "{}: no picture to write `{}` into; put `{prefix}```mermaid` and `{prefix}```` there",
            shown(file),
            picture.graph
        )
    })
}

/// Replaces what is between the fences of the first Mermaid block from an offset on.
fn replaced(text: &str, from: usize, prefix: &str, mermaid: &str) -> Option<String> {
    let open = format!("{prefix}```mermaid\n");
    let close = format!("{prefix}```\n");
    let start = from + text[from..].find(&open)? + open.len();
    // The fence may close at once; else it closes at the beginning of a later line.
    let end = if text[start..].starts_with(&close) {
        start
    } else {
        start + text[start..].find(&format!("\n{close}"))? + 1
    };
    let lines: String =
        mermaid.lines().map(|line| format!("{}\n", format!("{prefix}{line}").trim_end())).collect();
    Some(format!("{}{lines}{}", &text[..start], &text[end..]))
}

fn read(file: &Path) -> Fallible<String> {
    fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}

fn shown(file: &Path) -> String {
    file.strip_prefix(cargo::root()).unwrap_or(file).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_replaces_what_stood_between_its_fences() {
        let source = "//! A turn.\n//!\n//! ```mermaid\n//! old\n//! older\n//! ```\n//!\n//! ```text\n//! kept\n//! ```\nmod a;\n";
        let drawn = replaced(source, 0, "//! ", "stateDiagram-v2\n\n    A --> B").expect("there is a block");
        assert_eq!(
            drawn,
            "//! A turn.\n//!\n//! ```mermaid\n//! stateDiagram-v2\n//!\n//!     A --> B\n//! ```\n//!\n//! ```text\n//! kept\n//! ```\nmod a;\n"
        );
        assert_eq!(
            replaced(&drawn, 0, "//! ", "stateDiagram-v2\n\n    A --> B").as_deref(),
            Some(drawn.as_str())
        );
    }

    #[test]
    fn an_empty_block_is_filled_and_a_missing_one_is_not_made() {
        assert_eq!(replaced("```mermaid\n```\n", 0, "", "A").as_deref(), Some("```mermaid\nA\n```\n"));
        assert_eq!(replaced("//! A turn.\n", 0, "//! ", "A"), None);
        assert_eq!(replaced("//! ```mermaid\n//! never closed\n", 0, "//! ", "A"), None);
    }

    #[test]
    fn a_page_shows_the_picture_below_its_marker() {
        let page = "```mermaid\nother\n```\n<!-- graph turn -->\n```mermaid\nold\n```\n";
        let picture = Picture { graph: "Turn".into(), mermaid: "new".into() };
        let drawn = redrawn(page, &picture, Path::new("README.md")).expect("there is a block");
        assert_eq!(drawn, "```mermaid\nother\n```\n<!-- graph turn -->\n```mermaid\nnew\n```\n");
        let elsewhere = Picture { graph: "Night".into(), mermaid: "new".into() };
        assert!(redrawn(page, &elsewhere, Path::new("README.md")).is_err());
    }

    #[test]
    fn graphs_are_found_by_name() {
        assert_eq!(names(r#"[{"name": "Turn", "version":1},{"name":"Schedule"}]"#), ["Turn", "Schedule"]);
        assert_eq!(names("[]"), [""; 0]);
        assert_eq!([folder("Turn"), folder("TurnReview"), folder("turn")], ["turn", "turn-review", "turn"]);
    }
}
