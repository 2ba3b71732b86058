//! Events: they wait for the state that lists them, oldest first, are handled once, and are on disk when the sender is
//! told so.
use crate::lab::{Call, Nudge, Poke, Script, Stage, Then, listens, plenty};
use engine::{MAIL_MAX, SendFault};
use expect_test::expect;
use std::{
    future::ready,
    sync::{Arc, Mutex},
};

fn poke(what: &str) -> Poke {
    Poke { what: what.into() }
}

/// Collects pokes until it hears `stop`.
fn collects() -> Script {
    let heard = Arc::new(Mutex::new(Vec::new()));
    Script::new(move |call, _| {
        let then = match call {
            Call::Work => Then::Wait,
            Call::Poked(what) if what == "stop" => Then::End(heard.lock().unwrap().join(" ")),
            Call::Poked(what) => {
                heard.lock().unwrap().push(what);
                Then::Wait
            }
            Call::Elapsed => Then::End("nobody came".into()),
            Call::Tidy(why) => Then::End(why),
        };
        Box::pin(ready(Ok(then)))
    })
}

#[tokio::test]
async fn events_are_handled_in_the_order_in_which_they_came() {
    let stage = Stage::first(collects());
    let run = stage.start(plenty()).await;
    for what in ["a", "b", "c", "stop"] {
        run.send(poke(what)).await.unwrap();
    }
    expect![[r#"
        Lab: Working → Waiting → Waiting → Waiting → Waiting → Done.
        a b c
    "#]]
    .assert_eq(&stage.end().await);
}

#[tokio::test]
async fn an_event_waits_until_a_state_lists_it() {
    // The run is at work for as long as the test holds the gate.
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let held = gate.clone();
    let stage = Stage::first(Script::new(move |call, _| {
        let held = held.clone();
        Box::pin(async move {
            if let Call::Work = call {
                held.acquire().await.unwrap().forget();
                return Ok(Then::Wait);
            }
            Ok(Then::End("poked".into()))
        })
    }));
    let run = stage.start(plenty()).await;
    run.send(poke("early")).await.unwrap();
    expect!["Lab: Working\n"].assert_eq(&stage.so_far().await);
    gate.add_permits(1);
    expect![[r#"
         → Waiting → Done.
        poked
    "#]]
    .assert_eq(&stage.end().await);
}

#[tokio::test]
async fn the_oldest_listed_event_comes_first_whatever_its_type() {
    let stage = Stage::first(listens());
    let run = stage.start(plenty()).await;
    run.send(Nudge { what: "first".into() }).await.unwrap();
    run.send(poke("second")).await.unwrap();
    assert!(stage.end().await.ends_with("nudged: first\n"));
}

#[tokio::test]
async fn an_event_that_is_sent_again_changes_nothing() {
    let stage = Stage::first(collects());
    let run = stage.start(plenty()).await;
    for what in ["a", "b"] {
        run.send_as("same", poke(what)).await.unwrap();
    }
    stage.so_far().await;
    run.send_as("same", poke("c")).await.unwrap();
    run.send(poke("stop")).await.unwrap();
    assert!(stage.end().await.ends_with("\na\n"));
    // It was handled, so the sender may believe that, although the run takes no events any more.
    run.send_as("same", poke("d")).await.unwrap();
    assert!(matches!(run.send_as("other", poke("d")).await, Err(SendFault::Over(_))));
}

#[tokio::test]
async fn an_event_that_is_sent_again_after_a_restart_changes_nothing() {
    let stage = Stage::first(listens());
    let run = stage.start(plenty()).await;
    run.send_as("same", Poke { what: "a".into() }).await.unwrap();
    expect!["Lab: Working → Waiting → Done.\na\n"].assert_eq(&stage.end().await);
    let stage = stage.crash(listens()).await;
    stage.run().send_as("same", Poke { what: "b".into() }).await.unwrap();
    expect!["a\n"].assert_eq(&stage.end().await);

    let stage = Stage::first(collects());
    stage.start(plenty()).await.send_as("same", poke("a")).await.unwrap();
    stage.so_far().await;
    let stage = stage.crash(collects()).await;
    stage.run().send_as("same", poke("b")).await.unwrap();
    stage.run().send(poke("stop")).await.unwrap();
    // The first poke was heard in the first life, the second one is the first again.
    expect![[r#"
        Lab: … Waiting → Done.

    "#]]
    .assert_eq(&stage.end().await);
}

#[tokio::test]
async fn a_mailbox_is_full_at_last() {
    let stage = Stage::first(Script::new(|_, _| Box::pin(std::future::pending())));
    let run = stage.start(plenty()).await;
    for _ in 0..MAIL_MAX {
        run.send(poke("x")).await.unwrap();
    }
    assert!(matches!(run.send(poke("one more")).await, Err(SendFault::Full(_))));
    stage.life.audit();
}

#[tokio::test]
async fn a_run_that_is_over_takes_no_events() {
    let stage = Stage::first(listens());
    let run = stage.start(plenty()).await;
    run.send(poke("a")).await.unwrap();
    stage.end().await;
    assert!(matches!(run.send(poke("b")).await, Err(SendFault::Over(_))));
}
