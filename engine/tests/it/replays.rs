//! Replays: the same handlers on the same results come to the same bytes; other ones are named, with what they did else.
use crate::lab::{Call, Lab, LabEnd, Pieces, Poke, RUN, Script, Stage, Then, listens, plenty, works};
use asker::{Asker, Counting, Marks};
use engine::{
    InstanceId, Journal,
    log::{Group, MemoryLog},
    prelude::*,
    replay::{ReplayFault, Replayed},
    testing::{Life, settled},
};
use expect_test::expect;
use server::Server;
use std::{future::ready, sync::Arc};

/// Makes one call that may be repeated and sends one letter once, both by these names.
fn calls(call: &'static str, letter: &'static str) -> Script {
    Script::new(move |what, cx| {
        Box::pin(async move {
            match what {
                Call::Work => {
                    let done: String = cx
                        .effect(call, Hold::NOTHING, |_| ready(Ok(Settled::new("called".to_owned()))))
                        .await?;
                    let send = |_, _: &String| ready(Ok(Settled::new(())));
                    match cx.once("send", letter.to_owned(), Hold::NOTHING, send).await? {
                        Once::Done(()) | Once::InDoubt(_) if done.is_empty() => Ok(Then::Work),
                        Once::Done(()) | Once::InDoubt(_) => Ok(Then::Wait),
                    }
                }
                Call::Poked(what) => Ok(Then::End(what)),
                Call::Elapsed => Ok(Then::End("nobody came".into())),
                Call::Tidy(why) => Ok(Then::End(why)),
            }
        })
    })
}

async fn replayed(groups: Vec<Group>, script: Script) -> Result<Replayed, ReplayFault> {
    let journal = Journal::of(Arc::new(MemoryLog::from_groups(groups)));
    Pieces::new().builder().graph::<Lab>(script).replay(&journal, RUN).await
}

/// A run that called, sent, waited and was told to end.
async fn recorded() -> Vec<Group> {
    let stage = Stage::first(calls("call", "dear all"));
    let run = stage.start(plenty()).await;
    settled().await;
    run.send(Poke { what: "enough".into() }).await.unwrap();
    run.end().await.unwrap();
    stage.life.log.groups()
}

fn difference(replayed: &Replayed) -> String {
    let difference = replayed.difference.as_ref().unwrap();
    let line = |line: &Option<String>| line.clone().unwrap_or_else(|| "nothing".into());
    let (was, is) = (line(&difference.recorded), line(&difference.replayed));
    format!("{} at {}:\n{was}\n{is}\n", difference.state, difference.seq)
}

#[tokio::test]
async fn the_same_code_comes_to_the_same_bytes() {
    let groups = recorded().await;
    let replayed = replayed(groups, calls("call", "dear all")).await.unwrap();
    assert_eq!((replayed.difference.as_ref(), replayed.moves), (None, 2));
    assert_eq!(replayed.recorded, replayed.replayed);
    expect![[r#"
        0 Working
          asks call: repeatable; result 8d9ecf3fa7e2a988
          asks send: once, intent 67f8d8b83f4555f1; result af1349b9f5f9a1a6
          → Waiting 2d3adedff11b61f1
        1 Waiting
          → Done 8347ed5f510d19ba"#]]
    .assert_eq(&replayed.replayed.join("\n"));
}

#[tokio::test]
async fn a_handler_that_asks_for_something_else_is_named() {
    let groups = recorded().await;
    let other = replayed(groups.clone(), calls("phone", "dear all")).await.unwrap();
    let letter = replayed(groups.clone(), calls("call", "dear nobody")).await.unwrap();
    let fewer = replayed(groups.clone(), listens()).await.unwrap();
    let elsewhere =
        replayed(groups, works(|_| Box::pin(ready(Ok(Then::End("at once".into())))))).await.unwrap();
    let all = [other, letter, fewer, elsewhere];
    assert!(all.iter().all(|replayed| replayed.moves == 0));
    expect![[r#"
        Working at 0:
          asks call: repeatable; result 8d9ecf3fa7e2a988
          asks phone: repeatable; not recorded
        Working at 0:
          asks send: once, intent 67f8d8b83f4555f1; result af1349b9f5f9a1a6
          asks send: once, intent 210324c896595a80; result af1349b9f5f9a1a6
        Working at 0:
          asks call: repeatable; result 8d9ecf3fa7e2a988
          → Waiting 2d3adedff11b61f1
        Working at 0:
          asks call: repeatable; result 8d9ecf3fa7e2a988
          → Done 751cf854b8c9fbf2
    "#]]
    .assert_eq(&all.iter().map(difference).collect::<String>());
}

#[tokio::test]
async fn nothing_begins_and_nothing_is_written() {
    let groups = recorded().await;
    let log = Arc::new(MemoryLog::from_groups(groups.clone()));
    let script = works(|cx| {
        Box::pin(async move {
            let call = |_| async { panic!("something began") };
            cx.effect::<(), _>("other", Hold::NOTHING, call).await?;
            Ok(Then::Wait)
        })
    });
    let builder = Pieces::new().builder().graph::<Lab>(script);
    let replayed = builder.replay(&Journal::of(log.clone()), RUN).await.unwrap();
    assert!(replayed.difference.is_some());
    assert_eq!(log.groups(), groups);
}

#[tokio::test]
async fn a_run_that_was_stopped_crashed_or_is_not_over_replays_as_far_as_it_came() {
    let stage = Stage::first(calls("call", "dear all"));
    stage.start(plenty()).await;
    settled().await;
    let living = replayed(stage.life.log.groups(), calls("call", "dear all")).await.unwrap();
    assert_eq!((living.difference, living.moves), (None, 1));
    // Killed, cancelled, and on its way to an end.
    let stage = stage.crash(calls("call", "dear all")).await;
    stage.run().cancel().await.unwrap();
    let LabEnd::Done(_) = stage.run().end().await.unwrap();
    let stopped = replayed(stage.life.log.groups(), calls("call", "dear all")).await.unwrap();
    assert_eq!((stopped.difference, stopped.moves), (None, 3));
    assert!(stopped.replayed.iter().any(|line| line.contains("stopped → Tidying")));
    // Cut at any record: what is there is replayed.
    let groups = recorded().await;
    for survived in 2..groups.len() {
        let stage = Pieces::new().after(groups[..survived].to_vec(), calls("call", "dear all"));
        let run = stage.run();
        run.send_as("poke", Poke { what: "enough".into() }).await.ok();
        run.end().await.unwrap();
        let again = replayed(stage.life.log.groups(), calls("call", "dear all")).await.unwrap();
        assert_eq!((again.difference, again.moves), (None, 2), "cut behind {survived} groups");
    }
}

#[tokio::test]
async fn parents_and_children_and_forks_replay() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let builder = || pieces.builder().graph::<Asker>(marks.clone()).graph::<Server>(());
    let life = Life::first(builder()).unwrap();
    let run = life.engine.start_as(RUN, Counting { from: 3 }, plenty()).await.unwrap();
    run.end().await.unwrap();
    let journal = life.engine.journal();
    for seq in 0..2 {
        let at = journal.point(RUN, seq).unwrap();
        life.engine.fork::<Asker>(&at, plenty(), Ok).unwrap().await.unwrap().end().await.unwrap();
    }
    settled().await;
    let made = marks.made().len();
    let runs = journal.runs().unwrap();
    assert!(runs.len() > 8);
    for run in runs {
        let replayed = builder().replay(&journal, run.instance).await.unwrap();
        assert_eq!((replayed.difference, replayed.moves), (None, run.moves));
    }
    assert_eq!(marks.made().len(), made, "nothing was marked once more");
}

#[tokio::test]
async fn what_cannot_be_replayed_is_refused_by_name() {
    let groups = recorded().await;
    let journal = Journal::of(Arc::new(MemoryLog::from_groups(groups)));
    let nobody = Pieces::new().builder().graph::<Lab>(listens()).replay(&journal, InstanceId(7)).await;
    assert!(matches!(nobody, Err(ReplayFault::Unknown(_))));
    let foreign = Pieces::new().builder().graph::<Server>(()).replay(&journal, RUN).await.unwrap_err();
    expect!["graph `Server`: state `Passing` asks `Down`, but no registered graph serves it: register one whose table says `serves Down;`"]
        .assert_eq(&foreign.to_string().replace(&RUN.to_string(), "42"));
}
