//! Turns with calls: each has exactly one result in the next question, in the order of the calls, whatever became of it.
use crate::{
    life::{Life, end, plenty},
    script::*,
    shown,
    tools::SECRET,
    world::World,
};
use crate::clock::TestClock;
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
    let mut life = check(&[("look", "a")], expect![[""]]).await;
    expect![[""]].assert_eq(&life.told());
}

#[tokio::test]
async fn reads_run_side_by_side_and_writes_in_order() {
    let reads = [("look", "together"); READS_AT_ONCE_MAX];
    let life = Life::first(vec![vec![calls(&reads)], vec![says("done")]]);
    assert_eq!(shown::end(&life.play().await), "Answered, Stop, 2 rounds");
    let ran = life.world.ran();
    assert!(ran.iter().all(|ran| ran.attempt == 1) && ran.len() == READS_AT_ONCE_MAX);
    check(&[("look", "a"), ("look", "b"), ("note", "c"), ("note", "d"), ("look", "e")], expect![[""]]).await;
}

#[tokio::test]
async fn no_more_reads_run_at_once_than_the_bound_says() {
    let reads = [("look", "gate"); READS_AT_ONCE_MAX + 3];
    let life = Life::first(vec![vec![calls(&reads)], vec![says("done")]]);
    let run = life.start(plenty());
    let begun = |lines: &Vec<String>| {
        lines.iter().filter(|line| line.starts_with("runs")).count() >= READS_AT_ONCE_MAX
    };
    life.world.lines.subscribe().wait_for(begun).await.unwrap();
    // Everything that can go on goes on.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(life.world.ran().len(), READS_AT_ONCE_MAX);
    life.world.gate.send_replace(true);
    assert_eq!(shown::end(&end(&run).await), "Answered, Stop, 2 rounds");
    assert_eq!(life.world.ran().len(), READS_AT_ONCE_MAX + 3);
}

#[tokio::test]
async fn a_write_waits_for_the_reads_before_it() {
    let life = Life::first(vec![vec![calls(&[("look", "gate"), ("note", "a"), ("look", "b")])], vec![says("done")]]);
    let run = life.start(plenty());
    life.world.until("runs look gate").await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(life.world.ran().len(), 1);
    life.world.gate.send_replace(true);
    end(&run).await;
    let order: Vec<_> = life.world.ran().into_iter().map(|ran| ran.what).collect();
    assert_eq!(order, ["gate", "a", "b"]);
}

#[tokio::test]
async fn refused_and_approved_calls_have_their_results_in_order() {
    let mut life = check(&[("ship", "x"), ("look", "a"), ("zap", "x"), ("note", "fail"), ("look", "")], expect![[""]]).await;
    expect![[""]].assert_eq(&life.told());
}

#[tokio::test]
async fn when_all_are_refused_the_model_is_told_why_and_asked_again() {
    let mut life = check(&[("look", "no json!"), ("look", "{}"), ("loko", "a")], expect![[""]]).await;
    expect![[""]].assert_eq(&life.told());
}

#[tokio::test]
async fn calls_of_one_id_and_one_name_are_told_apart() {
    check(&[("send", "a"), ("send", "a"), ("send", "a")], expect![[""]]).await;
}

#[tokio::test]
async fn a_tool_that_falls_over_stops_the_turn_and_nothing_else() {
    check(&[("note", "a"), ("note", "panic"), ("note", "b")], expect![[""]]).await;
}

#[tokio::test]
async fn without_a_workspace_nothing_begins() {
    let world = World { no_bench: true, ..World::new(vec![vec![calls(&[("send", "a")])]]) };
    let life = Life::of(world, Vec::new(), TestClock::hasty());
    let end = life.play().await;
    expect![[""]].assert_eq(&format!("{}\n{}", life.world.trace(), shown::end(&end)));
}

#[tokio::test]
async fn a_secret_is_in_no_record_and_in_no_question() {
    let life = check(&[("look", "secret"), ("send", "secret"), ("note", "secret")], expect![[""]]).await;
    let holds = |bytes: &[u8]| bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
    let groups = life.log.groups();
    assert!(!groups.iter().flat_map(|group| &group.records).any(|record| holds(record)));
    assert!(holds(format!("password = \"{SECRET}\"").as_bytes()), "the search finds what is there");
    assert!(!holds(format!("{:?}", life.world.asked.lock().unwrap()).as_bytes()));
}
