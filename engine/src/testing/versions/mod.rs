//! The versions of a package's graphs: a committed list of what journals of each version hold, and one committed journal
//! of each. They keep a build honest about journals that are out there; they change nothing by themselves.
//!
//! ```no_run
//! # use engine::{log::Group, prelude::*, testing::{Life, Versions}};
//! # #[state] struct Asleep { hours: u32 }
//! # #[state] struct Awake;
//! # graph! { graph Nap v1 { start Asleep; Asleep after 1h -> Awake; end Awake; stop -> Awake; } }
//! # impl On<Elapsed> for Asleep {
//! #     async fn on(self, _: Elapsed, _: &mut Cx<Nap>) -> Next<Self, Elapsed> { go(Awake) }
//! # }
//! # impl From<Stop> for Awake { fn from(_: Stop) -> Awake { Awake } }
//! # async fn a_nap_that_was_interrupted() -> Vec<Group> { Vec::new() }
//! # async fn test() {
//! let versions = Versions::of(env!("CARGO_MANIFEST_DIR"));         // shapes.lock, tests/golden
//! versions.shapes::<Nap>();                                        // a shape changes with the version, or the test fails
//! for golden in versions.goldens::<Nap>(a_nap_that_was_interrupted).await {
//!     let life = Life::after(golden.groups, Engine::builder().graph::<Nap>(())).unwrap();
//!     life.audit();                                                // every version is opened, and goes on
//! }
//! # }
//! ```
//!
//! A new version: keep what a state was as `v1::Asleep`, add `was v1::Asleep => Asleep;` and `impl From<v1::Asleep> for
//! Asleep`, write `v2` into the table, and run `UPDATE_SHAPES=1 cargo test`: it adds the new version to the lock and makes
//! its golden journal. What is there already is never rewritten.
mod golden;
mod lock;

pub use golden::Golden;

use crate::{Graph, follow::FactType, graph::Role, log::Group};
use lock::{Lock, Section, Typed};
use std::{
    env,
    path::{Path, PathBuf},
};

/// Asks for what is missing to be added. What is there is not changed.
const UPDATE: &str = "UPDATE_SHAPES";

/// The versions of the graphs of a package.
#[derive(Debug, Clone)]
pub struct Versions {
    lock: PathBuf,
    goldens: PathBuf,
    updates: bool,
}

impl Versions {
    /// Those of a package: `shapes.lock` and `tests/golden` in its directory.
    pub fn of(package: impl AsRef<Path>) -> Versions {
        let package = package.as_ref();
        Versions::at(package.join("shapes.lock"), package.join("tests/golden"))
    }

    /// The same, elsewhere.
    pub fn at(lock: impl Into<PathBuf>, goldens: impl Into<PathBuf>) -> Versions {
        let updates = env::var_os(UPDATE).is_some_and(|value| !value.is_empty() && value != "0");
        Versions { lock: lock.into(), goldens: goldens.into(), updates }
    }

    /// Says whether what is missing is added, whatever the environment says.
    pub fn updating(self, updates: bool) -> Versions {
        Versions { updates, ..self }
    }

    /// Checks that journals of this version of the graph hold what its lock says, and that this build reads those of all
    /// versions before it.
    ///
    /// # Panics
    /// When a shape has changed and the version has not, when a version is not in the lock, or when an older one cannot
    /// be read: saying what to write.
    #[track_caller]
    pub fn shapes<G: Graph>(&self) {
        let meta = const { G::META };
        let stored = G::stored();
        let current = stored.iter().filter_map(|it| match it.role {
            Role::State => Some(Typed::new("state", it.name, it.shape)),
            Role::Event => Some(Typed::new("event", it.name, it.shape)),
            Role::Old => None,
        });
        let outcomes = meta.asks.iter().map(|it| Typed::new("outcome", it.outcome, it.outcome_shape));
        let section = Section::new(meta.name, meta.version, current.chain(outcomes));
        let reads: Vec<_> = stored.iter().map(|it| (it.name, it.shape)).collect();
        self.check(section, &|old| match old.kind.as_str() {
            "state" | "event" => reads.iter().any(|(name, shape)| (*name, *shape) == (&old.name, old.shape)),
            // An answer to an old question that cannot be read sets its one run aside, by name.
            _ => true,
        });
    }

    /// The same for the facts that a view knows: they outlive the runs that recorded them, so each one that any version
    /// has written must still be known.
    ///
    /// # Panics
    /// As [`Versions::shapes`].
    #[track_caller]
    pub fn facts(&self, version: u32, known: &[FactType]) {
        let facts = known.iter().map(|it| Typed::new("fact", it.name, it.shape));
        let section = Section::new("facts", version, facts);
        self.check(section, &|old| known.iter().any(|it| (it.name, it.shape) == (&*old.name, old.shape)));
    }

    #[track_caller]
    fn check(&self, section: Section, reads: &dyn Fn(&Typed) -> bool) {
        let mut lock = Lock::read(&self.lock);
        if let Err(why) = lock.check(&section, self.updates, reads) {
            panic!("{}: {why}", self.lock.display());
        }
        if self.updates {
            lock.write(&self.lock);
        }
    }

    /// The golden journals of the graph, one of each version that its lock names, oldest first. That of this version is
    /// made where it is missing and `UPDATE_SHAPES=1` asks for it; no other can be made any more.
    ///
    /// # Panics
    /// When one is missing or cannot be read, saying what to do.
    pub async fn goldens<G: Graph>(&self, make: impl AsyncFnOnce() -> Vec<Group>) -> Vec<Golden> {
        let meta = const { G::META };
        let path = |version| self.goldens.join(format!("{}-v{version}.journal", meta.name));
        if self.updates && !path(meta.version).exists() {
            golden::write(&path(meta.version), &meta, &make().await);
        }
        let versions = Lock::read(&self.lock).versions(meta.name);
        versions.into_iter().map(|version| golden::read(&path(version), version)).collect()
    }
}

#[cfg(test)]
mod tests {
    //! A package in its first years: versions come, are locked, and leave journals behind.
    use super::*;
    use crate::{prelude::*, testing::Life};

    #[state]
    pub(super) struct Asleep {
        hours: u32,
    }
    #[state]
    pub(super) struct Awake;
    graph! {
        pub(super) graph Nap v1 {
            start Asleep;
            Asleep after self.sleeps() -> Awake;
            end Awake;
            stop -> Awake;
        }
    }
    impl Asleep {
        fn sleeps(&self) -> std::time::Duration {
            std::time::Duration::from_secs(3600 * u64::from(self.hours))
        }
    }
    impl On<Elapsed> for Asleep {
        async fn on(self, _: Elapsed, _: &mut Cx<Nap>) -> Next<Self, Elapsed> {
            go(Awake)
        }
    }
    impl From<Stop> for Awake {
        fn from(_: Stop) -> Awake {
            Awake
        }
    }

    /// The same graph, years later.
    mod later {
        use super::Asleep as Old;
        use crate::prelude::*;
        #[state]
        pub(super) struct Asleep {
            dream: Option<String>,
        }
        #[state]
        pub(super) struct Awake;
        graph! {
            pub(super) graph Nap v2 {
                start Asleep;
                Asleep -> Awake;
                end Awake;
                stop -> Awake;
                was Old => Asleep;
            }
        }
        impl Step for Asleep {
            async fn step(self, _: &mut Cx<Nap>) -> Next<Self> {
                let _ = self.dream;
                go(Awake)
            }
        }
        impl From<Stop> for Awake {
            fn from(_: Stop) -> Awake {
                Awake
            }
        }
        impl From<Old> for Asleep {
            fn from(_: Old) -> Asleep {
                Asleep { dream: None }
            }
        }
    }

    async fn interrupted() -> Vec<Group> {
        let life = Life::first(Engine::builder().graph::<Nap>(())).expect("a graph of ours");
        let nap = life.engine.start(Asleep { hours: 9 }, Budget::new(9, crate::Amount::NONE));
        nap.await.expect("it begins");
        life.crash().await
    }

    #[tokio::test]
    async fn a_version_is_locked_leaves_a_journal_and_is_read_by_the_next_one() {
        let package = tempfile::tempdir().expect("a place for files");
        let (strict, updating) =
            (Versions::of(package.path()).updating(false), Versions::of(package.path()).updating(true));
        updating.shapes::<Nap>();
        strict.shapes::<Nap>();
        let made = updating.goldens::<Nap>(interrupted).await;
        let read = strict.goldens::<Nap>(async || panic!("it is there")).await;
        assert_eq!(made, read);

        updating.shapes::<later::Nap>();
        let ended = async || Vec::new();
        let both = updating.goldens::<later::Nap>(ended).await;
        assert_eq!(both.iter().map(|golden| golden.version).collect::<Vec<_>>(), [1, 2]);
        let life = Life::after(both[0].groups.clone(), Engine::builder().graph::<later::Nap>(()))
            .expect("it is migrated");
        crate::testing::settled().await;
        life.audit();
        assert_eq!(life.engine.journal().runs().expect("a journal")[0].state, "Awake");
    }

    #[test]
    #[should_panic(expected = "`Nap` v1 is not in it yet: run `UPDATE_SHAPES=1 cargo test`")]
    fn a_version_that_is_not_locked_fails() {
        let package = tempfile::tempdir().expect("a place for files");
        Versions::of(package.path()).updating(false).shapes::<Nap>();
    }

    #[tokio::test]
    #[should_panic(expected = "an older one is in the history")]
    async fn a_golden_journal_that_is_missing_fails() {
        let package = tempfile::tempdir().expect("a place for files");
        Versions::of(package.path()).updating(true).shapes::<Nap>();
        Versions::of(package.path()).updating(false).goldens::<Nap>(interrupted).await;
    }
}
