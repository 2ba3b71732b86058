//! Forks: another run goes on from a state of the past. Nothing of the shared past is done again, nothing that belongs to
//! the first run goes over to the second.
use crate::lab::{Lab, LabEnd, Pieces, Poke, RUN, Stage, Then, Working, World, listens, plenty, works};
use asker::{Asker, Counting, Marks};
use engine::{
    Amount, InstanceId, Refused, Run, Ticket,
    fork::ForkFault,
    prelude::*,
    testing::{Life, crash_everywhere, settled},
};
use expect_test::expect;
use server::Server;
use std::future::ready;

/// Works three times, each with an effect, then waits for a word.
fn three_times(world: &World) -> crate::lab::Script {
    let world = world.clone();
    let count = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    works(move |cx| {
        let (world, count) = (world.clone(), count.clone());
        Box::pin(async move {
            let call = |ticket: Ticket| {
                world.note(ticket.key());
                ready(Ok(Settled::new(())))
            };
            let hold = cx.hold(Amount([1, 0, 0]))?;
            cx.effect("call", hold, call).await?;
            let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            Ok(if n % 3 == 0 { Then::Wait } else { Then::Work })
        })
    })
}

async fn said(run: &Run<Lab>) -> String {
    run.send(Poke { what: "go".into() }).await.unwrap();
    let LabEnd::Done(done) = run.end().await.unwrap();
    done.said
}

#[tokio::test]
async fn a_fork_goes_on_from_where_the_first_run_was_and_repeats_nothing_before_it() {
    let world = World::default();
    let stage = Stage::first(three_times(&world));
    let first = stage.start(plenty()).await;
    settled().await;
    assert_eq!(said(&first).await, "go");
    let before = world.take();
    assert_eq!(before.len(), 3);
    let journal = stage.life.engine.journal();
    // The third state, Working{2}: one more effect, then it waits.
    let at = journal.point(RUN, 2).unwrap();
    assert_eq!((at.instance(), at.seq()), (RUN, 2));
    let budget = Budget::new(50, Amount([5, 0, 0]));
    let fork = stage.life.engine.fork::<Lab>(&at, budget, Ok).unwrap().await.unwrap();
    settled().await;
    let after = world.take();
    assert!(!after.is_empty() && after.iter().all(|key| !before.contains(key)), "its keys are its own");
    let runs = journal.runs().unwrap();
    let row = runs.iter().find(|run| run.instance == fork.id()).unwrap();
    assert_eq!(row.origin, Some((RUN, 2)));
    assert_eq!((row.graph.as_str(), row.parent), ("Lab", None));
    assert_eq!(row.left.0[0], 5 - after.len() as u64, "its budget is its own");
    fork.cancel().await.unwrap();
    fork.end().await.unwrap();
    settled().await;
    stage.life.audit();
}

#[tokio::test]
async fn a_fork_has_an_empty_mailbox_and_may_begin_in_another_state() {
    let stage = Stage::first(listens());
    let first = stage.start(plenty()).await;
    settled().await;
    stage.life.engine.park(RUN, "x").await.unwrap();
    first.send(Poke { what: "for the first".into() }).await.unwrap();
    let at = stage.life.engine.journal().point(RUN, 1).unwrap();
    let change = |state| match state {
        crate::lab::LabState::Waiting(waiting) => Ok(crate::lab::Waiting { n: waiting.n + 7 }.into()),
        crate::lab::LabState::Working(_)
        | crate::lab::LabState::Tidying(_)
        | crate::lab::LabState::Done(_) => Err(Refused("it is not waiting".into())),
    };
    let fork = stage.life.engine.fork::<Lab>(&at, plenty(), change).unwrap().await.unwrap();
    settled().await;
    let n = fork.look(|state| match state {
        crate::lab::LabState::Waiting(waiting) => waiting.n,
        crate::lab::LabState::Working(_)
        | crate::lab::LabState::Tidying(_)
        | crate::lab::LabState::Done(_) => 0,
    });
    assert_eq!(n.unwrap(), 7);
    assert_eq!(said(&fork).await, "go");
    // What the change refuses is no fork.
    let at = stage.life.engine.journal().point(RUN, 0).unwrap();
    let refused = stage.life.engine.fork::<Lab>(&at, plenty(), change).err().unwrap().to_string();
    assert_eq!(refused, format!("run {RUN} cannot be forked at 0: it is not waiting"));
    settled().await;
    stage.life.audit();
}

#[tokio::test]
async fn what_cannot_be_forked_is_refused_by_name_and_changes_nothing() {
    let stage = Stage::first(listens());
    let first = stage.start(plenty()).await;
    settled().await;
    said(&first).await;
    let (engine, journal) = (&stage.life.engine, stage.life.engine.journal());
    let before = journal.durable();
    let words = |fault: ForkFault| fault.to_string().replace(&RUN.to_string(), "42");
    expect!["run 42 has made 2 moves: it can be forked at 0 to 2, not at 3"]
        .assert_eq(&words(journal.point(RUN, 3).unwrap_err()));
    assert!(matches!(journal.point(InstanceId(7), 0), Err(ForkFault::Unknown(_))));
    let end = journal.point(RUN, 2).unwrap();
    let refused = engine.fork::<Lab>(&end, plenty(), Ok).err().unwrap();
    expect!["run 42 had ended by its move 2, and nothing follows an end: fork it at an earlier one"]
        .assert_eq(&words(refused));
    let other = engine.fork::<Asker>(&journal.point(RUN, 0).unwrap(), plenty(), Ok).err().unwrap();
    expect!["run 42 is not one of graph `Asker`"].assert_eq(&words(other));
    assert_eq!(journal.durable(), before);
}

#[tokio::test]
async fn a_fork_asks_a_child_of_its_own() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let life = Life::first(pieces.builder().graph::<Asker>(marks.clone()).graph::<Server>(())).unwrap();
    let run = life.engine.start_as(RUN, Counting { from: 2 }, plenty()).await.unwrap();
    run.end().await.unwrap();
    settled().await;
    let before = marks.made();
    // In the second state, Asking.
    let at = life.engine.journal().point(RUN, 1).unwrap();
    let fork = life.engine.fork::<Asker>(&at, plenty(), Ok).unwrap().await.unwrap();
    fork.end().await.unwrap();
    settled().await;
    life.audit();
    let made = marks.made();
    let more = &made[before.len()..];
    assert!(!more.is_empty() && more.iter().all(|mark| !before.contains(mark)), "{made:?}");
}

#[tokio::test]
async fn a_crash_at_any_record_leaves_a_whole_fork_or_none() {
    let pieces = Pieces::new();
    let script = async |engine: Engine| {
        let first = engine.start_as(RUN, Working { n: 0 }, plenty()).await.unwrap();
        settled().await;
        let journal = engine.journal();
        let there = journal.runs().unwrap().into_iter().find(|run| run.origin == Some((RUN, 1)));
        let fork = match there {
            Some(run) => engine.run::<Lab>(run.instance).unwrap(),
            None => {
                let at = journal.point(RUN, 1).unwrap();
                engine.fork::<Lab>(&at, plenty(), Ok).unwrap().await.unwrap()
            }
        };
        for run in [&first, &fork] {
            // A life that finds it ended has nothing to say to it.
            let _ = run.send_as("poke", Poke { what: "go".into() }).await;
            run.end().await.unwrap();
        }
        settled().await;
        journal.runs().unwrap().len()
    };
    let crashes = crash_everywhere(|| pieces.builder().graph::<Lab>(listens()), script).await;
    assert_eq!(crashes.uncut, 2);
    assert!(crashes.cut.iter().all(|crash| crash.said == 2));
}
