//! Crashes behind every group of the journal: the turn ends as it would have, what may be repeated is repeated under the
//! same key, and what may not is not.
use crate::{
    heard::Heard,
    life::{self, Life, RUN, attended, end, onces, past, plenty, request},
    script::*,
    shown,
    tools::Ran,
    world::World,
};
use domain::{DoubtAnswer, Message, Question};
use engine::{
    Engine, Opens,
    journal::{Happened, Line},
    log::Group,
    testing::{ManualClock, crash_everywhere},
};
use expect_test::expect;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use turn::Gathering;

/// What came of a turn.
struct Played {
    groups: Vec<Group>,
    end: String,
    said: Vec<Message>,
    asked: Vec<Question>,
    ran: Vec<Ran>,
}

async fn play(script: Vec<Round>, groups: Vec<Group>) -> Played {
    let life = Life::of(World::new(script), groups, ManualClock::hasty());
    let end = shown::end(&life.play().await);
    let (said, asked) = (life.said().await, life.world.asked.lock().unwrap().clone());
    Played { groups: life.log.groups(), end, said, asked, ran: life.world.ran() }
}

fn happened(line: &Line) -> String {
    match &line.what {
        Happened::Started { state } => format!("start in {state}"),
        Happened::Moved { to, .. } => format!("move to {to}"),
        Happened::Began { effect, attempt, .. } => format!("begin of {effect} #{attempt}"),
        Happened::Done { effect, .. } => format!("result of {effect}"),
        other @ (Happened::Received { .. }
        | Happened::Answered { .. }
        | Happened::Credited { .. }
        | Happened::Cancelled
        | Happened::Parked { .. }
        | Happened::Unparked
        | Happened::Imported
        | Happened::Trimmed
        | Happened::Reduced
        | Happened::Forgotten
        | Happened::Forked { .. }) => format!("{other:?}"),
    }
}

fn is_once(ran: &&Ran) -> bool {
    matches!(ran.tool.as_str(), "send" | "probe")
}

/// Whether a person was asked or a call was begun anew: then the run goes on in other states than without a crash.
fn leaves_the_way(groups: &[Group]) -> bool {
    past(groups.to_vec()).iter().any(|line| match &line.what {
        Happened::Moved { to, .. } => to == "Uncertain",
        Happened::Began { effect, .. } => effect.contains("/anew/"),
        Happened::Started { .. }
        | Happened::Done { .. }
        | Happened::Received { .. }
        | Happened::Answered { .. }
        | Happened::Credited { .. }
        | Happened::Cancelled
        | Happened::Parked { .. }
        | Happened::Unparked
        | Happened::Imported
        | Happened::Trimmed
        | Happened::Reduced
        | Happened::Forgotten
        | Happened::Forked { .. } => false,
    })
}

/// Plays the script with a crash behind each group, claims what holds for all, and prints what differs.
pub(crate) async fn killed_everywhere(script: Vec<Round>) -> String {
    let whole = play(script.clone(), Vec::new()).await;
    let keys: BTreeMap<_, _> =
        whole.ran.iter().map(|ran| ((ran.tool.clone(), ran.what.clone()), ran.key.clone())).collect();
    let questions: BTreeSet<_> = whole.asked.iter().map(|question| question.key.clone()).collect();
    let mut table = Vec::new();
    for survived in 0..whole.groups.len() {
        let left = whole.groups[..survived].to_vec();
        let after = past(left.clone()).last().map_or("nothing".to_owned(), happened);
        let onces_before = onces(&left);
        let again = play(script.clone(), left).await;
        assert_eq!(again.end, whole.end, "after {after}");
        // What begins for the first time behind a doubt, or anew, is another effect, so it has another key. Everything
        // else has the key that it has without a crash.
        let is_strict = !leaves_the_way(&again.groups);
        for ran in again.ran.iter().filter(|ran| is_strict || ran.attempt > 1) {
            assert_eq!(ran.key, keys[&(ran.tool.clone(), ran.what.clone())], "{} after {after}", ran.tool);
        }
        let mut asked = again.asked.iter().filter(|question| is_strict || question.attempt > 1);
        assert!(asked.all(|question| questions.contains(&question.key)), "after {after}");
        let began = onces(&again.groups) - onces_before;
        assert_eq!(again.ran.iter().filter(is_once).count(), began, "after {after}");
        let repeated = |attempt: u32| if attempt > 1 { format!(" #{attempt}") } else { String::new() };
        let asked = again.asked.iter().map(|question| format!("asks{}", repeated(question.attempt)));
        let ran = again.ran.iter().map(|ran| format!("{}{}", ran.tool, repeated(ran.attempt)));
        let does: Vec<_> = asked.chain(ran).collect();
        let unlike = again.said.iter().zip(&whole.said).filter(|(again, whole)| again != whole);
        let unlike: Vec<_> = unlike.map(|(again, _)| again.clone()).collect();
        let unlike =
            if unlike.is_empty() { String::new() } else { format!(" ≠ {}", shown::messages(&unlike)) };
        assert_eq!(again.said.len(), whole.said.len(), "after {after}");
        table.push(format!("{after}: {}{unlike}", does.join(", ")));
    }
    table.join("\n")
}

#[tokio::test]
async fn what_may_be_repeated_is_repeated_under_the_same_key() {
    let script = vec![
        vec![calls(&[("look", "a"), ("look", "b"), ("zap", "x"), ("note", "c")])],
        vec![calls(&[("zap", "x")])],
        vec![says("done")],
    ];
    expect![[r#"
        nothing: asks, asks, asks, look, look, note
        nothing: asks, asks, asks, look, look, note
        start in Gathering: asks, asks, asks, look, look, note
        move to Asking: asks, asks, asks, look, look, note
        begin of answer #1: asks #2, asks, asks, look, look, note
        result of answer: asks, asks, look, look, note
        move to Judging: asks, asks, look, look, note
        move to Acting: asks, asks, look, look, note
        begin of call/0 #1: asks, asks, look #2, look, note
        begin of call/1 #1: asks, asks, look #2, look #2, note
        result of call/1: asks, asks, look #2, note
        result of call/0: asks, asks, note
        begin of call/3 #1: asks, asks, note #2
        result of call/3: asks, asks
        move to Asking: asks, asks
        begin of answer #1: asks #2, asks
        result of answer: asks
        move to Judging: asks
        move to Correcting: asks
        move to Asking: asks
        begin of answer #1: asks #2
        result of answer: "#]]
    .assert_eq(&killed_everywhere(script).await);
}

#[tokio::test]
async fn a_crash_at_any_record_changes_nothing_and_every_life_is_audited() {
    let script = vec![
        vec![calls(&[("look", "a"), ("zap", "x"), ("note", "c")])],
        vec![busy(), calls(&[("zap", "x")])],
        vec![says("done")],
    ];
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
    assert!(crashes.cut.len() > 20, "it is crashed behind each of {} groups", crashes.cut.len());
}

#[tokio::test]
async fn what_may_not_be_repeated_is_probed_or_put_to_a_person() {
    let script = vec![
        vec![calls(&[("send", "a"), ("probe", "happened"), ("probe", "not"), ("probe", "murky")])],
        vec![says("done")],
    ];
    expect![[r#"
        nothing: asks, asks, send, probe, probe, probe
        nothing: asks, asks, send, probe, probe, probe
        start in Gathering: asks, asks, send, probe, probe, probe
        move to Asking: asks, asks, send, probe, probe, probe
        begin of answer #1: asks #2, asks, send, probe, probe, probe
        result of answer: asks, send, probe, probe, probe
        move to Judging: asks, send, probe, probe, probe
        move to Acting: asks, send, probe, probe, probe
        begin of call/0 #1: asks, probe, probe, probe ≠ 0 failed: the user dropped this call; it may have been carried out before: do not repeat it
        result of call/0: asks, probe, probe, probe
        begin of call/1 #1: asks, probe, probe ≠ 1 found, password = "[REDACTED]"
        result of call/1: asks, probe, probe
        begin of call/2 #1: asks, probe, probe
        result of call/2: asks, probe
        begin of call/3 #1: asks ≠ 3 failed: the user dropped this call; it may have been carried out before: do not repeat it
        result of call/3: asks
        move to Asking: asks
        begin of answer #1: asks #2
        result of answer: "#]].assert_eq(&killed_everywhere(script).await);
}

#[tokio::test]
async fn a_model_that_was_busy_when_the_process_died_is_asked_on() {
    expect![[r#"
        nothing: asks, asks #2
        nothing: asks, asks #2
        start in Gathering: asks, asks #2
        move to Asking: asks, asks #2
        begin of answer #1: asks #2
        begin of answer #2: asks #3
        result of answer: "#]]
    .assert_eq(&killed_everywhere(vec![vec![busy(), says("done")]]).await);
}

#[tokio::test]
async fn a_cancel_outlives_the_process() {
    let script = vec![vec![calls(&[("note", "a"), ("note", "gate")])], vec![says("done")]];
    let life = Life::of(World::new(script.clone()), Vec::new(), ManualClock::hasty());
    let run = life.start(plenty());
    life.world.until("runs note gate").await;
    run.cancel().await.unwrap();
    end(&run).await;
    let groups = life.log.groups();
    let cancelled = |survived: &usize| {
        past(groups[..*survived].to_vec()).iter().any(|line| line.what == Happened::Cancelled)
    };
    let survived: Vec<_> = (0..=groups.len()).filter(cancelled).collect();
    assert_eq!(survived.len(), 2, "behind the cancel, and behind the end");
    for survived in survived {
        let again = play(script.clone(), groups[..survived].to_vec()).await;
        assert_eq!((again.end.as_str(), again.ran.len(), again.asked.len()), ("Stopped, cancelled", 0, 0));
        assert_eq!(shown::messages(&again.said), "user hi · calls note note · 0 note: a");
    }
}
