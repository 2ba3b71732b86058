//! What is on disk when: nothing starts before all that led to it is durable, nothing is acknowledged before it is, and
//! when the journal fails nothing happens any more.
use crate::lab::{Lab, LabEnd, Pieces, Poke, RUN, Stage, Then, Working, World, listens, plenty, works};
use engine::{
    EndFault, Fault, SendFault,
    log::{FileLog, LogFault, Mode},
    prelude::*,
    testing::settled,
};
use expect_test::expect;
use futures::FutureExt;
use std::future::ready;

fn notes(world: &World) -> crate::lab::Script {
    let world = world.clone();
    works(move |cx| {
        let world = world.clone();
        Box::pin(async move {
            let note = |_| {
                world.note("effect");
                ready(Ok(Settled::new(())))
            };
            cx.effect("note", Hold::NOTHING, note).await?;
            Ok(Then::End("noted".into()))
        })
    })
}

#[tokio::test]
async fn the_barrier_covers_the_start() {
    let world = World::default();
    let stage = Stage::first(notes(&world));
    stage.life.log.hold();
    let mut starting = stage.life.engine.start_as(RUN, Working { n: 0 }, plenty());
    settled().await;
    assert!((&mut starting).now_or_never().is_none(), "a start that is not on disk was acknowledged");
    assert_eq!(world.take(), [""; 0], "an effect ran before its run was on disk");
    stage.life.log.release();
    starting.await.unwrap();
    settled().await;
    assert_eq!(world.take(), ["effect"]);
    // The end is told when it is durable, and not before.
    let run = stage.run();
    assert!(!run.is_over());
    stage.life.log.release();
    stage.end().await;
}

#[tokio::test]
async fn the_barrier_covers_the_event() {
    let world = World::default();
    let noted = world.clone();
    let stage = Stage::first(crate::lab::Script::new(move |call, cx| {
        let world = noted.clone();
        Box::pin(async move {
            if let crate::lab::Call::Work = call {
                return Ok(Then::Wait);
            }
            let note = |_| {
                world.note("effect");
                ready(Ok(Settled::new(())))
            };
            cx.effect("note", Hold::NOTHING, note).await?;
            Ok(Then::End("noted".into()))
        })
    }));
    let run = stage.start(plenty()).await;
    settled().await;
    stage.life.log.hold();
    let mut sending = run.send_as("one", Poke { what: "x".into() });
    let mut again = run.send_as("one", Poke { what: "x".into() });
    settled().await;
    assert!((&mut sending).now_or_never().is_none(), "an event that is not on disk was acknowledged");
    assert!((&mut again).now_or_never().is_none(), "nor is it when it was sent before");
    assert_eq!(world.take(), [""; 0], "an effect ran before its event was on disk");
    stage.life.log.release();
    sending.await.unwrap();
    again.await.unwrap();
    settled().await;
    assert_eq!(world.take(), ["effect"]);
}

#[tokio::test]
async fn the_barrier_covers_a_second_start_and_a_cancel() {
    let stage = Stage::first(listens());
    stage.life.log.hold();
    let first = stage.life.engine.start_as(RUN, Working { n: 0 }, plenty());
    let second = stage.life.engine.start_as(RUN, Working { n: 9 }, plenty());
    let mut both = Box::pin(futures::future::join(first, second));
    assert!((&mut both).now_or_never().is_none());
    stage.life.log.release();
    let (first, second) = both.await;
    assert_eq!(first.unwrap().id(), second.unwrap().id());
    let mut cancel = stage.run().cancel();
    assert!((&mut cancel).now_or_never().is_none());
    stage.life.log.release();
    cancel.await.unwrap();
    assert_eq!(stage.life.engine.journal().runs().unwrap().len(), 1);
}

#[tokio::test]
async fn an_end_that_is_not_on_disk_turns_nobody_away() {
    let stage = Stage::first(listens());
    let run = stage.start(plenty()).await;
    settled().await;
    stage.life.log.hold();
    let poked = run.send(Poke { what: "x".into() });
    settled().await;
    // It has ended in memory; should the process die now, it has not.
    let (mut late, too_late) = (run.send(Poke { what: "y".into() }), run.send(Poke { what: "z".into() }));
    assert!((&mut late).now_or_never().is_none(), "somebody was turned away by an end that is not on disk");
    stage.life.log.release();
    poked.await.unwrap();
    assert!(matches!(late.await, Err(SendFault::Over(RUN))));
    stage.life.log.fail();
    assert!(matches!(too_late.await, Err(SendFault::Over(RUN))), "that end is on disk");
}

#[tokio::test]
async fn a_run_that_is_started_again_is_the_one_that_is_there() {
    let stage = Stage::first(listens());
    stage.start(plenty()).await;
    stage.start(plenty()).await.send(Poke { what: "once".into() }).await.unwrap();
    expect!["Lab: Working → Waiting → Done.\nonce\n"].assert_eq(&stage.end().await);
    let stage = stage.crash(listens()).await;
    stage.start(plenty()).await;
    expect!["once\n"].assert_eq(&stage.end().await);
    // Under the id of a run of another graph there is nothing to start.
    let budget = Budget::new(1, engine::Amount::NONE);
    let other = stage.life.engine.start_as(RUN, crate::review::drafting("bees"), budget).await;
    let fault = other.err().map(|fault| fault.to_string());
    assert_eq!(fault.as_deref(), Some("graph `Review` is not registered with the engine"));
}

#[tokio::test]
async fn a_journal_that_fails_halts_everything_and_says_why() {
    let world = World::default();
    let stage = Stage::first(notes(&world));
    stage.life.log.hold();
    let starting = stage.life.engine.start_as(RUN, Working { n: 0 }, plenty());
    settled().await;
    stage.life.log.fail();
    assert!(matches!(starting.await.err(), Some(Fault::Halted)));
    assert!(matches!(stage.life.engine.halted().await, Some(LogFault::Io { .. })));
    assert_eq!(world.take(), [""; 0]);
    let run = stage.run();
    assert!(matches!(run.end().await, Err(EndFault::Log(LogFault::Io { .. }))));
    let sent = run.send(Poke { what: "x".into() }).await;
    assert!(matches!(sent, Err(SendFault::Log(LogFault::Io { .. }))));
    assert!(matches!(run.cancel().await, Err(SendFault::Log(LogFault::Io { .. }))));
    stage.life.engine.closed().await;
}

#[tokio::test]
async fn a_failure_is_noticed_while_everything_waits() {
    let stage = Stage::first(listens());
    stage.start(plenty()).await;
    settled().await;
    let end = tokio::spawn({
        let run = stage.run();
        async move { run.end().await.err() }
    });
    stage.life.log.fail();
    assert!(matches!(stage.life.engine.halted().await, Some(LogFault::Io { .. })));
    assert!(matches!(end.await.unwrap(), Some(EndFault::Log(_))));
}

#[tokio::test]
async fn a_closed_engine_leaves_no_task_behind_and_the_next_one_goes_on() {
    let stage = Stage::first(listens());
    let run = stage.start(plenty().within(std::time::Duration::from_secs(3600))).await;
    settled().await;
    stage.life.engine.close();
    stage.life.engine.closed().await;
    assert!(matches!(run.end().await, Err(EndFault::Closed)));
    assert!(matches!(run.send(Poke { what: "x".into() }).await, Err(SendFault::Log(LogFault::Closed))));
    let next = Pieces { trace: stage.trace, clock: stage.clock }.after(stage.life.log.groups(), listens());
    next.run().send(Poke { what: "y".into() }).await.unwrap();
    assert!(next.end().await.ends_with("y\n"));
}

#[tokio::test]
async fn a_timer_survives_a_restart_and_fires_once() {
    let stage = Stage::first(listens());
    stage.start(plenty()).await;
    settled().await;
    stage.minutes(9);
    let stage = stage.crash(listens()).await;
    assert_eq!(stage.so_far().await, "Lab: Working → Waiting\nLab: … Waiting\n");
    stage.minutes(1);
    expect![[r#"
         → Done.
        nobody came
    "#]]
    .assert_eq(&stage.end().await.replace("Lab: … Waiting", ""));
    let stage = stage.crash(listens()).await;
    expect!["nobody came\n"].assert_eq(&stage.end().await);

    // It was due while nobody was there.
    let stage = Stage::first(listens());
    stage.start(plenty()).await;
    settled().await;
    stage.minutes(500);
    let stage = stage.crash(listens()).await;
    assert!(stage.end().await.ends_with("nobody came\n"));
}

#[tokio::test]
async fn a_run_goes_on_over_files_and_a_closed_engine_has_let_go_of_them() {
    let home = tempfile::tempdir().unwrap();
    let open = |script| {
        let (log, _) = FileLog::open(home.path(), Mode::Owner).unwrap();
        Pieces::new().builder().graph::<Lab>(script).open(log).unwrap()
    };
    let first = open(listens());
    first.start_as(RUN, Working { n: 0 }, plenty()).await.unwrap();
    assert!(FileLog::open(home.path(), Mode::Owner).is_err(), "it has one owner");
    first.close();
    first.closed().await;
    drop(first);
    let second = open(listens());
    second.run::<Lab>(RUN).unwrap().send(Poke { what: "on files".into() }).await.unwrap();
    let LabEnd::Done(done) = second.run::<Lab>(RUN).unwrap().end().await.unwrap();
    assert_eq!(done.said, "on files");
    second.close();
}
