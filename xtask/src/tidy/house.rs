//! The workspace as its manifests say it is. Reads, judges nothing.
use crate::{Fallible, cargo};
use std::{fs, path::PathBuf};
use toml::{Table, Value};

/// The workspace.
pub(super) struct House {
    pub(super) root: PathBuf,
    pub(super) packages: Vec<Package>,
}

/// A package.
#[derive(Debug, Clone)]
pub(super) struct Package {
    /// Where it is, from the root: `graphs/turn`.
    pub(super) path: String,
    pub(super) name: String,
    /// What it is built from.
    pub(super) uses: Vec<String>,
    /// What its tests are built from besides.
    pub(super) tested_with: Vec<String>,
}

impl House {
    /// Reads the manifests.
    pub(super) fn read() -> Fallible<House> {
        let root = cargo::root();
        let manifest = table(&root.join("Cargo.toml"))?;
        let members = manifest
            .get("workspace")
            .and_then(|workspace| workspace.get("members"))
            .and_then(Value::as_array);
        let members = members.ok_or("Cargo.toml lists no members")?;
        let package = |member: &Value| {
            let path = member.as_str().ok_or("a member of Cargo.toml is not text")?;
            Package::new(path, &table(&root.join(path).join("Cargo.toml"))?)
        };
        let packages = members.iter().map(package).collect::<Fallible<_>>()?;
        Ok(House { root, packages })
    }
}

impl Package {
    /// Reads one manifest.
    pub(super) fn new(path: &str, manifest: &Table) -> Fallible<Package> {
        let name = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
        let name = name.ok_or_else(|| format!("{path}/Cargo.toml names no package"))?;
        let mut package = Package {
            path: path.to_owned(),
            name: name.to_owned(),
            uses: Vec::new(),
            tested_with: Vec::new(),
        };
        package.take(manifest);
        let targets = manifest.get("target").and_then(Value::as_table);
        for target in targets.into_iter().flat_map(|targets| targets.values()).filter_map(Value::as_table) {
            package.take(target);
        }
        Ok(package)
    }

    fn take(&mut self, table: &Table) {
        let names = |kind: &str| {
            let dependencies = table.get(kind).and_then(Value::as_table).into_iter().flatten();
            dependencies.map(|(key, value)| renamed(value).unwrap_or(key).to_owned()).collect::<Vec<_>>()
        };
        self.uses.extend(names("dependencies"));
        self.uses.extend(names("build-dependencies"));
        self.tested_with.extend(names("dev-dependencies"));
    }
}

fn renamed(dependency: &Value) -> Option<&str> {
    dependency.get("package").and_then(Value::as_str)
}

fn table(path: &std::path::Path) -> Fallible<Table> {
    let text =
        fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    text.parse().map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_says_what_a_package_is_built_from() {
        let manifest = "[package]\nname = \"a\"\n[dependencies]\nb.workspace = true\nx = { package = \"c\", version = \"1\" }\n\
                        [build-dependencies]\nd = \"1\"\n[target.'cfg(unix)'.dependencies]\ne = \"1\"\n[dev-dependencies]\nf = \"1\"\n";
        let package =
            Package::new("shelf/a", &manifest.parse().expect("it is TOML")).expect("it is a package");
        assert_eq!(package.uses, ["b", "c", "d", "e"]);
        assert_eq!(package.tested_with, ["f"]);
        assert!(Package::new("a", &Table::new()).is_err());
    }
}
