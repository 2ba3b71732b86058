//! In which order a conversation is read, and that what was read stays.
use crate::fixtures::{House, id, line, said, session};
use domain::{Conversation, Unreadable};
use engine::FactId;
use proptest::prelude::*;

fn upto(house: &House, of: &str, last: FactId) -> Result<String, Unreadable> {
    let of = session(of);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let read = house.store.upto(&of, last);
    runtime.expect("a runtime").block_on(read).map(|said| line(&said))
}

/// One turn: the prompt, an answer with calls, three results of parallel effects, the last answer.
fn turn(instance: u128) -> Vec<(FactId, String)> {
    let facts =
        [(0, 0, "prompt"), (1, 0, "calls"), (3, 0, "r0"), (3, 256, "r1"), (3, 512, "r2"), (4, 0, "answer")];
    facts.map(|(seq, n, text)| (id(instance, seq, n), format!("{instance}.{text}"))).to_vec()
}

proptest! {
    #[test]
    fn parallel_results_are_read_in_their_order(order in Just(vec![2, 3, 4]).prop_shuffle()) {
        let mut house = House::new();
        let facts = turn(1);
        for at in [&[0, 1][..], &order, &[5]].concat() {
            house.feed(facts[at].0, &said("s", &facts[at].1));
        }
        prop_assert_eq!(house.messages("s"), "1.prompt 1.calls 1.r0 1.r1 1.r2 1.answer");
        prop_assert_eq!(upto(&house, "s", facts[3].0), Ok("1.prompt 1.calls 1.r0 1.r1".to_owned()));
    }
}

#[test]
fn turns_are_read_in_the_order_of_their_first_word() {
    let mut house = House::new();
    // Random ids say nothing about time.
    for instance in [9, 2, 5] {
        for (id, text) in &turn(instance)[..2] {
            house.feed(*id, &said("s", text));
        }
    }
    assert_eq!(house.messages("s"), "9.prompt 9.calls 2.prompt 2.calls 5.prompt 5.calls");
}

#[test]
fn what_was_read_up_to_a_fact_stays_as_more_arrives() {
    let mut house = House::new();
    let facts: Vec<_> = [3, 1, 2].into_iter().flat_map(turn).collect();
    let mut read: Vec<(FactId, String)> = Vec::new();
    for (id, text) in &facts {
        house.feed(*id, &said("s", text));
        let now = upto(&house, "s", *id).expect("it was just fed");
        assert!(now.ends_with(text.as_str()), "{now} does not include {text}");
        read.push((*id, now));
        for (id, then) in &read {
            assert_eq!(upto(&house, "s", *id).as_ref(), Ok(then));
        }
    }
}

#[test]
fn interleaved_sessions_do_not_mix() {
    let mut house = House::new();
    // One is a prefix of the other; and a parent and its child may write to both.
    for (a, b) in turn(1).iter().zip(&turn(2)) {
        house.feed(a.0, &said("s", &a.1));
        house.feed(b.0, &said("s2", &b.1));
    }
    assert_eq!(house.messages("s"), "1.prompt 1.calls 1.r0 1.r1 1.r2 1.answer");
    assert_eq!(house.messages("s2"), "2.prompt 2.calls 2.r0 2.r1 2.r2 2.answer");
    assert_eq!(
        upto(&house, "s2", id(1, 0, 0)),
        Err(Unreadable::Behind(id(1, 0, 0))),
        "a fact of another session"
    );
}

#[test]
fn a_long_conversation_comes_page_by_page() {
    let mut house = House::new();
    let texts: Vec<String> = (0..1_100).map(|n| n.to_string()).collect();
    for (seq, text) in (0..).zip(&texts) {
        house.feed(id(1, seq, 0), &said("s", text));
    }
    assert_eq!(house.messages("s"), texts.join(" "));
    assert_eq!(upto(&house, "s", id(1, 511, 0)), Ok(texts[..512].join(" ")));
    assert_eq!(house.messages("nobody"), "");
}
