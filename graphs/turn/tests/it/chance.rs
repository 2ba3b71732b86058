//! Whatever a model writes, whenever somebody cancels and wherever the process dies: the turn ends, and each call in a
//! question has exactly one result behind it.
use crate::{
    life::{Life, attended, onces},
    script::*,
    world::World,
};
use domain::{DoubtAnswer, Finish, Fragment, Message, MicroUsd, ModelFault, Question, Tokens, Turns, whole};
use engine::testing::ManualClock;
use engine::{Budget, log::Group};
use proptest::{collection::vec, option, prelude::*, sample::select};
use std::pin::pin;

/// What comes in between.
#[derive(Debug, Clone)]
struct Blow {
    /// A cancel at this await.
    cancel: Option<usize>,
    /// A crash behind so many per cent of the journal.
    crash: Option<usize>,
}

fn written_call() -> impl Strategy<Value = (&'static str, &'static str)> {
    let tool = select(vec!["look", "note", "probe", "send", "ship", "zap"]);
    (tool, select(vec!["a", "b", "happened", "murky", "fail", "panic", "{}", "oops!", ""]))
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let nameless = Fragment::Call { index: 0, id: None, tool: None, arguments: String::new() };
    let odd = vec![
        busy(),
        vec![Item::Fail(ModelFault::Broken("noise".into()))],
        vec![text("cut")],
        vec![Item::Say(nameless), Item::Say(Fragment::Finish(Finish::Calls))],
        stops(Finish::Stop).into(),
        [text("half"), call(0, "note", r#"{"wh"#)].into_iter().chain(stops(Finish::Length)).collect(),
    ];
    let fatal = vec![vec![Item::Fail(ModelFault::Refused("no".into()))], stops(Finish::Length).into()];
    prop_oneof![
        8 => vec(written_call(), 1..12).prop_map(|written| calls(&written)),
        4 => select(odd),
        1 => select(fatal),
        2 => Just(says("done")),
        1 => select(vec![says("✗0 no"), says("✗1 no")]),
    ]
}

fn script() -> impl Strategy<Value = Vec<Round>> {
    vec(vec(attempt(), 1..4), 1..5).prop_map(|mut rounds| {
        rounds.push(vec![says("done")]);
        rounds
    })
}

fn blow() -> impl Strategy<Value = Blow> {
    let (cancel, crash) = (option::of(1..30usize), option::of(0..100usize));
    (cancel, crash).prop_map(|(cancel, crash)| Blow { cancel, crash })
}

fn budget(turns: u64) -> Budget {
    Budget::new(1000, Turns(turns)).and(Tokens(100_000)).and(MicroUsd(100_000))
}

/// Says what is wrong with a question, if anything is.
fn unpaired(messages: &[Message]) -> Option<String> {
    let mut open = 0..0;
    for message in messages {
        match message {
            Message::Tool { position, .. } if open.next() == Some(*position) => {}
            Message::Tool { position, .. } => return Some(format!("result {position} out of place")),
            Message::User { .. } | Message::Assistant { .. } if open.start < open.end => {
                return Some(format!("call {} without a result", open.start));
            }
            Message::User { .. } => {}
            Message::Assistant { calls, .. } => open = 0..u32::try_from(calls.len()).unwrap(),
        }
    }
    (open.start < open.end).then(|| format!("call {} without a result", open.start))
}

/// What a life leaves behind.
struct Left {
    groups: Vec<Group>,
    asked: Vec<Question>,
    said: Vec<Message>,
    ran_once: usize,
}

async fn live(script: Vec<Round>, turns: u64, stuck_at: usize, groups: Vec<Group>) -> Left {
    let life = Life::of(World { stuck_at, ..World::new(script) }, groups, ManualClock::hasty());
    let told = life.engine.listen();
    let run = life.start(budget(turns));
    let mut ended = pin!(attended(&run, told, DoubtAnswer::Drop));
    tokio::select! {
        _ = &mut ended => {}
        () = life.world.until("stuck") => {
            run.cancel().await.unwrap();
            ended.await;
        }
    }
    let ran_once =
        life.world.ran().iter().filter(|ran| matches!(ran.tool.as_str(), "send" | "probe")).count();
    let asked = life.world.asked.lock().unwrap().clone();
    Left { groups: life.log.groups(), asked, said: life.said().await, ran_once }
}

fn check(left: &Left) {
    for question in &left.asked {
        assert_eq!(unpaired(&question.messages), None, "{:?}", question.messages);
    }
    assert_eq!(unpaired(&whole(left.said.clone())), None);
    let results = left.said.iter().filter(|message| matches!(message, Message::Tool { .. })).count();
    let calls: usize = left
        .said
        .iter()
        .map(|message| match message {
            Message::Assistant { calls, .. } => calls.len(),
            Message::User { .. } | Message::Tool { .. } => 0,
        })
        .sum();
    assert!(results <= calls, "{results} results of {calls} calls");
}

async fn story(script: Vec<Round>, turns: u64, blow: Blow) {
    let first = live(script.clone(), turns, blow.cancel.unwrap_or(0), Vec::new()).await;
    check(&first);
    if let Some(per_cent) = blow.crash {
        let groups = first.groups[..first.groups.len() * per_cent / 100].to_vec();
        let before = onces(&groups);
        let second = live(script, turns, 0, groups).await;
        check(&second);
        assert!(second.ran_once <= onces(&second.groups) - before, "a call that is never repeated was");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_turn_ends_and_every_call_has_one_result(script in script(), turns in 1..12u64, blow in blow()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(story(script, turns, blow));
    }
}
