//! What breaks, and what is said then. Never silence, never half a group.
use crate::{
    BootId, Store, View,
    fixtures::{House, Mood, id, said, session, spent, touched, user},
};
use domain::Unreadable;
use durable::{Fact, Owner, fact};
use engine::{
    follow::{Broken, Entry, Follower},
    log::Lsn,
};
use expect_test::{Expect, expect};
use std::error::Error;

/// A fact of which this package knows nothing.
#[fact("test-stranger")]
struct Stranger {
    what: u8,
}

impl Fact for Stranger {
    fn owner(&self) -> Owner {
        Owner("nobody".into())
    }
}

#[test]
fn the_engine_is_told_which_facts_have_a_table() {
    let names: Vec<_> = House::new().follower.knows().iter().map(|known| known.name).collect();
    assert_eq!(names, ["message", "session", "session-fork", "usage"]);
}

fn told(broken: &Broken) -> String {
    format!("{broken}: {}", broken.source().expect("it has a cause"))
}

fn check_reads(house: &House, expected: &Expect) {
    let (s, ann) = (session("s"), user("ann"));
    let reads: [Option<Unreadable>; 4] = [
        house.store.messages(&s).err(),
        house.store.session(&s).err(),
        house.store.sessions(&ann).err(),
        house.store.usage(&s).err(),
    ];
    for read in reads {
        expected.assert_eq(&read.map(|fault| fault.to_string()).unwrap_or_default());
    }
}

#[test]
fn a_view_that_errs_or_panics_is_broken_for_good() {
    let errs = expect!["the conversation cannot be read: the view cannot write: the disk is full"];
    let panics = expect![
        "the conversation cannot be read: the view panicked when it was to apply a group: page 7 is not a page"
    ];
    for (mood, expected) in [(Mood::Errs, errs), (Mood::Panics, panics)] {
        let mut house = House::new();
        house.feed(id(1, 0, 0), &said("s", "a"));
        let group = [Entry::Ended { instance: id(1, 0, 0).instance, at: engine::Time(1) }];
        house.view.be(mood);
        let broken = house.follower.apply(Lsn(2), &group).expect_err("it fails");
        assert_eq!(broken.at, Lsn(2));
        assert_eq!(house.follower.applied(), Lsn(1));
        house.view.be(Mood::Well);
        house.follower.apply(Lsn(3), &group).expect_err("it is not called again");
        check_reads(&house, &expected);
    }
}

#[test]
fn a_flipped_bit_is_found() {
    let mut house = House::new();
    house.feed(id(1, 0, 0), &touched("s", "ann", "x"));
    house.view.be(Mood::Rots);
    assert!(house.store.session(&session("s")).is_err());
    house.view.be(Mood::Well);
    check_reads(
        &house,
        &expect![
            "the conversation cannot be read: table `sessions` of the view holds a row that nobody wrote"
        ],
    );
}

#[test]
fn a_group_is_applied_whole_or_not_at_all() {
    let mut house = House::new();
    house.feed(id(1, 0, 0), &said("s", "a"));
    let before = (house.view.dump(), house.view.memory.stamp().expect("memory"));
    let group = [
        house.journal.record(id(1, 1, 0), &said("s", "b")),
        house.journal.record(id(1, 1, 1), &spent("s", 1, 1)),
        house.journal.record(id(1, 1, 2), &Stranger { what: 1 }),
    ];
    let broken = house.feed_group(&group).expect_err("a stranger");
    expect!["the view cannot take record Lsn(4): no table takes fact 2 of move 1 of 00000000000000000000000000000001"]
        .assert_eq(&told(&broken));
    assert_eq!((house.view.dump(), house.view.memory.stamp().expect("memory")), before);
}

#[test]
fn a_fact_that_does_not_decode_breaks_the_view() {
    let mut house = House::new();
    let Entry::Fact(mut entry) = house.journal.record(id(1, 0, 0), &said("s", "a")) else {
        panic!("a fact was recorded")
    };
    entry.fact.bytes.truncate(1);
    house.feed_group(&[Entry::Fact(entry)]).expect_err("half a fact");
    assert!(house.store.messages(&session("s")).is_err());
}

#[test]
fn a_body_that_is_not_where_the_view_says_is_an_error() {
    let mut house = House::new();
    let Entry::Fact(mut entry) = house.journal.record(id(1, 0, 0), &said("s", "a")) else {
        panic!("a fact was recorded")
    };
    entry.lsn = Lsn(7);
    house.feed_group(&[Entry::Fact(entry)]).expect("the view cannot know");
    let read = house.store.messages(&session("s")).expect_err("nothing is there");
    expect!["the conversation cannot be read: record 7 does not carry fact 0 of move 0 of 00000000000000000000000000000001"]
        .assert_eq(&read.to_string());
}

#[test]
fn a_group_that_comes_again_is_not_counted_again() {
    let mut house = House::new();
    let group = [house.journal.record(id(1, 0, 0), &spent("s", 1, 1))];
    house.feed_group(&group).expect("taken");
    house.feed_group(&group).expect("known");
    assert_eq!(house.store.usage(&session("s")).expect("readable").calls, 1);
}

#[test]
fn a_view_is_kept_when_it_can_be_trusted_and_emptied_when_not() {
    let elsewhere = BootId(BootId::current().map_or(0, |boot| boot.0 ^ 1));
    for (closed, boot, position) in [(true, elsewhere, Lsn(1)), (false, elsewhere, Lsn::START)] {
        let mut house = House::new();
        house.feed(id(1, 0, 0), &said("s", "a"));
        let House { journal, view, store: _, follower } = house;
        drop(follower);
        assert!(view.memory.stamp().expect("memory").clean, "a follower that goes closes its view");
        view.begin(Some(boot)).expect("memory");
        if closed {
            view.close().expect("memory");
        }
        let (_store, follower) = Store::open(Box::new(view.clone()), journal).expect("it opens");
        assert_eq!(follower.applied(), position);
        assert_eq!(view.dump().is_empty(), position == Lsn::START);
    }
}

#[test]
fn a_view_that_fails_at_open_is_refused() {
    let House { journal, view, store: _, follower } = House::new();
    drop(follower);
    view.be(Mood::Panics);
    let refused = Store::open(Box::new(view), journal).err().expect("it panics");
    expect!["the view panicked when it was to read its stamp: page 7 is not a page"]
        .assert_eq(&refused.to_string());
}
