//! What a turn may use up, and what happens when that is spent.
use crate::{
    life::{Life, end, plenty},
    script::*,
    shown,
    world::World,
};
use domain::{MicroUsd, Tokens, Turns};
use engine::Budget;
use engine::testing::ManualClock;
use expect_test::{Expect, expect};
use std::time::Duration;

/// A model that calls and calls, never content.
fn restless() -> Vec<Round> {
    vec![vec![calls(&[("look", "a")])]]
}

async fn check(script: Vec<Round>, budget: Budget, told: Expect) {
    let life = Life::first(script);
    let end = life.play_with(budget).await;
    let asked = life.world.asked.lock().unwrap().len();
    told.assert_eq(&format!("asked {asked} times, {}", shown::end(&end)));
}

#[tokio::test]
async fn an_empty_meter_stops_the_turn_and_is_named() {
    let budget =
        |turns, tokens, money| Budget::new(1000, Turns(turns)).and(Tokens(tokens)).and(MicroUsd(money));
    check(restless(), budget(3, 1_000_000, 1_000_000), expect!["asked 3 times, Stopped, out of turns"]).await;
    // An answer may take 100 tokens, and takes 15.
    check(restless(), budget(100, 130, 1_000_000), expect!["asked 3 times, Stopped, out of tokens"]).await;
    check(restless(), budget(100, 99, 1_000_000), expect!["asked 0 times, Stopped, out of tokens"]).await;
    // An answer takes 7.
    check(restless(), budget(100, 1_000_000, 20), expect!["asked 3 times, Stopped, out of money"]).await;
    check(restless(), budget(100, 1_000_000, 0), expect!["asked 0 times, Stopped, out of money"]).await;
    check(
        restless(),
        Budget::new(7, Turns(100)).and(Tokens(1_000_000)).and(MicroUsd(1_000)),
        expect!["asked 3 times, Stopped, out of moves"],
    )
    .await;
}

#[tokio::test]
async fn correcting_for_ever_ends_with_the_turns() {
    let stubborn = vec![vec![calls(&[("zap", "a")])]];
    let budget = Budget::new(1000, Turns(5)).and(Tokens(1_000_000)).and(MicroUsd(1_000));
    check(stubborn, budget, expect!["asked 5 times, Stopped, out of turns"]).await;
}

#[tokio::test]
async fn a_lost_attempt_keeps_what_was_held_for_it() {
    let budget = Budget::new(1000, Turns(100)).and(Tokens(250)).and(MicroUsd(1_000));
    check(vec![vec![busy()]], budget, expect!["asked 2 times, Stopped, out of tokens"]).await;
}

#[tokio::test]
async fn the_deadline_stops_the_turn_wherever_it_is() {
    let hangs = |item: Attempt| vec![vec![item], vec![says("late")]];
    for (script, until) in [
        (hangs(vec![text("so"), Item::Hang]), "hangs"),
        (hangs(calls(&[("look", "gate")])), "runs look gate"),
    ] {
        let clock = ManualClock::new();
        let life = Life::of(World::new(script), Vec::new(), clock.clone());
        let run = life.start(plenty().within(Duration::from_secs(60)));
        life.world.until(until).await;
        clock.advance(Duration::from_secs(61));
        assert_eq!(shown::end(&end(&run).await), "Stopped, out of time");
    }
}
