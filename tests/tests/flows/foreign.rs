//! Journals that another build wrote: what this one does not know is refused by name before anything runs, and nothing
//! is written.
use domain::{MessageSaid, SessionTouched, Turns, UsageSpent};
use engine::{
    Start,
    follow::{Broken, Entry, FactType, Follower},
    log::{FileLog, Lsn, Mode},
    prelude::*,
};
use std::fs;
use tests::Place;

/// A graph that this build does not have.
mod weather {
    use engine::prelude::*;

    #[state]
    pub(super) struct Raining {
        pub(super) since: u64,
    }
    #[state]
    pub(super) struct Dry;
    #[event]
    pub(super) struct Sun;

    graph! {
        /// It rains until the sun comes.
        pub(super) graph Weather(()) v3 {
            start Raining;
            Raining on Sun -> Dry;
            end Dry;
            stop -> Dry;
        }
    }
    impl On<Sun> for Raining {
        async fn on(self, _: Sun, _: &mut Cx<Weather>) -> Next<Self, Sun> {
            go(Dry)
        }
    }
    impl From<Stop> for Dry {
        fn from(_: Stop) -> Self {
            Dry
        }
    }
}

/// A graph of the name that this build knows, with a state that it does not.
mod dreaming {
    use engine::prelude::*;

    #[state]
    pub(super) struct Dreaming;
    #[state]
    pub(super) struct Awake;
    #[event]
    pub(super) struct Alarm;

    graph! {
        /// It dreams.
        pub(super) graph Turn(()) v9 {
            start Dreaming;
            Dreaming on Alarm -> Awake;
            end Awake;
            stop -> Awake;
        }
    }
    impl On<Alarm> for Dreaming {
        async fn on(self, _: Alarm, _: &mut Cx<Turn>) -> Next<Self, Alarm> {
            go(Awake)
        }
    }
    impl From<Stop> for Awake {
        fn from(_: Stop) -> Self {
            Awake
        }
    }
}

/// A state of the name that this build knows, of another shape.
mod reshaped {
    use engine::prelude::*;

    #[state]
    pub(super) struct Asking {
        pub(super) how_often: u8,
    }
    #[state]
    pub(super) struct Stopped;
    #[event]
    pub(super) struct Reply;

    graph! {
        /// It asks.
        pub(super) graph Turn(()) v1 {
            start Asking;
            Asking on Reply -> Stopped;
            end Stopped;
            stop -> Stopped;
        }
    }
    impl On<Reply> for Asking {
        async fn on(self, _: Reply, _: &mut Cx<Turn>) -> Next<Self, Reply> {
            go(Stopped)
        }
    }
    impl From<Stop> for Stopped {
        fn from(_: Stop) -> Self {
            Stopped
        }
    }
}

/// Leaves a run of a graph in the journal of a home in which a turn is under way, too.
fn left<S: Start>(state: S) -> Place
where
    S::Graph: Graph<Env = ()>,
{
    let place = Place::new();
    place.run(&["run", "--session", "s", "-p", "say hi"]).ended(0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime starts").block_on(async {
        let (log, _) = FileLog::open(&place.journal(), Mode::Owner).expect("nobody else has it");
        let builder = Engine::builder().graph::<S::Graph>(()).follower(Knowing);
        let engine = builder.open(log).expect("it knows all that lives");
        let _run = engine.start(state, Budget::new(10, Turns(1))).await.expect("it begins");
        engine.close();
    });
    place
}

/// Knows the facts of the turn that is over, as the other build would.
struct Knowing;

impl Follower for Knowing {
    fn knows(&self) -> Vec<FactType> {
        vec![FactType::of::<MessageSaid>(), FactType::of::<SessionTouched>(), FactType::of::<UsageSpent>()]
    }
    fn applied(&self) -> Lsn {
        Lsn::START
    }
    fn apply(&mut self, _: Lsn, _: &[Entry]) -> Result<(), Broken> {
        Ok(())
    }
}

fn is_refused(place: &Place, words: &[&str]) {
    let before = place.journal_bytes();
    let files = fs::read_dir(place.shared()).expect("it is there").count();
    place.run(&["run", "-p", "write n.txt: x"]).refused(1, words);
    assert_eq!(place.journal_bytes(), before, "nothing was written");
    assert_eq!(fs::read_dir(place.shared()).expect("it is there").count(), files, "nothing ran");
    // Looking needs no knowledge of states: it says what they are called.
    assert_eq!(place.run(&["instances"]).ended(0).text().lines().count(), 2);
}

#[test]
fn a_graph_that_is_not_here_is_named() {
    let place = left(weather::Raining { since: 7 });
    is_refused(&place, &["graph `Weather`", "which this build does not have"]);
    assert!(place.run(&["instances"]).text().contains("Weather v3  Raining"));
}

#[test]
fn a_state_that_is_not_here_is_named() {
    is_refused(&left(dreaming::Dreaming), &["graph `Turn` v9", "state `Dreaming`", "has v9 or later"]);
}

#[test]
fn a_state_of_another_shape_is_named() {
    is_refused(&left(reshaped::Asking { how_often: 3 }), &["graph `Turn` v1", "state `Asking`", "shape"]);
}
