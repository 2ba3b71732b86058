//! Turns of every version: what their journals hold is locked, and what each left behind goes on to its end.
use crate::{
    doubts::{cut_off, script},
    heard::Heard,
    life::{Life, past, plenty},
    shown,
    world::World,
};
use domain::DoubtAnswer;
use engine::{
    follow::Follower,
    journal::{Happened, Line},
    log::Group,
    testing::{ManualClock, Versions},
};
use expect_test::expect;
use turn::Turn;

#[tokio::test]
async fn what_every_version_left_behind_goes_on() {
    let versions = Versions::of(env!("CARGO_MANIFEST_DIR"));
    versions.shapes::<Turn>();
    versions.facts(1, &Heard::default().knows());
    let (mut told, mut goldens) = (String::new(), Vec::new());
    for golden in versions.goldens::<Turn>(cut_off).await {
        let life = Life::of(World::new(script()), golden.groups.clone(), ManualClock::hasty());
        let end = shown::end(&life.play_out(plenty(), DoubtAnswer::Drop).await);
        told += &format!("v{}: {end}; {}\n", golden.version, shown::messages(&life.said().await));
        goldens.push(golden.groups);
    }
    expect![[r#"
        v1: Answered, Stop, 2 rounds; user hi · calls send note · 0 failed: the user dropped this call; it may have been carried out before: do not repeat it · 1 note: b · says done
        v2: Answered, Stop, 2 rounds; user hi · calls send note · 0 failed: the user dropped this call; it may have been carried out before: do not repeat it · 1 note: b · says done
        v3: Answered, Stop, 2 rounds; user hi · calls send note · 0 failed: the user dropped this call; it may have been carried out before: do not repeat it · 1 note: b · says done
    "#]]
    .assert_eq(&told);
    for groups in goldens {
        ended_from_everywhere(&groups).await;
    }
}

/// Plays what was left behind at every record of an older journal: states, and results of effects that no state holds yet.
async fn ended_from_everywhere(groups: &[Group]) {
    let mut results = 0;
    for survived in 0..=groups.len() {
        let left = groups[..survived].to_vec();
        let is_result = |line: &Line| matches!(line.what, Happened::Done { .. });
        results += usize::from(past(left.clone()).last().is_some_and(is_result));
        let life = Life::of(World::new(script()), left, ManualClock::hasty());
        let end = shown::end(&life.play_out(plenty(), DoubtAnswer::Drop).await);
        assert_eq!(end, "Answered, Stop, 2 rounds", "behind {survived} groups");
    }
    assert!(results > 0, "one of them ends with the result of an effect");
}
