//! `shapes.lock`: what journals of each version hold, one line for each type. A section is added with its version and never
//! changed: who knows that no journal of it is out there may take it out by hand.
use std::{fmt, fs, io::ErrorKind, path::Path};

/// The first lines of the file.
const HEAD: &str = "\
# What the journals of this package hold, by version. Its tests check it; `UPDATE_SHAPES=1 cargo test` adds a new version.
# What stands here is not changed: journals of it may be anywhere.
";

/// A type and the hash of its shape.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Typed {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) shape: u64,
}

impl Typed {
    pub(super) fn new(kind: &str, name: &str, shape: u64) -> Typed {
        Typed { kind: kind.to_owned(), name: name.to_owned(), shape }
    }

    fn of_line(line: &str) -> Option<Typed> {
        let mut words = line.split_whitespace();
        let (kind, name, shape) = (words.next()?, words.next()?, words.next()?);
        let shape = u64::from_str_radix(shape, 16).ok()?;
        words.next().is_none().then(|| Typed::new(kind, name, shape))
    }
}

impl fmt::Display for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:016x}", self.kind, self.name, self.shape)
    }
}

/// What journals of one version hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    graph: String,
    version: u32,
    types: Vec<Typed>,
}

impl Section {
    pub(super) fn new(graph: &str, version: u32, types: impl Iterator<Item = Typed>) -> Section {
        let mut types: Vec<_> = types.collect();
        types.sort();
        types.dedup();
        Section { graph: graph.to_owned(), version, types }
    }
}

/// The file.
#[derive(Debug, Default)]
pub(super) struct Lock(Vec<Section>);

impl Lock {
    /// Reads the file; one that is not there is empty.
    pub(super) fn read(path: &Path) -> Lock {
        match fs::read_to_string(path) {
            Ok(text) => Lock::parse(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Lock::default(),
            Err(error) => panic!("cannot read {}: {error}", path.display()),
        }
    }

    fn parse(text: &str) -> Result<Lock, String> {
        let mut sections: Vec<Section> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let unread = || {
                format!("line {number} is neither `graph Name v1` nor `state Name 0123456789abcdef`: {line}")
            };
            let (line, inside) = (line.trim(), line.starts_with(' '));
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if inside {
                let section = sections.last_mut().ok_or_else(unread)?;
                section.types.push(Typed::of_line(line).ok_or_else(unread)?);
                continue;
            }
            let (graph, version) = line
                .strip_prefix("graph ")
                .and_then(|rest| rest.split_once(" v"))
                .and_then(|(graph, version)| Some((graph, version.parse().ok()?)))
                .ok_or_else(unread)?;
            sections.push(Section { graph: graph.to_owned(), version, types: Vec::new() });
        }
        sections.iter_mut().for_each(|section| section.types.sort());
        Ok(Lock(sections))
    }

    /// Writes the file, if it would say something else.
    pub(super) fn write(&self, path: &Path) {
        let text = self.to_string();
        if fs::read_to_string(path).ok().as_deref() != Some(&text) {
            fs::write(path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        }
    }

    /// The versions of a graph, oldest first.
    pub(super) fn versions(&self, graph: &str) -> Vec<u32> {
        let mut versions: Vec<_> = self.of(graph).map(|section| section.version).collect();
        versions.sort_unstable();
        versions
    }

    fn of<'a>(&'a self, graph: &'a str) -> impl Iterator<Item = &'a Section> {
        self.0.iter().filter(move |section| section.graph == graph)
    }

    /// Checks what a build writes now, and that it reads what older versions wrote.
    pub(super) fn check(
        &mut self,
        now: &Section,
        updates: bool,
        reads: &dyn Fn(&Typed) -> bool,
    ) -> Result<(), String> {
        let Section { graph, version, .. } = now;
        if let Some(newer) = self.versions(graph).into_iter().find(|known| known > version) {
            return Err(format!(
                "`{graph}` is v{version} here and v{newer} is known: a version does not go back"
            ));
        }
        let known = self.of(graph).find(|section| section.version == *version).cloned();
        match known {
            Some(known) => same(&known, now)?,
            None if updates => self.0.push(now.clone()),
            None => {
                return Err(format!(
                    "`{graph}` v{version} is not in it yet: run `UPDATE_SHAPES=1 cargo test`"
                ));
            }
        }
        self.of(graph)
            .filter(|section| section.version < *version)
            .try_for_each(|older| readable(older, reads))
    }
}

/// Journals of one version hold the same, whoever wrote them.
fn same(known: &Section, now: &Section) -> Result<(), String> {
    let (graph, version, next) = (&now.graph, now.version, now.version + 1);
    let lost = known.types.iter().filter(|it| !now.types.contains(it)).map(|it| format!("\n  - {it}"));
    let new = now.types.iter().filter(|it| !known.types.contains(it)).map(|it| format!("\n  + {it}"));
    let changes: String = lost.chain(new).collect();
    if changes.is_empty() {
        return Ok(());
    }
    Err(format!(
        "journals of `{graph}` v{version} would hold something else than they did:{changes}\n\
         Write `v{next}` into its table; keep each type that has changed as `v{version}::Name` and say what became of it, \
         with `was v{version}::Name => Name;` and `impl From<v{version}::Name> for Name`; then run \
         `UPDATE_SHAPES=1 cargo test`. If no journal of v{version} is out there, take its section out instead."
    ))
}

/// What an older version wrote is read.
fn readable(older: &Section, reads: &dyn Fn(&Typed) -> bool) -> Result<(), String> {
    let Section { graph, version, types } = older;
    match types.iter().find(|it| !reads(it)) {
        None => Ok(()),
        Some(it) => Err(format!(
            "journals of `{graph}` v{version} hold `{it}`, which this build cannot read: keep it as `v{version}::{name}` \
             and add `was v{version}::{name} => ..;`; or take v{version} out, and its journals are refused",
            name = it.name,
        )),
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        for Section { graph, version, types } in &self.0 {
            writeln!(f, "\ngraph {graph} v{version}")?;
            types.iter().try_for_each(|it| writeln!(f, "  {it}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn section(version: u32, types: &[(&str, u64)]) -> Section {
        Section::new("Nap", version, types.iter().map(|(name, shape)| Typed::new("state", name, *shape)))
    }

    const V1: &[(&str, u64)] = &[("Asleep", 1), ("Awake", 2)];
    const V2: &[(&str, u64)] = &[("Asleep", 7), ("Awake", 2)];

    fn locked() -> Lock {
        let mut lock = Lock::default();
        lock.check(&section(1, V1), true, &|_| true).expect("it is new");
        lock
    }

    fn check(now: Section, updates: bool, reads: &dyn Fn(&Typed) -> bool, said: Expect) {
        said.assert_eq(&locked().check(&now, updates, reads).err().unwrap_or_else(|| "fine".into()));
    }

    #[test]
    fn what_is_locked_passes_and_what_is_written_is_read_back() {
        check(section(1, V1), false, &|_| true, expect!["fine"]);
        let text = locked().to_string();
        assert_eq!(Lock::parse(&text).map(|lock| lock.to_string()), Ok(text));
    }

    #[test]
    fn a_shape_that_changes_without_a_version_fails_even_when_updating() {
        for updates in [false, true] {
            check(
                section(1, V2),
                updates,
                &|_| true,
                expect![[r#"
                journals of `Nap` v1 would hold something else than they did:
                  - state Asleep 0000000000000001
                  + state Asleep 0000000000000007
                Write `v2` into its table; keep each type that has changed as `v1::Name` and say what became of it, with `was v1::Name => Name;` and `impl From<v1::Name> for Name`; then run `UPDATE_SHAPES=1 cargo test`. If no journal of v1 is out there, take its section out instead."#]],
            );
        }
    }

    #[test]
    fn a_state_that_comes_or_goes_is_a_change() {
        let mut lock = locked();
        assert!(lock.check(&section(1, &V1[..1]), true, &|_| true).is_err());
        assert!(lock.check(&section(1, &[V1, &[("Snoring", 3)]].concat()), true, &|_| true).is_err());
    }

    #[test]
    fn a_new_version_is_added_when_asked_and_must_read_the_old_one() {
        check(
            section(2, V2),
            false,
            &|_| true,
            expect!["`Nap` v2 is not in it yet: run `UPDATE_SHAPES=1 cargo test`"],
        );
        check(section(2, V2), true, &|_| true, expect!["fine"]);
        check(
            section(2, V2),
            true,
            &|it| it.shape != 1,
            expect![
                "journals of `Nap` v1 hold `state Asleep 0000000000000001`, which this build cannot read: keep it as `v1::Asleep` and add `was v1::Asleep => ..;`; or take v1 out, and its journals are refused"
            ],
        );
    }

    #[test]
    fn a_version_does_not_go_back() {
        let mut lock = locked();
        lock.check(&section(2, V2), true, &|_| true).expect("it is new");
        let back = lock.check(&section(1, V1), true, &|_| true);
        expect!["`Nap` is v1 here and v2 is known: a version does not go back"].assert_eq(&back.unwrap_err());
    }

    #[test]
    fn a_line_that_is_none_is_refused_by_number() {
        for text in [
            "graph Nap",
            "  state Asleep 1",
            "graph Nap v1\n  state Asleep",
            "graph Nap v1\n  state A 1 2",
            "nap",
        ] {
            assert!(Lock::parse(text).is_err_and(|why| why.starts_with("line ")), "{text}");
        }
    }
}
