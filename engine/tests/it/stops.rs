//! Every way in which a run does not go on as its handlers would have it: cancel, fault, panic, a spent budget, a fault
//! where no fault can be handled any more.
use crate::lab::{
    Call, LabEnd, Pieces, Poke, RUN, Script, Stage, Then, Working, World, listens, plenty, works,
};
use engine::{
    Amount,
    prelude::*,
    testing::{crash_everywhere, settled},
};
use expect_test::expect;
use std::{
    future::{Future, pending, ready},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio::sync::Semaphore;

type Ran<T> = Result<Settled<T>, Fault>;

#[tokio::test]
async fn a_cancel_while_it_waits_is_told_once() {
    let stage = Stage::first(listens());
    let run = stage.start(plenty()).await;
    settled().await;
    run.cancel().await.unwrap();
    run.cancel().await.unwrap();
    expect![[r#"
        Lab: Working → Waiting ✗ cancelled → Tidying → Done.
        cancelled
    "#]]
    .assert_eq(&stage.end().await);
    run.cancel().await.unwrap();
    assert_eq!(stage.so_far().await, "");
}

#[tokio::test]
async fn a_cancel_drops_what_may_be_repeated_at_once() {
    let world = World::default();
    let noted = world.clone();
    let stage = Stage::first(works(move |cx| {
        let world = noted.clone();
        Box::pin(async move {
            let call = |_| {
                let dropped = Dropped(world.clone());
                async move {
                    let _dropped = dropped;
                    pending::<Ran<()>>().await
                }
            };
            cx.effect("call", Hold::NOTHING, call).await?;
            Ok(Then::End("called".into()))
        })
    }));
    let run = stage.start(plenty()).await;
    settled().await;
    run.cancel().await.unwrap();
    expect![[r#"
        Lab: Working [call ✗ cancelled → Tidying → Done.
        cancelled
    "#]]
    .assert_eq(&stage.end().await);
    assert_eq!(world.take(), ["dropped"]);
}

/// Says when it is dropped, as a port that kills its process would do it.
struct Dropped(World);
impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.note("dropped");
    }
}

/// Sends a letter once, and takes as long as the test likes; then it does something else.
fn slow_letter(gate: &Arc<Semaphore>, world: &World) -> Script {
    let (gate, world) = (gate.clone(), world.clone());
    works(move |cx| {
        let (gate, world) = (gate.clone(), world.clone());
        Box::pin(async move {
            let send = |_, _: &u8| async {
                gate.acquire().await.unwrap().forget();
                Ok(Settled::new("sent".to_owned()))
            };
            let said = match cx.once("send", 7u8, Hold::NOTHING, send).await? {
                Once::Done(said) => said,
                Once::InDoubt(_) => "in doubt".to_owned(),
            };
            let and = |_, _: &u8| {
                world.note("more");
                ready(Ok(Settled::new(())))
            };
            cx.once("more", 8u8, Hold::NOTHING, and).await?;
            Ok(Then::End(said))
        })
    })
}

#[tokio::test]
async fn a_cancel_lets_what_is_never_repeated_come_out_and_begins_nothing_more() {
    let (gate, world) = (Arc::new(Semaphore::new(0)), World::default());
    let stage = Stage::first(slow_letter(&gate, &world));
    let run = stage.start(plenty()).await;
    settled().await;
    run.cancel().await.unwrap();
    assert_eq!(stage.so_far().await, "Lab: Working [send\n");
    gate.add_permits(1);
    expect![[r#"
        ] ✗ cancelled → Tidying → Done.
        cancelled
    "#]]
    .assert_eq(&stage.end().await);
    assert_eq!(world.take(), [""; 0]);
}

#[tokio::test]
async fn a_cancel_does_not_wait_for_ever_and_what_it_left_is_in_doubt() {
    let (gate, world) = (Arc::new(Semaphore::new(0)), World::default());
    let stage = Stage::first(slow_letter(&gate, &world));
    let run = stage.start(plenty()).await;
    settled().await;
    run.cancel().await.unwrap();
    settled().await;
    stage.minutes(1);
    expect![[r#"
        Lab: Working [send ✗ cancelled → Tidying → Done.
        cancelled; in doubt: send
    "#]]
    .assert_eq(&stage.end().await);
}

#[tokio::test]
async fn a_fault_tells_the_stop_state_what_is_in_doubt() {
    let stage = Stage::first(works(|cx| {
        Box::pin(async move {
            let dead = |_, _: &u8| ready(Ran::<()>::Err(Fault::fatal("dead")));
            cx.once("send", 7u8, Hold::NOTHING, dead).await?;
            Err(Fault::fatal("and so is this"))
        })
    }));
    stage.start(plenty()).await;
    expect![[r#"
        Lab: Working [send failed] ✗ and so is this → Tidying → Done.
        and so is this; in doubt: send
    "#]]
    .assert_eq(&stage.end().await);
}

#[tokio::test]
async fn a_cancel_survives_a_crash_at_any_record() {
    let pieces = Pieces::new();
    let script = async |engine: Engine| {
        let run = engine.start_as(RUN, Working { n: 0 }, plenty()).await.unwrap();
        settled().await;
        run.cancel().await.unwrap();
        let LabEnd::Done(done) = run.end().await.unwrap();
        done.said
    };
    let crashes = crash_everywhere(|| pieces.builder().graph::<crate::lab::Lab>(listens()), script).await;
    assert_eq!(crashes.uncut, "cancelled");
    crashes.all_alike();
}

#[tokio::test]
async fn a_handler_that_asks_for_it_is_tried_again_a_few_times() {
    let tries = Arc::new(AtomicU32::new(0));
    let counted = tries.clone();
    let until = move |enough: u32| {
        let tries = counted.clone();
        works(move |_| {
            let n = tries.fetch_add(1, Relaxed) + 1;
            Box::pin(ready(if n < enough {
                Err(Fault::retry("not yet"))
            } else {
                Ok(Then::End(n.to_string()))
            }))
        })
    };
    let stage = Pieces::hasty().first(until(3));
    stage.start(plenty()).await;
    expect![[r#"
        Lab: Working (try 2) (try 3) → Done.
        3
    "#]]
    .assert_eq(&stage.end().await);

    tries.store(0, Relaxed);
    let stage = Pieces::hasty().first(until(u32::MAX));
    stage.start(plenty()).await;
    expect![[r#"
        Lab: Working (try 2) (try 3) (try 4) (try 5) ✗ not yet → Tidying → Done.
        not yet
    "#]]
    .assert_eq(&stage.end().await);
}

#[tokio::test]
async fn a_cancel_does_not_wait_for_the_next_try() {
    let stage = Stage::first(works(|_| Box::pin(ready(Err(Fault::retry("not yet"))))));
    let run = stage.start(plenty()).await;
    settled().await;
    run.cancel().await.unwrap();
    expect![[r#"
        Lab: Working (try 2) ✗ cancelled → Tidying → Done.
        cancelled
    "#]]
    .assert_eq(&stage.end().await);
}

/// Quiet panics: what a test provokes is no news.
fn panics(secret: &'static str) -> Then {
    std::panic::resume_unwind(Box::new(secret))
}

#[tokio::test]
async fn a_panic_stops_the_run_and_its_message_stays_out() {
    let stage = Stage::first(works(|_| Box::pin(async { Ok(panics("the password is 1234")) })));
    stage.start(plenty()).await;
    expect![[r#"
        Lab: Working ✗ the handler of `Working` panicked → Tidying → Done.
        the handler of `Working` panicked
    "#]]
    .assert_eq(&stage.end().await);
}

#[tokio::test]
async fn a_fault_on_the_way_to_an_end_sets_the_run_aside() {
    let stage = Stage::first(Script::new(|call, _| {
        Box::pin(ready(Err(match call {
            Call::Work | Call::Poked(_) | Call::Elapsed => Fault::fatal("broken"),
            Call::Tidy(_) => Fault::fatal("broken too"),
        })))
    }));
    let run = stage.start(plenty()).await;
    expect![[r#"
        Lab: Working ✗ broken → Tidying ‖ `Tidying`, on the way to an end after a stop: broken too
        run 42 is parked: `Tidying`, on the way to an end after a stop: broken too
    "#]]
    .assert_eq(&stage.end().await);
    // It stays aside after a restart, and says why.
    assert!(run.send(Poke { what: "x".into() }).await.is_err());
    let stage = stage.crash(listens()).await;
    expect![[r#"
        run 42 is parked: `Tidying`, on the way to an end after a stop: broken too
    "#]]
    .assert_eq(&stage.end().await);
}

#[tokio::test]
async fn a_run_cannot_say_that_the_journal_failed() {
    let stage = Stage::first(works(|_| Box::pin(ready(Err(Fault::Halted)))));
    stage.start(plenty()).await;
    expect![[r#"
        Lab: Working ‖ the journal cannot be written
        run 42 is parked: the journal cannot be written
    "#]]
    .assert_eq(&stage.end().await);
}

#[tokio::test]
async fn a_deadline_interrupts_a_handler_and_leaves_the_way_to_an_end_alone() {
    let stage = Stage::first(Script::new(|call, cx| {
        Box::pin(async move {
            match call {
                Call::Tidy(why) => {
                    let tidy = cx.effect("tidy", Hold::NOTHING, |_| ready(Ok(Settled::new(()))));
                    tidy.await.map(|()| Then::End(why))
                }
                Call::Work | Call::Poked(_) | Call::Elapsed => {
                    cx.effect("call", Hold::NOTHING, |_| pending::<Ran<()>>()).await?;
                    Ok(Then::End("called".into()))
                }
            }
        })
    }));
    stage.start(plenty().within(Duration::from_secs(90))).await;
    settled().await;
    stage.minutes(2);
    expect![[r#"
        Lab: Working [call ✗ out of time → Tidying [tidy] → Done.
        out of time
    "#]]
    .assert_eq(&stage.end().await);
}

#[tokio::test]
async fn nothing_begins_after_a_cancel() {
    let (gate, world) = (Arc::new(Semaphore::new(0)), World::default());
    let (held, noted) = (gate.clone(), world.clone());
    let stage = Stage::first(works(move |cx| {
        let (gate, world) = (held.clone(), noted.clone());
        Box::pin(async move {
            let slow = cx.once("slow", 1u8, Hold::NOTHING, |_, _| async {
                gate.acquire().await.unwrap().forget();
                Ok(Settled::new(()))
            });
            // It begins only when the slow one is done, and by then the run is cancelled.
            let after = async {
                slow.await?;
                let begin = |_| {
                    world.note("began");
                    ready(Ok(Settled::new(())))
                };
                cx.effect("after", Hold::NOTHING, begin).await
            };
            after.await?;
            Ok(Then::End("both".into()))
        })
    }));
    let run = stage.start(plenty()).await;
    settled().await;
    run.cancel().await.unwrap();
    gate.add_permits(1);
    expect![[r#"
        Lab: Working [slow] ✗ cancelled → Tidying → Done.
        cancelled
    "#]]
    .assert_eq(&stage.end().await);
    assert_eq!(world.take(), [""; 0]);
}

#[state]
pub(crate) struct Resting {
    pub(crate) laps: u32,
}
#[state]
pub(crate) struct Running {
    pub(crate) laps: u32,
}
#[state]
pub(crate) struct Retired {
    pub(crate) laps: u32,
}
graph! {
    /// Runs for years, each lap on a budget of its own.
    pub(crate) graph Runner v1 {
        start Resting;
        Resting after 1h -> Running;
        Running          -> Resting | Retired;
        lap Resting;
        end Retired;
        stop -> Retired;
    }
}
impl On<Elapsed> for Resting {
    async fn on(self, _: Elapsed, _: &mut Cx<Runner>) -> Next<Self, Elapsed> {
        go(Running { laps: self.laps + 1 })
    }
}
impl Step for Running {
    async fn step(self, cx: &mut Cx<Runner>) -> Next<Self> {
        let hold = cx.hold(Amount::on(0, 70))?;
        cx.effect("run", hold, |_| run_a_lap()).await?;
        if self.laps < 5 { go(Resting { laps: self.laps }) } else { go(Retired { laps: self.laps }) }
    }
}
impl From<Stop> for Retired {
    fn from(_: Stop) -> Retired {
        Retired { laps: 0 }
    }
}
fn run_a_lap() -> impl Future<Output = Ran<()>> + Send {
    ready(Ok(Settled::new(())))
}

#[tokio::test]
async fn a_lap_refills_the_budget_and_the_deadline() {
    let pieces = Pieces::new();
    let life = engine::testing::Life::first(pieces.builder().graph::<Runner>(())).unwrap();
    // Two moves and seventy tokens a lap, and a deadline that only a refill moves on.
    let budget = Budget::new(3, Amount::on(0, 100)).within(Duration::from_secs(2 * 3600));
    let run = life.engine.start(Resting { laps: 0 }, budget).await.unwrap();
    for _ in 0..5 {
        settled().await;
        life.audit();
        pieces.clock.advance(Duration::from_secs(3600));
    }
    let RunnerEnd::Retired(retired) = run.end().await.unwrap();
    life.audit();
    assert_eq!(retired.laps, 5, "{}", pieces.trace.take());
}
