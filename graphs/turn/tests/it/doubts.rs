//! A call that nobody can tell whether it happened: the turn waits for a person, and does what the person says.
use crate::{
    life::{Life, end, past, plenty},
    script::*,
    shown,
    world::World,
};
use domain::DoubtAnswer;
use engine::testing::{ManualClock, settled};
use engine::{journal::Happened, log::Group};
use expect_test::expect;
use turn::{DoubtSettled, TurnState};

fn script() -> Vec<Round> {
    vec![vec![calls(&[("send", "a"), ("note", "b")])], vec![says("done")]]
}

/// The journal of a process that died while the first call was under way.
async fn cut_off() -> Vec<Group> {
    let life = Life::first(script());
    life.play().await;
    let groups = life.log.groups();
    let began = |survived: &usize| {
        let lines = past(groups[..*survived].to_vec());
        matches!(lines.last().map(|line| &line.what), Some(Happened::Began { effect, .. }) if effect == "call/0")
    };
    let survived = (0..groups.len()).find(began).expect("the call began");
    groups[..survived].to_vec()
}

async fn said(answer: DoubtAnswer) -> String {
    let life = Life::of(World::new(script()), cut_off().await, ManualClock::hasty());
    let end = shown::end(&life.play_out(plenty(), answer).await);
    let ran: Vec<_> = life.world.ran().iter().map(|ran| ran.tool.clone()).collect();
    format!("{end}; ran {}; {}", ran.join(", "), shown::messages(&life.said().await))
}

#[tokio::test]
async fn a_person_decides() {
    expect!["Answered, Stop, 2 rounds; ran send, note; user hi · calls send note · 0 send: a · 1 note: b · says done"].assert_eq(&said(DoubtAnswer::Again).await);
    expect!["Answered, Stop, 2 rounds; ran note; user hi · calls send note · 0 the user looked and says that this call was carried out · 1 note: b · says done"].assert_eq(&said(DoubtAnswer::Done).await);
    expect!["Answered, Stop, 2 rounds; ran note; user hi · calls send note · 0 failed: the user dropped this call; it may have been carried out before: do not repeat it · 1 note: b · says done"].assert_eq(&said(DoubtAnswer::Drop).await);
}

#[tokio::test]
async fn nothing_happens_before_the_person_has_answered_this_very_doubt() {
    let life = Life::of(World::new(script()), cut_off().await, ManualClock::hasty());
    let run = life.start(plenty());
    settled().await;
    let doubt = |state: &TurnState| match state {
        TurnState::Uncertain(it) => it.doubt.clone(),
        _ => panic!("it waits for nobody"),
    };
    let open = run.look(doubt).unwrap();
    run.send(DoubtSettled { doubt: "another".into(), how: DoubtAnswer::Again }).await.unwrap();
    settled().await;
    assert_eq!(run.look(doubt).unwrap(), open, "an answer to another doubt settles nothing");
    assert!(life.world.ran().is_empty());
    run.cancel().await.unwrap();
    assert_eq!(shown::end(&end(&run).await), "Stopped, cancelled");
}
