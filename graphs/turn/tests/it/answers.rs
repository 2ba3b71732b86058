//! Turns without calls: what is recorded, told, charged and counted.
use crate::{life::Life, script::*, shown, world::used};
use domain::{Finish, Fragment, ModelFault};
use engine::log::Log;
use expect_test::{Expect, expect};
use turn::TurnEnd;

async fn check(script: Vec<Round>, trace: Expect) -> Life {
    let life = Life::first(script);
    let end = life.play().await;
    trace.assert_eq(&format!("{}\n{}", life.world.trace(), shown::end(&end)));
    life
}

#[tokio::test]
async fn an_answer_at_once() {
    let mut life = check(
        vec![vec![says("hello")]],
        expect![[r#"
        Gathering → Asking
        asked: user hi
        Asking → Answered
        Answered, Stop, 1 rounds"#]],
    )
    .await;
    expect![[r#"
        asking, round 1, attempt 1
        text "he"
        text "llo""#]]
    .assert_eq(&life.told());
    assert_eq!(shown::messages(&life.said().await), "user hi · says hello");
    let (used, titles) =
        life.heard.look(life.log.durable_lsn(), |facts| (facts.used.clone(), facts.touched.clone())).await;
    assert_eq!((used.len(), used[0].attempt, used[0].usage), (1, 1, USED));
    assert_eq!((titles.len(), titles[0].title.as_str()), (1, "hi"));
    assert_eq!(life.left(), [99, 1_000_000 - 15, 1_000_000 - 7]);
}

#[tokio::test]
async fn the_tally_adds_up_every_round() {
    let life =
        Life::first(vec![vec![calls(&[("look", "a")])], vec![calls(&[("look", "b")])], vec![says("done")]]);
    match life.play().await {
        TurnEnd::Answered(end) => assert_eq!((end.tally.rounds, end.tally.used), (3, used(3))),
        TurnEnd::Stopped(end) => panic!("{end:?}"),
    }
}

#[tokio::test]
async fn an_answer_that_reached_its_limit_is_an_answer_and_says_so() {
    let cut = [text("so mu")].into_iter().chain(stops(Finish::Length)).collect();
    check(
        vec![vec![cut]],
        expect![[r#"
        Gathering → Asking
        asked: user hi
        Asking → Answered
        Answered, Length, 1 rounds"#]],
    )
    .await;
}

#[tokio::test]
async fn a_call_that_was_cut_off_at_the_limit_is_not_carried_out() {
    let cut = [call(0, "note", r#"{"what":"a"}"#), call(1, "note", r#"{"what":"b"#)];
    let cut = cut.into_iter().chain(stops(Finish::Length)).collect();
    check(vec![vec![cut], vec![says("ok")]], expect![[r#"
        Gathering → Asking
        asked: user hi
        Asking → Judging
        Judging → Acting
        runs note a
        Acting → Asking
        asked: user hi · calls note note · 0 note: a · 1 refused: not run: the arguments of `note` do not fit: they are not JSON. Write the call again.
        Asking → Answered
        Answered, Stop, 2 rounds"#]]).await;
}

#[tokio::test]
async fn what_was_refused_half_way_is_shown_and_its_calls_are_not_carried_out() {
    let refused = [text("well"), call(0, "note", r#"{"what":"a"}"#)];
    let refused = refused.into_iter().chain(stops(Finish::Refused("filtered".into()))).collect();
    check(
        vec![vec![refused]],
        expect![[r#"
        Gathering → Asking
        asked: user hi
        Asking → Answered
        Answered, Refused("filtered"), 1 rounds"#]],
    )
    .await;
}

#[tokio::test]
async fn a_refused_question_is_not_asked_again() {
    let refused = vec![Item::Fail(ModelFault::Refused("it is too long".into()))];
    check(
        vec![vec![refused]],
        expect![[r#"
        Gathering → Asking
        asked: user hi
        failed: the model refused the question: it is too long
        Asking stopped: the model refused the question: it is too long
        Asking → Stopped
        Stopped, failed: the model refused the question: it is too long"#]],
    )
    .await;
    let refused =
        vec![call(0, "note", "{}"), Item::Say(Fragment::Finish(Finish::Refused("filtered".into())))];
    check(
        vec![vec![refused]],
        expect![[r#"
        Gathering → Asking
        asked: user hi
        failed: the model refused the question: filtered
        Asking stopped: the model refused the question: filtered
        Asking → Stopped
        Stopped, failed: the model refused the question: filtered"#]],
    )
    .await;
}

#[tokio::test]
async fn a_model_that_does_not_say_what_it_used_is_charged_all_that_was_held() {
    let silent = vec![text("hello"), Item::Say(Fragment::Finish(Finish::Stop))];
    let life = Life::first(vec![vec![silent]]);
    life.play().await;
    assert_eq!(life.left(), [99, 1_000_000 - 100, 1_000_000 - 1]);
}
