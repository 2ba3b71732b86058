//! The four faults of the first sketch, which the engine must never have again.
use crate::{
    lab::{Call, Lab, Pieces, Poke, Script, Stage, Then, plenty, works},
    review::Review,
};
use asker::Asker;
use engine::{
    Encoded, Origin,
    durable::durable,
    prelude::*,
    testing::{RoundTrip, reading, round_trips, settled},
};
use expect_test::expect;
use futures::future::join;
use nouns::{Answered, Down, Further};
use server::Server;
use std::future::{pending, ready};

/// Tells somebody, in words that depend on what woke it; in its first life it gets no further.
fn tells(dies: bool) -> Script {
    Script::new(move |call, cx| {
        Box::pin(async move {
            let words = match call {
                Call::Work => return Ok(Then::Wait),
                Call::Poked(what) => format!("poked: {what}"),
                Call::Elapsed => "nobody came".to_owned(),
                Call::Tidy(why) => why,
            };
            let told = cx.effect("tell", Hold::NOTHING, |_| ready(Ok(Settled::new(words.clone())))).await?;
            if dies { pending().await } else { Ok(Then::End(format!("{told} (woken: {words})"))) }
        })
    })
}

#[tokio::test]
async fn fault_1_a_result_is_never_read_by_another_trigger() {
    // The timer's handler has told somebody, an event is acknowledged, the process dies.
    let stage = Stage::first(tells(true));
    let run = stage.start(plenty()).await;
    settled().await;
    stage.minutes(10);
    settled().await;
    run.send(Poke { what: "late".into() }).await.unwrap();
    let stage = stage.crash(tells(false)).await;
    // The timer is handled again, though the event is there: its effect had begun.
    expect![[r#"
        Lab: Working → Waiting [tell]
        Lab: … Waiting → Done.
        nobody came (woken: nobody came)
    "#]]
    .assert_eq(&stage.end().await);
}

#[tokio::test]
async fn fault_1_the_other_way_round() {
    let stage = Stage::first(tells(true));
    let run = stage.start(plenty()).await;
    run.send(Poke { what: "early".into() }).await.unwrap();
    settled().await;
    stage.minutes(10);
    let stage = stage.crash(tells(false)).await;
    assert!(stage.end().await.ends_with("poked: early (woken: poked: early)\n"));
}

#[tokio::test]
async fn fault_2_exhausted_ends_even_where_it_leads_to_a_state_that_runs() {
    // The budget is spent, and the way to an end goes through `Tidying`, which runs on its reserve: once.
    let stage = Pieces::hasty().first(Script::new(|call, _| {
        Box::pin(ready(Ok(match call {
            Call::Work | Call::Poked(_) | Call::Elapsed => Then::Work,
            Call::Tidy(why) => Then::End(format!("tidied: {why}")),
        })))
    }));
    stage.start(Budget::new(5, engine::Amount::NONE)).await;
    expect![[r#"
        Lab: Working → Working → Working → Working → Working → Working ✗ out of moves → Tidying → Done.
        tidied: out of moves
    "#]]
    .assert_eq(&stage.end().await);
}

#[durable]
#[derive(PartialEq, Debug)]
struct Noted {
    numbers: Vec<u64>,
    text: Option<String>,
}

#[test]
fn fault_3_a_length_that_lies_is_refused_before_it_is_believed() {
    let honest = Encoded::durable(&Noted { numbers: vec![1, 2], text: None });
    assert_eq!(honest.to_durable::<Noted>().unwrap(), Noted { numbers: vec![1, 2], text: None });
    // "Eight bytes of length follow", and they say 2^56 numbers.
    let lies = Encoded { bytes: vec![253, 0, 0, 0, 0, 0, 0, 0, 1], ..honest.clone() };
    expect!["`Noted` does not decode: LimitExceeded"]
        .assert_eq(&lies.to_durable::<Noted>().unwrap_err().to_string());
    let torn = Encoded { bytes: honest.bytes[..2].to_vec(), ..honest.clone() };
    expect!["`Noted` does not decode: UnexpectedEnd { additional: 1 }"]
        .assert_eq(&torn.to_durable::<Noted>().unwrap_err().to_string());
    let long = Encoded { bytes: [honest.bytes.as_slice(), &[0]].concat(), ..honest.clone() };
    expect!["`Noted` left bytes unread"].assert_eq(&long.to_durable::<Noted>().unwrap_err().to_string());
}

#[test]
fn fault_3_an_event_of_a_lying_length_is_refused_too() {
    let honest = Encoded::stored(&Poke { what: "x".into() });
    let lies = Encoded { bytes: vec![253, 0, 0, 0, 0, 0, 0, 0, 1], ..honest };
    let read = lies.to_stored::<Poke>(&reading(Origin::OwnJournal)).map(|poke| poke.what);
    assert!(read.unwrap_err().to_string().starts_with("`Poke` does not decode"));
}

/// There is no serde in the journal, so nothing can be left out, tagged or untagged; what is written is read back.
#[test]
fn fault_3_what_is_written_is_read_back() {
    let stored = Lab::stored().into_iter().chain(Review::stored()).map(RoundTrip::from);
    let requests = [RoundTrip::open::<Down>(), RoundTrip::open::<Further>(), RoundTrip::open::<Answered>()];
    let graphs = Asker::stored().into_iter().chain(Server::stored()).map(RoundTrip::from);
    for (name, values) in round_trips(stored.chain(requests).chain(graphs)) {
        assert!(values > 0, "{name}");
    }
}

#[tokio::test]
async fn fault_4_two_effects_of_one_state_run_at_the_same_time() {
    // Each waits for the other: one after the other they would wait for ever.
    let stage = Stage::first(works(|cx| {
        Box::pin(async move {
            let meet = tokio::sync::Barrier::new(2);
            let one = |name: &'static str| {
                let meet = &meet;
                cx.effect(name, Hold::NOTHING, move |_| async move {
                    meet.wait().await;
                    Ok(Settled::new(name.to_owned()))
                })
            };
            let (a, b) = join(one("a"), one("b")).await;
            Ok(Then::End(format!("{} met {}", a?, b?)))
        })
    }));
    stage.start(plenty()).await;
    assert!(stage.end().await.ends_with("a met b\n"));
}
