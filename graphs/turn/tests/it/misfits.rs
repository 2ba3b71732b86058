//! Answers that have not the form that was wanted: they are taken back, the model is told what is wrong, a few times, and what
//! became of each is found once and recorded.
use crate::{
    crashes::killed_everywhere,
    heard::Heard,
    life::{self, Life, RUN, attended, plenty, request},
    script::*,
    shown,
    world::World,
};
use domain::{DoubtAnswer, Finish, MicroUsd, Tokens, Turns};
use engine::{
    Budget, Engine, Opens,
    testing::{ManualClock, crash_everywhere},
};
use expect_test::{Expect, expect};
use std::sync::Arc;
use turn::Gathering;

async fn check(script: Vec<Round>, trace: Expect) -> Life {
    let life = Life::first(script);
    let end = life.play().await;
    let said = shown::messages(&life.said().await);
    trace.assert_eq(&format!("{}\n{}\nsaid: {said}", life.world.trace(), shown::end(&end)));
    life
}

#[tokio::test]
async fn the_model_is_told_what_is_wrong_and_mends_it() {
    let script = vec![vec![says("✗0 bare")], vec![says("✗1 bent")], vec![says("yes")]];
    let mut life = check(script, expect![[r#"
        Gathering → Asking
        asked: user hi
        Asking → Misfitting
        Misfitting → Asking
        asked: user hi · says ✗0 bare · user This answer has not the form that was asked for: it is 0 bare. Answer again, with nothing but JSON that fits the schema.
        Asking → Misfitting
        Misfitting → Asking
        asked: user hi · says ✗1 bent · user This answer has not the form that was asked for: it is 1 bent. Answer again, with nothing but JSON that fits the schema.
        Asking → Answered
        Answered, Stop, 3 rounds
        said: user hi · says ✗0 bare · says ✗1 bent · says yes"#]]).await;
    expect![[r#"
        asking, round 1, attempt 1
        text "✗0"
        text " bare"
        unfit: it is 0 bare; asked again, answer 2 of 3
        asking, round 2, attempt 1
        text "✗1"
        text " bent"
        unfit: it is 1 bent; asked again, answer 3 of 3
        asking, round 3, attempt 1
        text "y"
        text "es""#]]
    .assert_eq(&life.told());
    assert_eq!(life.left(), [97, 1_000_000 - 45, 1_000_000 - 21], "each of them is charged");
}

#[tokio::test]
async fn a_model_that_does_not_get_it_is_told_so_often_and_no_more() {
    let script = vec![vec![says("✗0 a")], vec![says("✗1 b")], vec![says("✗2 c")], vec![says("late")]];
    check(script, expect![[r#"
        Gathering → Asking
        asked: user hi
        Asking → Misfitting
        Misfitting → Asking
        asked: user hi · says ✗0 a · user This answer has not the form that was asked for: it is 0 a. Answer again, with nothing but JSON that fits the schema.
        Asking → Misfitting
        Misfitting → Asking
        asked: user hi · says ✗1 b · user This answer has not the form that was asked for: it is 1 b. Answer again, with nothing but JSON that fits the schema.
        Asking → Misfitting
        Misfitting → Stopped
        Stopped, unfit: 3 answers in a row had not the form that was asked for; in the last one it is 2 c
        said: user hi · says ✗0 a · says ✗1 b · says ✗2 c"#]]).await;
}

#[tokio::test]
async fn words_beside_calls_need_no_form_and_what_was_cut_off_has_none() {
    let beside = [text("✗ let me look"), call(0, "look", r#"{"what":"a"}"#)];
    let beside = beside.into_iter().chain(stops(Finish::Calls)).collect();
    let cut = [text("✗1 half")].into_iter().chain(stops(Finish::Length)).collect();
    check(vec![vec![beside], vec![cut], vec![says("yes")]], expect![[r#"
        Gathering → Asking
        asked: user hi
        Asking → Judging
        Judging → Acting
        runs look a
        Acting → Asking
        asked: user hi · ✗ let me lookcalls look · 0 look: a
        Asking → Misfitting
        Misfitting → Asking
        asked: user hi · ✗ let me lookcalls look · 0 look: a · says ✗1 half · user This answer has not the form that was asked for: it reached the limit of an answer and was cut off there: it is 1 half. Answer again, with nothing but JSON that fits the schema.
        Asking → Answered
        Answered, Stop, 3 rounds
        said: user hi · ✗ let me lookcalls look · 0 look: a · says ✗1 half · says yes"#]]).await;
}

#[tokio::test]
async fn half_a_refusal_is_no_answer_of_a_form() {
    let refused = [text("✗0 well")].into_iter().chain(stops(Finish::Refused("filtered".into()))).collect();
    check(
        vec![vec![refused]],
        expect![[r#"
        Gathering → Asking
        asked: user hi
        failed: the model refused the question: filtered
        Asking stopped: the model refused the question: filtered
        Asking → Stopped
        Stopped, failed: the model refused the question: filtered
        said: user hi"#]],
    )
    .await;
}

#[tokio::test]
async fn the_budget_bounds_it_too() {
    let life = Life::first(vec![vec![says("✗0 a")], vec![says("✗1 b")], vec![says("yes")]]);
    let budget = Budget::new(1000, Turns(2)).and(Tokens(1_000_000)).and(MicroUsd(1_000));
    assert_eq!(shown::end(&life.play_with(budget).await), "Stopped, out of turns");
}

/// A look and a note, two answers without the form, one with an attempt that was lost, and one that has it.
fn long() -> Vec<Round> {
    vec![
        vec![calls(&[("look", "a"), ("note", "c")])],
        vec![says("✗1 a")],
        vec![busy(), says("✗2 b")],
        vec![says("yes")],
    ]
}

#[tokio::test]
async fn what_was_found_is_found_once_wherever_the_process_dies() {
    expect![[r#"
        nothing: asks, asks, asks, asks #2, asks, look, note
        nothing: asks, asks, asks, asks #2, asks, look, note
        start in Gathering: asks, asks, asks, asks #2, asks, look, note
        move to Asking: asks, asks, asks, asks #2, asks, look, note
        begin of answer #1: asks #2, asks, asks, asks #2, asks, look, note
        result of answer: asks, asks, asks #2, asks, look, note
        move to Judging: asks, asks, asks #2, asks, look, note
        move to Acting: asks, asks, asks #2, asks, look, note
        begin of call/0 #1: asks, asks, asks #2, asks, look #2, note
        result of call/0: asks, asks, asks #2, asks, note
        begin of call/1 #1: asks, asks, asks #2, asks, note #2
        result of call/1: asks, asks, asks #2, asks
        move to Asking: asks, asks, asks #2, asks
        begin of answer #1: asks #2, asks, asks #2, asks
        result of answer: asks, asks #2, asks
        move to Misfitting: asks, asks #2, asks
        move to Asking: asks, asks #2, asks
        begin of answer #1: asks #2, asks
        begin of answer #2: asks #3, asks
        result of answer: asks
        move to Misfitting: asks
        move to Asking: asks
        begin of answer #1: asks #2
        result of answer: "#]]
    .assert_eq(&killed_everywhere(long()).await);
    expect![[r#"
        nothing: asks, asks, asks
        nothing: asks, asks, asks
        start in Gathering: asks, asks, asks
        move to Asking: asks, asks, asks
        begin of answer #1: asks #2, asks, asks
        result of answer: asks, asks
        move to Misfitting: asks, asks
        move to Asking: asks, asks
        begin of answer #1: asks #2, asks
        result of answer: asks
        move to Misfitting: asks
        move to Asking: asks
        begin of answer #1: asks #2
        result of answer: 
        move to Misfitting: "#]]
    .assert_eq(&killed_everywhere(vec![vec![says("✗0 a")], vec![says("✗1 b")], vec![says("✗2 c")]]).await);
}

#[tokio::test]
async fn a_crash_at_any_record_changes_nothing_and_every_life_is_audited() {
    for script in [long(), vec![vec![says("✗0 a")], vec![says("✗1 b")], vec![says("✗2 c")]]] {
        let builder =
            || life::builder(&Arc::new(World::new(script.clone())), &Heard::default(), ManualClock::hasty());
        let play = async |engine: Engine| {
            let run = engine.start_as(RUN, Gathering::open(request()), plenty()).await.unwrap();
            let end = attended(&run, engine.listen(), DoubtAnswer::Drop).await;
            let mut said = Vec::new();
            engine.journal().facts(&mut |fact| said.push((fact.id, fact.owner.0))).unwrap();
            (shown::end(&end), said)
        };
        let crashes = crash_everywhere(builder, play).await;
        crashes.all_alike();
        assert!(crashes.cut.len() > 12, "it is crashed behind each of {} groups", crashes.cut.len());
    }
}
