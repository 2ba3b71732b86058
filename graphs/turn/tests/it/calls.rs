//! Turns with calls: each has exactly one result in the next question, in the order of the calls, whatever became of it.
use crate::{
    life::{Life, end, plenty},
    script::*,
    shown,
    tools::SECRET,
    world::World,
};
use engine::testing::{ManualClock, settled};
use expect_test::{Expect, expect};
use turn::READS_AT_ONCE_MAX;

async fn check(first: &[(&str, &str)], trace: Expect) -> Life {
    let life = Life::first(vec![vec![calls(first)], vec![says("done")]]);
    let end = life.play().await;
    trace.assert_eq(&format!("{}\n{}", life.world.trace(), shown::end(&end)));
    life
}

#[tokio::test]
async fn one_call_then_an_answer() {
    let mut life = check(
        &[("look", "a")],
        expect![[r#"
        Gathering → Asking
        asked: user hi
        Asking → Judging
        Judging → Acting
        runs look a
        Acting → Asking
        asked: user hi · calls look · 0 look: a
        Asking → Answered
        Answered, Stop, 2 rounds"#]],
    )
    .await;
    expect![[r#"
        asking, round 1, attempt 1
        calling look {"what":"a"}
        called look {"what":"a"}: Done
        asking, round 2, attempt 1
        text "do"
        text "ne""#]]
    .assert_eq(&life.told());
}

#[tokio::test]
async fn reads_run_side_by_side_and_writes_in_order() {
    let reads = [("look", "together"); READS_AT_ONCE_MAX];
    let life = Life::first(vec![vec![calls(&reads)], vec![says("done")]]);
    assert_eq!(shown::end(&life.play().await), "Answered, Stop, 2 rounds");
    let ran = life.world.ran();
    assert!(ran.iter().all(|ran| ran.attempt == 1) && ran.len() == READS_AT_ONCE_MAX);
    check(&[("look", "a"), ("look", "b"), ("note", "c"), ("note", "d"), ("look", "e")], expect![[r#"
        Gathering → Asking
        asked: user hi
        Asking → Judging
        Judging → Acting
        runs look a
        runs look b
        runs note c
        runs note d
        runs look e
        Acting → Asking
        asked: user hi · calls look look note note look · 0 look: a · 1 look: b · 2 note: c · 3 note: d · 4 look: e
        Asking → Answered
        Answered, Stop, 2 rounds"#]]).await;
}

#[tokio::test]
async fn no_more_reads_run_at_once_than_the_bound_says() {
    let reads = [("look", "gate"); READS_AT_ONCE_MAX + 3];
    let life = Life::first(vec![vec![calls(&reads)], vec![says("done")]]);
    let run = life.start(plenty());
    life.world.until_there_are(READS_AT_ONCE_MAX, "runs").await;
    settled().await;
    assert_eq!(life.world.ran().len(), READS_AT_ONCE_MAX);
    life.world.gate.send_replace(true);
    assert_eq!(shown::end(&end(&run).await), "Answered, Stop, 2 rounds");
    assert_eq!(life.world.ran().len(), READS_AT_ONCE_MAX + 3);
}

#[tokio::test]
async fn a_write_waits_for_the_reads_before_it() {
    let life =
        Life::first(vec![vec![calls(&[("look", "gate"), ("note", "a"), ("look", "b")])], vec![says("done")]]);
    let run = life.start(plenty());
    life.world.until("runs look gate").await;
    settled().await;
    assert_eq!(life.world.ran().len(), 1);
    life.world.gate.send_replace(true);
    end(&run).await;
    let order: Vec<_> = life.world.ran().into_iter().map(|ran| ran.what).collect();
    assert_eq!(order, ["gate", "a", "b"]);
}

#[tokio::test]
async fn refused_and_approved_calls_have_their_results_in_order() {
    let mut life = check(&[("ship", "x"), ("look", "a"), ("zap", "x"), ("note", "fail"), ("look", "")], expect![[r#"
        Gathering → Asking
        asked: user hi
        Asking → Judging
        Judging → Acting
        runs look a
        runs note fail
        Acting → Asking
        asked: user hi · calls ship look zap note look · 0 refused: not run: `ship` changes something outside the workspace, which needs an approval, and nobody can be asked. Go on without it, or say what you would need. · 1 look: a · 2 refused: not run: there is no tool `zap`. The tools are: look, note, probe, send, ship. · 3 failed: it broke · 4 refused: not run: the arguments of `look` do not fit: they are not JSON. Write the call again.
        Asking → Answered
        Answered, Stop, 2 rounds"#]]).await;
    expect![[r#"
        asking, round 1, attempt 1
        correcting: not run: `ship` changes something outside the workspace, which needs an approval, and nobody can be asked. Go on without it, or say what you would need.
        calling look {"what":"a"}
        correcting: not run: there is no tool `zap`. The tools are: look, note, probe, send, ship.
        called look {"what":"a"}: Done
        calling note {"what":"fail"}
        called note {"what":"fail"}: Failed
        correcting: not run: the arguments of `look` do not fit: they are not JSON. Write the call again.
        asking, round 2, attempt 1
        text "do"
        text "ne""#]].assert_eq(&life.told());
}

#[tokio::test]
async fn when_all_are_refused_the_model_is_told_why_and_asked_again() {
    let mut life = check(&[("look", "no json!"), ("look", "{}"), ("loko", "a")], expect![[r#"
        Gathering → Asking
        asked: user hi
        Asking → Judging
        Judging → Correcting
        Correcting → Asking
        asked: user hi · calls look look loko · 0 refused: not run: the arguments of `look` do not fit: they are not JSON. Write the call again. · 1 refused: not run: the arguments of `look` do not fit: `what` is missing. Write the call again. · 2 refused: not run: there is no tool `loko`. Did you mean `look`? Write the call again.
        Asking → Answered
        Answered, Stop, 2 rounds"#]]).await;
    expect![[r#"
        asking, round 1, attempt 1
        correcting: not run: the arguments of `look` do not fit: they are not JSON. Write the call again.
        correcting: not run: the arguments of `look` do not fit: `what` is missing. Write the call again.
        correcting: not run: there is no tool `loko`. Did you mean `look`? Write the call again.
        asking, round 2, attempt 1
        text "do"
        text "ne""#]]
    .assert_eq(&life.told());
}

#[tokio::test]
async fn calls_of_one_id_and_one_name_are_told_apart() {
    check(
        &[("send", "a"), ("send", "a"), ("send", "a")],
        expect![[r#"
        Gathering → Asking
        asked: user hi
        Asking → Judging
        Judging → Acting
        runs send a
        runs send a
        runs send a
        Acting → Asking
        asked: user hi · calls send send send · 0 send: a · 1 send: a · 2 send: a
        Asking → Answered
        Answered, Stop, 2 rounds"#]],
    )
    .await;
}

#[tokio::test]
async fn a_tool_that_falls_over_stops_the_turn_and_nothing_else() {
    check(
        &[("note", "a"), ("note", "panic"), ("note", "b")],
        expect![[r#"
        Gathering → Asking
        asked: user hi
        Asking → Judging
        Judging → Acting
        runs note a
        runs note panic
        Acting stopped: the handler of `Acting` panicked
        Acting → Stopped
        Stopped, failed: the handler of `Acting` panicked"#]],
    )
    .await;
}

#[tokio::test]
async fn without_a_workspace_nothing_begins() {
    let world = World { no_bench: true, ..World::new(vec![vec![calls(&[("send", "a")])]]) };
    let life = Life::of(world, Vec::new(), ManualClock::hasty());
    let end = life.play().await;
    expect![[r#"
        Gathering → Asking
        asked: user hi
        Asking → Judging
        Judging → Acting
        Acting stopped: the workspace is gone
        Acting → Stopped
        Stopped, failed: the workspace is gone"#]]
    .assert_eq(&format!("{}\n{}", life.world.trace(), shown::end(&end)));
}

#[tokio::test]
async fn a_secret_is_in_no_record_and_in_no_question() {
    let life = check(&[("look", "secret"), ("send", "secret"), ("note", "secret")], expect![[r#"
        Gathering → Asking
        asked: user hi
        Asking → Judging
        Judging → Acting
        runs look secret
        runs send secret
        runs note secret
        Acting → Asking
        asked: user hi · calls look send note · 0 password = "[REDACTED]" · 1 password = "[REDACTED]" · 2 password = "[REDACTED]"
        Asking → Answered
        Answered, Stop, 2 rounds"#]]).await;
    let holds = |bytes: &[u8]| bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
    let groups = life.log.groups();
    assert!(!groups.iter().flat_map(|group| &group.records).any(|record| holds(record)));
    assert!(holds(format!("password = \"{SECRET}\"").as_bytes()), "the search finds what is there");
    assert!(!holds(format!("{:?}", life.world.asked.lock().unwrap()).as_bytes()));
}
