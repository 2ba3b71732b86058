//! Parking: a run that does nothing until it is let go on, over restarts, whatever it was about to do.
use crate::lab::{
    Call, Lab, LabEnd, Pieces, Poke, RUN, Script, Stage, Then, Working, World, listens, plenty, works,
};
use asker::{Asker, Counting, Marks};
use engine::{
    InstanceId, Ticket,
    park::{Rest, SteerFault},
    prelude::*,
    testing::{Life, crash_everywhere, settled},
};
use expect_test::expect;
use server::Server;
use std::{
    future::{pending, ready},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::Semaphore;

fn poke() -> Poke {
    Poke { what: "hello".into() }
}

#[tokio::test]
async fn a_parked_run_takes_events_and_handles_them_when_it_is_let_go_on() {
    let stage = Stage::first(listens());
    let run = stage.start(plenty()).await;
    settled().await;
    stage.life.engine.park(RUN, "I am looking").await.unwrap();
    stage.life.engine.park(RUN, "and again").await.unwrap();
    run.send(poke()).await.unwrap();
    assert_eq!(stage.so_far().await, "Lab: Working → Waiting ‖ I am looking\n");
    assert_eq!(run.parked().as_deref(), Some("I am looking"));
    let rest = stage.life.engine.rests(RUN).await.unwrap();
    assert_eq!(rest, Rest::Parked("I am looking".into()));
    assert!(run.is_over() && stage.life.engine.living::<Lab>().is_empty());
    stage.life.engine.unpark(RUN).await.unwrap();
    expect![[r#"
         → Done.
        hello
    "#]]
    .assert_eq(&stage.end().await);
    assert_eq!(stage.life.engine.rests(RUN).await.unwrap(), Rest::Ended);
}

#[tokio::test]
async fn it_stays_parked_over_a_crash_and_the_time_does_not_count() {
    let stage = Stage::first(listens());
    // It would be out of time after two minutes, and told so by its timer after ten.
    stage.start(plenty().within(Duration::from_secs(120))).await;
    settled().await;
    stage.life.engine.park(RUN, "later").await.unwrap();
    let stage = stage.crash(listens()).await;
    stage.minutes(5);
    expect![[r#"
        Lab: Working → Waiting
        Lab: … Waiting
        run 42 is parked: later
    "#]]
    .assert_eq(&stage.end().await);
    stage.life.engine.unpark(RUN).await.unwrap();
    settled().await;
    assert!(!stage.run().is_over(), "the deadline is as far away as it was");
    stage.minutes(2);
    assert!(stage.end().await.ends_with("out of time\n"));
}

#[tokio::test]
async fn an_effect_that_may_be_repeated_is_dropped_and_repeated_with_its_key() {
    let world = World::default();
    let noted = world.clone();
    let stage = Stage::first(works(move |cx| {
        let world = noted.clone();
        Box::pin(async move {
            let call = |ticket: Ticket| {
                world.note(ticket.key());
                async move { if ticket.attempt() == 1 { pending().await } else { Ok(Settled::new(())) } }
            };
            cx.effect("call", Hold::NOTHING, call).await?;
            Ok(Then::End("called".into()))
        })
    }));
    stage.start(plenty()).await;
    settled().await;
    stage.life.engine.park(RUN, "x").await.unwrap();
    assert_eq!(stage.so_far().await, "Lab: Working [call ‖ x\n");
    stage.life.engine.unpark(RUN).await.unwrap();
    assert_eq!(stage.end().await, " [call #2] → Done.\ncalled\n");
    let keys = world.take();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
}

#[tokio::test]
async fn what_is_never_repeated_comes_out_and_its_move_waits() {
    let (gate, world) = (Arc::new(Semaphore::new(0)), World::default());
    let (opened, noted) = (gate.clone(), world.clone());
    let stage = Stage::first(works(move |cx| {
        let (gate, world) = (opened.clone(), noted.clone());
        Box::pin(async move {
            let send = |_, _: &u8| async {
                gate.acquire().await.unwrap().forget();
                world.note("sent");
                Ok(Settled::new(()))
            };
            match cx.once("send", 7u8, Hold::NOTHING, send).await? {
                Once::Done(()) => Ok(Then::End("sent".into())),
                Once::InDoubt(_) => Ok(Then::End("in doubt".into())),
            }
        })
    }));
    stage.start(plenty()).await;
    settled().await;
    stage.life.engine.park(RUN, "x").await.unwrap();
    gate.add_permits(9);
    assert_eq!(stage.so_far().await, "Lab: Working [send] ‖ x\n");
    stage.life.engine.unpark(RUN).await.unwrap();
    assert_eq!(stage.end().await, " → Done.\nsent\n");
    assert_eq!(world.take(), ["sent"]);
}

#[tokio::test]
async fn a_cancel_lets_a_parked_run_go_to_its_end() {
    let stage = Stage::first(listens());
    let run = stage.start(plenty()).await;
    settled().await;
    stage.life.engine.park(RUN, "x").await.unwrap();
    settled().await;
    run.cancel().await.unwrap();
    assert_eq!(stage.end().await, "Lab: Working → Waiting ‖ x ✗ cancelled → Tidying → Done.\ncancelled\n");
}

#[tokio::test]
async fn a_run_that_a_fault_set_aside_tries_once_more() {
    let mended = Arc::new(AtomicBool::new(false));
    let look = mended.clone();
    let script = move || {
        let look = look.clone();
        Script::new(move |call, _| {
            Box::pin(ready(match call {
                Call::Tidy(why) if look.load(Relaxed) => Ok(Then::End(why)),
                Call::Work | Call::Poked(_) | Call::Elapsed | Call::Tidy(_) => Err(Fault::fatal("broken")),
            }))
        })
    };
    let stage = Stage::first(script());
    stage.start(plenty()).await;
    stage.end().await;
    let refused =
        stage.life.engine.park(RUN, "x").await.unwrap_err().to_string().replace(&RUN.to_string(), "42");
    expect!["run 42 is parked: `Tidying`, on the way to an end after a stop: broken"].assert_eq(&refused);
    mended.store(true, Relaxed);
    stage.life.engine.unpark(RUN).await.unwrap();
    assert_eq!(stage.end().await, "Lab: … Tidying → Done.\nbroken\n");
    // The same after a restart.
    mended.store(false, Relaxed);
    let stage = Stage::first(script());
    stage.start(plenty()).await;
    stage.end().await;
    let stage = stage.crash(script()).await;
    mended.store(true, Relaxed);
    stage.life.engine.unpark(RUN).await.unwrap();
    settled().await;
    let LabEnd::Done(done) = stage.run().end().await.unwrap();
    stage.life.audit();
    assert_eq!(done.said, "broken");
}

#[tokio::test]
async fn what_cannot_be_steered_is_refused() {
    let stage = Stage::first(listens());
    let run = stage.start(plenty()).await;
    settled().await;
    let engine = &stage.life.engine;
    let nobody = InstanceId(7);
    assert!(matches!(engine.park(nobody, "x").await, Err(SteerFault::Unknown(_))));
    assert!(matches!(engine.unpark(nobody).await, Err(SteerFault::Unknown(_))));
    assert!(matches!(engine.cancel(nobody), Err(SteerFault::Unknown(_))));
    assert!(matches!(engine.rests(nobody).await, Err(SteerFault::Unknown(_))));
    assert!(matches!(engine.wake(nobody), Err(SteerFault::Unknown(_))));
    assert!(matches!(engine.unpark(RUN).await, Err(SteerFault::NotParked(_))));
    run.send(poke()).await.unwrap();
    run.end().await.unwrap();
    assert!(matches!(engine.park(RUN, "x").await, Err(SteerFault::Ended(_))));
    assert!(matches!(engine.unpark(RUN).await, Err(SteerFault::Ended(_))));
    engine.cancel(RUN).unwrap().await.unwrap();
}

#[tokio::test]
async fn a_tree_is_parked_as_a_whole_and_goes_on_as_a_whole() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let life = Life::first(pieces.builder().graph::<Asker>(marks.clone()).graph::<Server>(())).unwrap();
    life.log.hold();
    let started = life.engine.start_as(RUN, Counting { from: 2 }, plenty());
    settled().await;
    life.log.release();
    started.await.unwrap();
    settled().await;
    // The first number is marked, the second waits for the disk: the whole tree is under way.
    let (_, ()) = tokio::join!(life.engine.park(RUN, "all of you"), async {
        settled().await;
        life.log.release();
    });
    settled().await;
    life.audit();
    let parked = life.engine.journal().runs().unwrap();
    let why = engine::journal::Life::Parked("all of you".into());
    assert!(parked.iter().all(|run| run.life == why), "{parked:#?}");
    let left = life.crash().await;
    let life = Life::after(left, pieces.builder().graph::<Asker>(marks.clone()).graph::<Server>(())).unwrap();
    settled().await;
    assert!(life.engine.living::<Asker>().is_empty());
    let made = marks.made().len();
    life.engine.unpark(RUN).await.unwrap();
    let run = life.engine.run::<Asker>(RUN).unwrap();
    run.end().await.unwrap();
    settled().await;
    life.audit();
    assert!(marks.made().len() > made);
}

#[tokio::test]
async fn a_crash_at_any_record_leaves_it_parked_or_not_and_loses_nothing() {
    let pieces = Pieces::new();
    let script = async |engine: Engine| {
        let run = engine.start_as(RUN, Working { n: 0 }, plenty()).await.unwrap();
        settled().await;
        // A life that finds it ended has nothing to park.
        if engine.park(RUN, "x").await.is_ok() {
            run.send_as("poke", poke()).await.unwrap();
            settled().await;
            assert!(run.parked().is_some());
            engine.unpark(RUN).await.unwrap();
        }
        let LabEnd::Done(done) = run.end().await.unwrap();
        done.said
    };
    let crashes = crash_everywhere(|| pieces.builder().graph::<Lab>(listens()), script).await;
    assert_eq!(crashes.uncut, "hello");
    crashes.all_alike();
}

#[tokio::test]
async fn an_engine_at_rest_moves_what_it_is_told_to_and_nothing_else() {
    let pieces = Pieces::new();
    let stage = pieces.clone().first(listens());
    stage.start(plenty()).await;
    let other = stage.life.engine.start(Working { n: 0 }, plenty()).await.unwrap().id();
    settled().await;
    let left = stage.life.crash().await;
    pieces.trace.take();
    let life = Life::after(left, pieces.builder().at_rest().graph::<Lab>(listens())).unwrap();
    let run = life.engine.run::<Lab>(RUN).unwrap();
    for id in [RUN, other] {
        life.engine.run::<Lab>(id).unwrap().send(poke()).await.unwrap();
    }
    settled().await;
    assert_eq!(pieces.trace.take(), "");
    life.engine.wake(RUN).unwrap();
    life.engine.wake(RUN).unwrap();
    run.end().await.unwrap();
    settled().await;
    life.audit();
    assert_eq!(pieces.trace.take(), "Lab: … Waiting → Done.\n");
    assert!(!life.engine.run::<Lab>(other).unwrap().is_over());
}
