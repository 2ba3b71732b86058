//! A graph in its third version, and what the first two left behind: states and events are migrated from version to
//! version, and a journal of a newer version is refused with the version that can read it.
use crate::lab::{Pieces, RUN};
use engine::{
    Amount,
    log::{Group, MemoryLog},
    prelude::*,
    testing::{Life, Versions, settled},
};
use expect_test::{Expect, expect};
use std::sync::Arc;

/// Counts by ones and twos.
mod v1 {
    use engine::prelude::*;
    #[state]
    pub(crate) struct Counting {
        pub(crate) n: u32,
    }
    #[state]
    pub(crate) struct Counted {
        pub(crate) n: u32,
    }
    #[event]
    pub(crate) struct Tick {
        pub(crate) by: u32,
    }
    graph! {
        /// Counts.
        pub(crate) graph Tally v1 {
            start Counting;
            Counting on Tick -> Counted;
            end Counted;
            stop -> Counted;
        }
    }
    impl On<Tick> for Counting {
        async fn on(self, tick: Tick, _: &mut Cx<Tally>) -> Next<Self, Tick> {
            go(Counted { n: self.n + tick.by })
        }
    }
    impl From<Stop> for Counted {
        fn from(_: Stop) -> Counted {
            Counted { n: 0 }
        }
    }
}

/// Says what it counts.
mod v2 {
    use super::v1;
    use engine::prelude::*;
    #[state]
    pub(crate) struct Counting {
        pub(crate) n: u64,
        pub(crate) unit: String,
    }
    #[state]
    pub(crate) struct Counted {
        pub(crate) n: u64,
    }
    graph! {
        /// Counts something.
        pub(crate) graph Tally v2 {
            start Counting;
            Counting on v1::Tick -> Counting | Counted;
            end Counted;
            stop -> Counted;
            was v1::Counting => Counting;
            was v1::Counted => Counted;
        }
    }
    impl From<v1::Counting> for Counting {
        fn from(old: v1::Counting) -> Counting {
            Counting { n: old.n.into(), unit: "sheep".into() }
        }
    }
    impl From<v1::Counted> for Counted {
        fn from(old: v1::Counted) -> Counted {
            Counted { n: old.n.into() }
        }
    }
    impl On<v1::Tick> for Counting {
        async fn on(self, tick: v1::Tick, _: &mut Cx<Tally>) -> Next<Self, v1::Tick> {
            match tick.by {
                0 => go(self),
                by => go(Counted { n: self.n + u64::from(by) }),
            }
        }
    }
    impl From<Stop> for Counted {
        fn from(_: Stop) -> Counted {
            Counted { n: 0 }
        }
    }
}

/// Has another name for its state, and ticks that are loud or not.
mod v3 {
    use super::{v1, v2};
    use engine::prelude::*;
    #[state]
    pub(crate) struct Adding {
        pub(crate) n: u64,
        pub(crate) units: Vec<String>,
    }
    #[state]
    pub(crate) struct Added {
        pub(crate) text: String,
    }
    #[event]
    pub(crate) struct Tick {
        pub(crate) by: u64,
        pub(crate) loud: bool,
    }
    graph! {
        /// Counts many things.
        pub(crate) graph Tally v3 {
            start Adding;
            Adding on Tick -> Added;
            end Added;
            stop -> Added;
            was v1::Counting => v2::Counting;
            was v2::Counting => Adding;
            was v1::Counted  => v2::Counted;
            was v2::Counted  => Added;
            was v1::Tick     => Tick;
        }
    }
    impl From<v2::Counting> for Adding {
        fn from(old: v2::Counting) -> Adding {
            Adding { n: old.n, units: vec![old.unit] }
        }
    }
    impl From<v2::Counted> for Added {
        fn from(old: v2::Counted) -> Added {
            Added { text: old.n.to_string() }
        }
    }
    impl From<v1::Tick> for Tick {
        fn from(old: v1::Tick) -> Tick {
            Tick { by: old.by.into(), loud: true }
        }
    }
    impl On<Tick> for Adding {
        async fn on(self, tick: Tick, _: &mut Cx<Tally>) -> Next<Self, Tick> {
            let sign = if tick.loud { "!" } else { "" };
            go(Added { text: format!("{} {}{sign}", self.n + tick.by, self.units.join(" and ")) })
        }
    }
    impl From<Stop> for Added {
        fn from(_: Stop) -> Added {
            Added { text: String::new() }
        }
    }
}

fn versions() -> Versions {
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    Versions::at(format!("{golden}/shapes.lock"), golden)
}

/// A process that is killed with a tick on disk that its run has not taken.
async fn killed<G: Graph<Env = ()>, E: engine::EventOf<G>>(
    start: impl engine::Start<Graph = G>,
    tick: E,
) -> Vec<Group> {
    let life = Life::first(Pieces::new().builder().graph::<G>(())).unwrap();
    let run = life.engine.start_as(RUN, start, Budget::new(9, Amount::NONE)).await.unwrap();
    settled().await;
    run.send(tick).await.unwrap();
    life.crash().await
}

async fn killed_in_v3() -> Vec<Group> {
    killed(v3::Adding { n: 40, units: vec!["sheep".into(), "goats".into()] }, v3::Tick { by: 2, loud: false })
        .await
}

/// The golden journal of a version.
async fn left_by(version: usize) -> Vec<Group> {
    versions().goldens::<v3::Tally>(killed_in_v3).await.swap_remove(version - 1).groups
}

#[tokio::test]
async fn what_every_version_left_behind_goes_on() {
    versions().shapes::<v3::Tally>();
    let mut said = String::new();
    for golden in versions().goldens::<v3::Tally>(killed_in_v3).await {
        let life = Life::after(golden.groups, Pieces::new().builder().graph::<v3::Tally>(())).unwrap();
        let v3::TallyEnd::Added(added) = life.engine.run::<v3::Tally>(RUN).unwrap().end().await.unwrap();
        settled().await;
        life.audit();
        said += &format!("v{}: {}\n", golden.version, added.text);
    }
    expect![[r#"
        v1: 42 sheep!
        v2: 42 sheep!
        v3: 42 sheep and goats
    "#]]
    .assert_eq(&said);
}

#[tokio::test]
async fn an_old_build_goes_on_with_what_an_older_one_left() {
    let life = Life::after(left_by(1).await, Pieces::new().builder().graph::<v2::Tally>(())).unwrap();
    let v2::TallyEnd::Counted(counted) = life.engine.run::<v2::Tally>(RUN).unwrap().end().await.unwrap();
    assert_eq!(counted.n, 42);
}

/// A build refuses a journal, and writes nothing.
fn refused<G: Graph<Env = ()>>(left: Vec<Group>, why: Expect) {
    let log = Arc::new(MemoryLog::from_groups(left.clone()));
    let fault = Pieces::new().builder().graph::<G>(()).open(log.clone()).err().unwrap();
    why.assert_eq(&fault.to_string());
    assert_eq!(log.groups(), left, "something was written before the journal was refused");
}

#[tokio::test]
async fn a_journal_of_a_newer_version_is_refused_with_the_version_that_reads_it() {
    refused::<v2::Tally>(
        left_by(3).await,
        expect![
            "the journal holds a living run of graph `Tally` v3 in state `Adding`, and this build has v2: open it with a build that has v3 or later"
        ],
    );
    refused::<v1::Tally>(
        left_by(2).await,
        expect![
            "the journal holds a living run of graph `Tally` v2 in state `Counting`, and this build has v1: open it with a build that has v2 or later"
        ],
    );
}

#[tokio::test]
async fn a_run_that_a_newer_version_took_on_is_refused_as_well() {
    let left = killed(v1::Counting { n: 40 }, v1::Tick { by: 0 }).await;
    let second = Life::after(left, Pieces::new().builder().graph::<v2::Tally>(())).unwrap();
    settled().await;
    // The first version began it, and it is in a state of the second.
    refused::<v1::Tally>(
        second.crash().await,
        expect![
            "the journal holds a living run of graph `Tally` v2 in state `Counting`, and this build has v1: open it with a build that has v2 or later"
        ],
    );
}

#[tokio::test]
async fn a_run_that_ended_in_a_newer_version_harms_nobody() {
    let third = Life::after(left_by(1).await, Pieces::new().builder().graph::<v3::Tally>(())).unwrap();
    third.engine.run::<v3::Tally>(RUN).unwrap().end().await.unwrap();
    Life::after(third.crash().await, Pieces::new().builder().graph::<v1::Tally>(())).unwrap();
}
