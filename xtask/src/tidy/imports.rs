//! The import table against the manifests: an import without a row fails, and so does a row without an import.
use super::{
    Finding,
    house::Package,
    table::{ABSENT, CONFINED, Confined, IMPORTS, Import, LEVELS, TEST_IMPORTS},
};

const TABLE: &str = "xtask/src/tidy/table.rs";

/// The rules, so that tests can have their own.
struct Rules<'a> {
    levels: &'a [(&'a str, u8)],
    imports: &'a [Import],
    test_imports: &'a [Import],
    confined: &'a [Confined],
    absent: &'a [Confined],
}

/// Checks the packages against the table.
pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    let rules = Rules {
        levels: LEVELS,
        imports: IMPORTS,
        test_imports: TEST_IMPORTS,
        confined: CONFINED,
        absent: ABSENT,
    };
    rules.check(packages)
}

impl Rules<'_> {
    fn check(&self, packages: &[Package]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for package in packages {
            findings.extend(self.unlisted(package, packages));
            findings.extend(self.misplaced(package));
        }
        findings.extend(self.stale(packages));
        findings.extend(self.upward());
        findings
    }

    /// Imports without a row, and packages without a level.
    fn unlisted(&self, package: &Package, packages: &[Package]) -> Vec<Finding> {
        let ours = |name: &&String| packages.iter().any(|package| package.name == **name);
        let has_row = |rows: &[Import], to: &str| rows.iter().any(|row| row.0 == package.name && row.1 == to);
        let manifest = format!("{}/Cargo.toml", package.path);
        let mut findings = Vec::new();
        if self.level(&package.name).is_none() {
            let rule = format!("package `{}` has no level", package.name);
            findings.push(Finding::new(TABLE, rule, "add it to LEVELS"));
        }
        for to in package.uses.iter().filter(ours).filter(|to| !has_row(self.imports, to)) {
            let rule = format!("`{}` may not import `{to}`", package.name);
            findings.push(Finding::new(
                &manifest,
                rule,
                format!("go through a port, or add a row with a reason to {TABLE}"),
            ));
        }
        let test_only = |to: &&String| !has_row(self.imports, to) && !has_row(self.test_imports, to);
        for to in package.tested_with.iter().filter(ours).filter(test_only) {
            let rule = format!("tests of `{}` may not import `{to}`", package.name);
            findings.push(Finding::new(
                &manifest,
                rule,
                format!("add a row with a reason to TEST_IMPORTS in {TABLE}"),
            ));
        }
        findings
    }

    /// Crates where they must not be.
    fn misplaced(&self, package: &Package) -> Vec<Finding> {
        let manifest = format!("{}/Cargo.toml", package.path);
        let confined =
            self.confined.iter().filter(|(_, allowed, _)| !allowed.contains(&package.name.as_str()));
        let confined = confined.map(|(name, _, why)| (*name, *why));
        let absent = self.absent.iter().filter(|(of, ..)| *of == package.name);
        let absent = absent.flat_map(|(_, crates, why)| crates.iter().map(move |name| (*name, *why)));
        let misplaced =
            confined.chain(absent).filter(|(name, _)| package.uses.iter().any(|used| used == name));
        let finding =
            |(name, why)| Finding::new(&manifest, format!("`{}` may not use `{name}`", package.name), why);
        misplaced.map(finding).collect()
    }

    /// Rows without an import, and levels without a package.
    fn stale(&self, packages: &[Package]) -> Vec<Finding> {
        let find = |name: &str| packages.iter().find(|package| package.name == name);
        let imports = self
            .imports
            .iter()
            .map(|row| (row, find(row.0).is_some_and(|from| from.uses.iter().any(|to| to == row.1))));
        let tests = self.test_imports.iter();
        let tests = tests
            .map(|row| (row, find(row.0).is_some_and(|from| from.tested_with.iter().any(|to| to == row.1))));
        let rows = imports.chain(tests).filter(|(_, used)| !used).map(|((from, to, _), _)| {
            Finding::new(TABLE, format!("no manifest has the import `{from}` -> `{to}`"), "remove the row")
        });
        let levels = self.levels.iter().filter(|(name, _)| find(name).is_none());
        let levels = levels.map(|(name, _)| {
            Finding::new(TABLE, format!("there is no package `{name}`"), "remove it from LEVELS")
        });
        rows.chain(levels).collect()
    }

    /// Rows that do not point down.
    fn upward(&self) -> Vec<Finding> {
        let rows = self.imports.iter().filter(|(from, to, _)| match (self.level(from), self.level(to)) {
            (Some(from), Some(to)) => from <= to,
            // A missing level is a finding of its own.
            (None, _) | (_, None) => false,
        });
        let finding = |(from, to, _): &Import| {
            let rule = format!("the import `{from}` -> `{to}` does not point down");
            Finding::new(TABLE, rule, "move what both need to a package below them")
        };
        rows.map(finding).collect()
    }

    fn level(&self, name: &str) -> Option<u8> {
        self.levels.iter().find(|(known, _)| *known == name).map(|(_, level)| *level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules<'static> = Rules {
        levels: &[("low", 0), ("high", 1)],
        imports: &[("high", "low", "why not")],
        test_imports: &[],
        confined: &[("codec", &["low"], "only low")],
        absent: &[("low", &["sockets"], "no I/O")],
    };

    fn package(name: &str, uses: &[&str], tested_with: &[&str]) -> Package {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Package {
            path: name.to_owned(),
            name: name.to_owned(),
            uses: owned(uses),
            tested_with: owned(tested_with),
        }
    }
    fn check(packages: &[Package]) -> Vec<String> {
        RULES.check(packages).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_house_as_the_table_says_is_in_order() {
        let low = package("low", &["codec", "anything"], &["sockets"]);
        assert_eq!(check(&[low, package("high", &["low"], &["low"])]), [""; 0]);
    }

    #[test]
    fn an_import_without_a_row_and_a_row_without_an_import_are_found() {
        let found = check(&[package("low", &["high"], &["high"]), package("high", &[], &[])]);
        assert_eq!(
            found,
            [
                "low/Cargo.toml: `low` may not import `high`; go through a port, or add a row with a reason to xtask/src/tidy/table.rs",
                "low/Cargo.toml: tests of `low` may not import `high`; add a row with a reason to TEST_IMPORTS in xtask/src/tidy/table.rs",
                "xtask/src/tidy/table.rs: no manifest has the import `high` -> `low`; remove the row",
            ]
        );
    }

    #[test]
    fn a_crate_in_the_wrong_place_is_found() {
        let found = check(&[package("low", &["sockets"], &[]), package("high", &["low", "codec"], &[])]);
        assert_eq!(
            found,
            [
                "low/Cargo.toml: `low` may not use `sockets`; no I/O",
                "high/Cargo.toml: `high` may not use `codec`; only low"
            ]
        );
    }

    #[test]
    fn a_package_without_a_level_and_a_level_without_a_package_are_found() {
        let found = check(&[package("low", &[], &[]), package("new", &[], &[])]);
        assert!(
            found.contains(
                &"xtask/src/tidy/table.rs: package `new` has no level; add it to LEVELS".to_owned()
            )
        );
        assert!(found.contains(
            &"xtask/src/tidy/table.rs: there is no package `high`; remove it from LEVELS".to_owned()
        ));
    }

    #[test]
    fn imports_point_down() {
        let rules = Rules { imports: &[("low", "high", "oh no")], ..RULES };
        let found = rules.check(&[package("low", &["high"], &[]), package("high", &[], &[])]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].rule, "the import `low` -> `high` does not point down");
    }

    #[test]
    fn the_real_table_points_down_and_gives_reasons() {
        let rules = Rules { levels: LEVELS, imports: IMPORTS, test_imports: &[], confined: &[], absent: &[] };
        assert_eq!(rules.upward(), []);
        assert!(IMPORTS.iter().chain(TEST_IMPORTS).all(|(_, _, why)| !why.is_empty()));
    }
}
