//! ARCHITECTURE.md against the house: it names every package, and nothing that is not there.
use super::{Finding, house::House};
use crate::Fallible;
use std::{collections::BTreeSet, fs};

const MAP: &str = "ARCHITECTURE.md";
/// A map that is longer is not read.
const LINES_MAX: usize = 300;
/// The folders with packages in them. Longer names in backticks are paths only if they begin with one.
const SHELVES: [&str; 8] = ["engine/", "graphs/", "vmm/", "edges/", "storage/", "term/", "xtask/", "tests/"];

/// Checks the map.
pub(super) fn check(house: &House) -> Fallible<Vec<Finding>> {
    let text =
        fs::read_to_string(house.root.join(MAP)).map_err(|error| format!("cannot read {MAP}: {error}"))?;
    let paths: Vec<&str> = house.packages.iter().map(|package| package.path.as_str()).collect();
    Ok(judged(&text, &paths, |path| house.root.join(path).exists()))
}

fn judged(map: &str, packages: &[&str], exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let named = in_backticks(map);
    let missing = packages.iter().filter(|path| !named.contains(**path));
    let missing = missing.map(|path| {
        Finding::new(MAP, format!("it does not name the package `{path}`"), "say what it is for")
    });
    let is_path = |name: &&&str| {
        SHELVES.iter().any(|shelf| name.starts_with(shelf)) && !name.contains(['*', ' ', '<', '{'])
    };
    let gone = named.iter().filter(is_path).filter(|path| !exists(path));
    let gone = gone.map(|path| Finding::new(MAP, format!("`{path}` is not there"), "say what is"));
    let lines = map.lines().count();
    let long = (lines > LINES_MAX)
        .then(|| Finding::new(MAP, format!("it has {lines} lines"), format!("cut it below {LINES_MAX}")));
    missing.chain(gone).chain(long).collect()
}

/// Names in backticks, outside of fenced blocks.
fn in_backticks(text: &str) -> BTreeSet<&str> {
    let mut fenced = false;
    let mut names = BTreeSet::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            names.extend(line.split('`').skip(1).step_by(2).map(|name| name.trim_end_matches('/')));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(map: &str) -> Vec<String> {
        let exists = |path: &str| ["engine/durable", "engine/src/run.rs"].contains(&path);
        judged(map, &["engine", "engine/durable"], exists)
            .iter()
            .map(|finding| finding.rule.clone())
            .collect()
    }

    #[test]
    fn a_map_names_what_is_there_and_nothing_else() {
        assert_eq!(found("`engine` and `engine/durable/`: see `engine/src/run.rs`."), [""; 0]);
        assert_eq!(found("`engine`"), ["it does not name the package `engine/durable`"]);
        assert_eq!(found("`engine`, `engine/durable`, `vmm/microvm`"), ["`vmm/microvm` is not there"]);
        assert_eq!(found("`engine` `engine/durable` `graphs/*` `edges/<yours>`"), [""; 0]);
    }

    #[test]
    fn a_drawing_names_nothing_and_a_book_is_no_map() {
        assert_eq!(found("```\n`engine`\n```\n`engine/durable`"), ["it does not name the package `engine`"]);
        let book = format!("`engine` `engine/durable`{}", "\n.".repeat(LINES_MAX));
        assert_eq!(found(&book), ["it has 301 lines"]);
    }
}
