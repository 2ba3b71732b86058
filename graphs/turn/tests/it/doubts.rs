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

pub(crate) fn script() -> Vec<Round> {
    vec![vec![calls(&[("send", "a"), ("note", "b")])], vec![says("done")]]
}

/// The journal of a process that died while the first call was under way.
pub(crate) async fn cut_off() -> Vec<Group> {
    cut_behind(&played(Life::first(script())).await, "call/0")
}

async fn played(life: Life) -> Vec<Group> {
    life.play().await;
    life.log.groups()
}

/// What is left of a journal that ends where an effect has just begun.
fn cut_behind(groups: &[Group], wanted: &str) -> Vec<Group> {
    let began = |survived: &usize| {
        let lines = past(groups[..*survived].to_vec());
        matches!(lines.last().map(|line| &line.what), Some(Happened::Began { effect, .. }) if effect == wanted)
    };
    let survived = (0..groups.len()).find(began).expect("it began");
    groups[..survived].to_vec()
}

/// A probe lets the call begin anew, and the process dies once more: what the last beginning did counts.
#[tokio::test]
async fn what_was_begun_anew_and_cut_off_again_is_the_one_in_doubt() {
    let script = || vec![vec![calls(&[("probe", "a")])], vec![says("done")]];
    let once = cut_behind(&played(Life::first(script())).await, "call/0");
    let again = Life::of(World::new(script()), once, ManualClock::hasty());
    let twice = cut_behind(&played(again).await, "call/0/anew/1");
    let mut told = Vec::new();
    for has_happened in [true, false] {
        let world = World { has_happened, ..World::new(script()) };
        let life = Life::of(world, twice.clone(), ManualClock::hasty());
        let end = shown::end(&life.play().await);
        told.push(format!("{end}; ran {}; {}", life.world.ran().len(), shown::messages(&life.said().await)));
    }
    expect![[r#"
        Answered, Stop, 2 rounds; ran 0; user hi · calls probe · 0 found: a · says done
        Answered, Stop, 2 rounds; ran 1; user hi · calls probe · 0 probe: a · says done"#]]
    .assert_eq(&told.join("\n"));
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
