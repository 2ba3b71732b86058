//! A session is forked whole or not at all, whenever the process dies.
#![allow(clippy::unwrap_used, reason = "a story that cannot go on says so by panicking")]
use branch::{Branch, BranchEnd, Branching};
use domain::{SessionForked, SessionId, SessionTouched, UserId};
use engine::{
    Amount, Engine, FactId, InstanceId, Journal,
    journal::Line,
    prelude::*,
    testing::{Life, ManualClock, Versions, crash_everywhere},
};
use std::sync::{Arc, Mutex};

const RUN: InstanceId = InstanceId(42);

fn branching(upto: Option<FactId>) -> Branching {
    Branching {
        user: UserId::parse("ann").unwrap(),
        session: SessionId::parse("new").unwrap(),
        base: SessionId::parse("old").unwrap(),
        upto,
        title: "bees".into(),
    }
}

fn facts(journal: &Journal) -> Vec<String> {
    let (_, past) = journal.past(RUN).unwrap().unwrap();
    past.iter().flat_map(|line: &Line| &line.facts).map(|(name, _)| name.clone()).collect()
}

#[tokio::test]
async fn the_session_and_what_it_shares_are_recorded_together() {
    let message = FactId { instance: InstanceId(7), seq: 1, n: 0 };
    for (upto, expected) in [(Some(message), vec!["session-fork", "session"]), (None, vec!["session"])] {
        let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script = async |engine: Engine| {
            let budget = Budget::new(4, Amount::NONE);
            let run = engine.start_as(RUN, branching(upto), budget).await.unwrap();
            let BranchEnd::Branched(end) = run.end().await.unwrap() else { panic!("nobody stopped it") };
            seen.lock().unwrap().push(facts(&engine.journal()));
            end.session.to_string()
        };
        let builder = || Engine::builder().clock(ManualClock::new()).graph::<Branch>(()).follower(Nobody);
        let crashes = crash_everywhere(builder, script).await;
        assert_eq!(crashes.uncut, "new");
        crashes.all_alike();
        assert!(seen.lock().unwrap().iter().all(|facts| *facts == expected), "{seen:?}");
    }
}

#[tokio::test]
async fn one_that_is_stopped_leaves_no_session() {
    let log = Arc::new(engine::log::MemoryLog::new());
    let engine = Engine::builder().graph::<Branch>(()).follower(Nobody).open(log).unwrap();
    // Without a move to make, it is stopped before it has done anything.
    let run = engine.start_as(RUN, branching(None), Budget::new(0, Amount::NONE)).await.unwrap();
    let BranchEnd::Unbranched(end) = run.end().await.unwrap() else { panic!("it had no move") };
    assert_eq!((end.why.as_str(), facts(&engine.journal()).len()), ("out of moves", 0));
}

/// A process that is killed before its run has done anything.
async fn killed() -> Vec<engine::log::Group> {
    let life = Life::first(Engine::builder().graph::<Branch>(()).follower(Nobody)).unwrap();
    let message = FactId { instance: InstanceId(7), seq: 1, n: 0 };
    let starting = life.engine.start_as(RUN, branching(Some(message)), Budget::new(4, Amount::NONE));
    starting.await.unwrap();
    life.crash().await
}

#[tokio::test]
async fn what_every_version_left_behind_goes_on() {
    let versions = Versions::of(env!("CARGO_MANIFEST_DIR"));
    versions.shapes::<Branch>();
    versions.facts(1, &engine::follow::Follower::knows(&Nobody));
    for golden in versions.goldens::<Branch>(killed).await {
        let builder = Engine::builder().graph::<Branch>(()).follower(Nobody);
        let life = Life::after(golden.groups, builder).unwrap();
        let run = life.engine.run::<Branch>(RUN).unwrap();
        let BranchEnd::Branched(end) = run.end().await.unwrap() else { panic!("nobody stopped it") };
        assert_eq!(end.session.to_string(), "new", "v{}", golden.version);
        assert_eq!(facts(&life.engine.journal()), ["session-fork", "session"]);
    }
}

/// A follower that knows the facts, and keeps nothing.
struct Nobody;
impl engine::follow::Follower for Nobody {
    fn knows(&self) -> Vec<engine::follow::FactType> {
        use engine::follow::FactType;
        vec![FactType::of::<SessionForked>(), FactType::of::<SessionTouched>()]
    }
    fn applied(&self) -> engine::log::Lsn {
        engine::log::Lsn::START
    }
    fn apply(
        &mut self,
        _: engine::log::Lsn,
        _: &[engine::follow::Entry],
    ) -> Result<(), engine::follow::Broken> {
        Ok(())
    }
}
