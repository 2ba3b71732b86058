//! Cancels, at every await: the turn ends at once, and nothing half is recorded.
use crate::{
    life::{Life, end, plenty},
    script::*,
    shown,
    world::World,
};
use domain::{Message, whole};
use engine::testing::{ManualClock, settled};
use expect_test::expect;

fn story() -> Vec<Round> {
    vec![
        vec![busy(), calls(&[("look", "a"), ("zap", "x"), ("note", "b")])],
        vec![calls(&[("zap", "x")])],
        vec![says("done")],
    ]
}

#[tokio::test]
async fn a_cancel_at_any_await_ends_the_turn_and_leaves_nothing_half() {
    let mut table = Vec::new();
    for stuck_at in 1.. {
        let life = Life::of(World { stuck_at, ..World::new(story()) }, Vec::new(), ManualClock::hasty());
        let run = life.start(plenty());
        tokio::select! {
            _ = end(&run) => break,
            () = life.world.until("stuck") => {}
        }
        run.cancel().await.unwrap();
        let end = shown::end(&end(&run).await);
        let at = life.world.lines.borrow().iter().rev().find(|line| line.contains("stopped")).cloned();
        table.push(format!("{}, {end}: {}", at.unwrap(), shown::messages(&life.said().await)));
    }
    table.dedup();
    expect![[r#"
        Asking stopped: cancelled, Stopped, cancelled: user hi
        Acting stopped: cancelled, Stopped, cancelled: user hi · calls look zap note
        Acting stopped: cancelled, Stopped, cancelled: user hi · calls look zap note · 0 look: a
        Asking stopped: cancelled, Stopped, cancelled: user hi · calls look zap note · 0 look: a · 2 note: b · 1 refused: not run: there is no tool `zap`. The tools are: look, note, probe, send, ship.
        Asking stopped: cancelled, Stopped, cancelled: user hi · calls look zap note · 0 look: a · 2 note: b · 1 refused: not run: there is no tool `zap`. The tools are: look, note, probe, send, ship. · calls zap · 0 refused: not run: there is no tool `zap`. The tools are: look, note, probe, send, ship."#]].assert_eq(&table.join("\n"));
}

#[tokio::test]
async fn a_cancel_between_two_attempts_ends_the_wait() {
    let life = Life::of(World::new(vec![vec![busy()]]), Vec::new(), ManualClock::new());
    let run = life.start(plenty());
    life.world.until("failed").await;
    run.cancel().await.unwrap();
    assert_eq!(shown::end(&end(&run).await), "Stopped, cancelled");
    assert_eq!(life.world.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_cancel_before_the_question_is_on_disk_asks_nobody() {
    let life = Life::first(vec![vec![says("hello")]]);
    life.log.hold();
    let run = life.start(plenty());
    settled().await;
    let cancelled = run.cancel();
    life.log.release();
    cancelled.await.unwrap();
    while !run.is_over() {
        life.log.release();
        tokio::task::yield_now().await;
    }
    assert_eq!(shown::end(&end(&run).await), "Stopped, cancelled");
    assert!(life.world.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_call_that_is_never_repeated_may_come_out_after_a_cancel_and_no_other_begins() {
    let life =
        Life::first(vec![vec![calls(&[("send", "gate"), ("send", "b"), ("note", "c")])], vec![says("done")]]);
    let run = life.start(plenty());
    life.world.until("runs send gate").await;
    run.cancel().await.unwrap();
    life.world.gate.send_replace(true);
    assert_eq!(shown::end(&end(&run).await), "Stopped, cancelled");
    let ran: Vec<_> = life.world.ran().into_iter().map(|ran| ran.what).collect();
    assert_eq!(ran, ["gate"], "what came after the cancel");
    let said = whole(life.said().await);
    assert!(matches!(&said[2], Message::Tool { text, .. } if text == "through the gate"), "{said:?}");
    assert_eq!(said.len(), 5);
}
