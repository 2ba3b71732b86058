//! The house from the street: what may stand at the root, and that a folder is called like its package.
use super::{Finding, house::House};
use std::{collections::BTreeSet, fs};

/// What may stand at the root: the shelves, and ordinary files.
const ROOT: &[&str] = &[
    "Cargo.toml",
    "engine",
    "graphs",
    "vmm",
    "edges",
    "storage",
    "term",
    "xtask",
    "tests",
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "DECISIONS.md",
    "LICENSE",
    "Cargo.lock",
    "clippy.toml",
    "deny.toml",
    "rust-toolchain.toml",
    "rustfmt.toml",
    ".cargo",
    ".ci",
    ".git",
    ".gitignore",
    // Made by running, never committed.
    "target",
    ".oxydra",
];

/// Checks the root and the names of folders.
pub(super) fn check(house: &House) -> Vec<Finding> {
    let entries = fs::read_dir(&house.root).into_iter().flatten().flatten();
    let mut findings = strangers(entries.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    for package in &house.packages {
        let folder = package.path.rsplit('/').next().unwrap_or_default();
        if folder != package.name {
            let rule = format!("package `{}` lies in the folder `{folder}`", package.name);
            findings.push(Finding::new(format!("{}/Cargo.toml", package.path), rule, "give both one name"));
        }
    }
    findings
}

fn strangers(names: impl Iterator<Item = String>) -> Vec<Finding> {
    let strangers: BTreeSet<_> = names.filter(|name| !ROOT.contains(&name.as_str())).collect();
    let remedy = "put it on a shelf, or say in DESIGN's words why it is a new one (xtask/src/tidy/layout.rs)";
    strangers.into_iter().map(|name| Finding::new(name, "it does not belong at the root", remedy)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shelves_and_ordinary_files_stand_at_the_root() {
        let found = strangers(["engine", "scratch.py", "README.md", "utils"].map(str::to_owned).into_iter());
        let files: Vec<_> = found.iter().map(|finding| finding.file.as_str()).collect();
        assert_eq!(files, ["scratch.py", "utils"]);
    }
}
