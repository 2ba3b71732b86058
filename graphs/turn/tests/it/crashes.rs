//! Crashes behind every group of the journal: the turn ends as it would have, what may be repeated is repeated under the
//! same key, and what may not is not.
use crate::{
    clock::TestClock,
    life::{Life, past},
    script::*,
    shown,
    tools::Ran,
    world::World,
};
use domain::{Message, Question};
use engine::{
    journal::{Happened, Line},
    log::Group,
};
use expect_test::expect;
use std::collections::{BTreeMap, BTreeSet};

/// What came of a turn.
struct Played {
    groups: Vec<Group>,
    end: String,
    said: Vec<Message>,
    asked: Vec<Question>,
    ran: Vec<Ran>,
}

async fn play(script: Vec<Round>, groups: Vec<Group>) -> Played {
    let life = Life::of(World::new(script), groups, TestClock::hasty());
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
        | Happened::Parked { .. }) => format!("{other:?}"),
    }
}

/// How often effects that are never repeated have begun.
fn onces(groups: &[Group]) -> usize {
    let lines = past(groups.to_vec());
    let begins = lines.iter().filter_map(|line| match &line.what {
        Happened::Began { attempt, once: true, .. } => Some(*attempt),
        _ => None,
    });
    begins.inspect(|attempt| assert_eq!(*attempt, 1, "one of them began twice")).count()
}

fn is_once(ran: &&Ran) -> bool {
    matches!(ran.tool.as_str(), "send" | "probe")
}

/// Plays the script with a crash behind each group, claims what holds for all, and prints what differs.
async fn crash_everywhere(script: Vec<Round>) -> String {
    let whole = play(script.clone(), Vec::new()).await;
    let keys: BTreeMap<_, _> = whole.ran.iter().map(|ran| ((ran.tool.clone(), ran.what.clone()), ran.key.clone())).collect();
    let questions: BTreeSet<_> = whole.asked.iter().map(|question| question.key.clone()).collect();
    let mut table = Vec::new();
    for survived in 0..whole.groups.len() {
        let left = whole.groups[..survived].to_vec();
        let after = past(left.clone()).last().map_or("nothing".to_owned(), happened);
        let onces_before = onces(&left);
        let again = play(script.clone(), left).await;
        assert_eq!(again.end, whole.end, "after {after}");
        for ran in &again.ran {
            assert_eq!(ran.key, keys[&(ran.tool.clone(), ran.what.clone())], "{} after {after}", ran.tool);
        }
        assert!(again.asked.iter().all(|question| questions.contains(&question.key)), "after {after}");
        let began = onces(&again.groups) - onces_before;
        assert_eq!(again.ran.iter().filter(is_once).count(), began, "after {after}");
        let repeated = |attempt: u32| if attempt > 1 { format!(" #{attempt}") } else { String::new() };
        let asked = again.asked.iter().map(|question| format!("asks{}", repeated(question.attempt)));
        let ran = again.ran.iter().map(|ran| format!("{}{}", ran.tool, repeated(ran.attempt)));
        let does: Vec<_> = asked.chain(ran).collect();
        let unlike = again.said.iter().zip(&whole.said).filter(|(again, whole)| again != whole);
        let unlike: Vec<_> = unlike.map(|(again, _)| again.clone()).collect();
        let unlike = if unlike.is_empty() { String::new() } else { format!(" ≠ {}", shown::messages(&unlike)) };
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
    expect![[""]].assert_eq(&crash_everywhere(script).await);
}

#[tokio::test]
async fn what_may_not_be_repeated_is_told_to_be_in_doubt() {
    let script = vec![vec![calls(&[("send", "a"), ("probe", "b")])], vec![says("done")]];
    expect![[""]].assert_eq(&crash_everywhere(script).await);
}

#[tokio::test]
async fn a_model_that_was_busy_when_the_process_died_is_asked_on() {
    expect![[""]].assert_eq(&crash_everywhere(vec![vec![busy(), says("done")]]).await);
}
