//! Reading one's own writes: the wait, its bound and its ends. The clock is the test's.
use crate::{
    Late, READ_WAIT_MAX, Store,
    fixtures::{House, Mood, id, line, said, session},
};
use domain::{Conversation, Unreadable};
use engine::{FactId, log::Lsn};
use tokio::{
    task::JoinHandle,
    time::{Instant, advance},
};

fn read(store: &Store, last: FactId) -> JoinHandle<Result<String, Unreadable>> {
    let store = store.clone();
    tokio::spawn(async move { store.upto(&session("s"), last).await.map(|said| line(&said)) })
}

async fn everybody_waits() {
    tokio::task::yield_now().await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_waits_for_the_fact_it_names() {
    let mut house = House::new();
    house.feed(id(1, 0, 0), &said("s", "a"));
    let reader = read(&house.store, id(1, 1, 0));
    everybody_waits().await;
    house.feed(id(2, 0, 0), &said("other", "x"));
    everybody_waits().await;
    assert!(!reader.is_finished(), "another fact is not the one");
    advance(READ_WAIT_MAX / 2).await;
    house.feed(id(1, 1, 0), &said("s", "b"));
    assert_eq!(reader.await.expect("no panic"), Ok("a b".into()));
}

#[tokio::test(start_paused = true)]
async fn a_reader_waits_for_what_stands_before_the_fact_as_well() {
    let mut house = House::new();
    house.feed(id(1, 0, 0), &said("s", "prompt"));
    // The second of two parallel effects finished first; both were durable when the next state asked.
    let [second, first] =
        [(256, "r1"), (0, "r0")].map(|(n, text)| house.journal.record(id(1, 1, n), &said("s", text)));
    let reader = read(&house.store, id(1, 1, 256));
    house.feed_group(&[second]).expect("taken");
    everybody_waits().await;
    assert!(!reader.is_finished(), "it would be read without the first");
    house.feed_group(&[first]).expect("taken");
    assert_eq!(reader.await.expect("no panic"), Ok("prompt r0 r1".into()));
}

#[tokio::test(start_paused = true)]
async fn the_wait_has_an_end() {
    let mut house = House::new();
    house.feed(id(1, 0, 0), &said("s", "a"));
    let begun = Instant::now();
    assert_eq!(
        read(&house.store, id(1, 1, 0)).await.expect("no panic"),
        Err(Unreadable::Behind(id(1, 1, 0)))
    );
    assert_eq!(begun.elapsed(), READ_WAIT_MAX);
    assert_eq!(read(&house.store, id(1, 0, 0)).await.expect("no panic"), Ok("a".into()));
    assert_eq!(begun.elapsed(), READ_WAIT_MAX, "what is there is not waited for");
}

#[tokio::test(start_paused = true)]
async fn a_broken_view_ends_the_wait_at_once() {
    let mut house = House::new();
    let reader = read(&house.store, id(1, 0, 0));
    everybody_waits().await;
    let begun = Instant::now();
    house.view.be(Mood::Errs);
    let group = [house.journal.record(id(1, 0, 0), &said("s", "a"))];
    house.feed_group(&group).expect_err("the disk is full");
    let ended = reader.await.expect("no panic");
    assert_eq!(ended, Err(Unreadable::Broken("the view cannot write: the disk is full".into())));
    assert_eq!(begun.elapsed().as_millis(), 0);
}

#[tokio::test(start_paused = true)]
async fn when_nobody_feeds_it_any_more_nobody_waits() {
    let mut house = House::new();
    house.feed(id(1, 0, 0), &said("s", "a"));
    let House { store, follower, .. } = house;
    let reader = read(&store, id(1, 1, 0));
    everybody_waits().await;
    let begun = Instant::now();
    drop(follower);
    assert_eq!(reader.await.expect("no panic"), Err(Unreadable::Behind(id(1, 1, 0))));
    assert_eq!(begun.elapsed().as_millis(), 0);
    assert_eq!(
        read(&store, id(1, 0, 0)).await.expect("no panic"),
        Ok("a".into()),
        "what it holds stays readable"
    );
}

#[tokio::test(start_paused = true)]
async fn a_start_waits_for_the_end_of_the_journal() {
    let mut house = House::new();
    let store = house.store.clone();
    let start = tokio::spawn(async move { store.reach(Lsn(2)).await });
    house.feed(id(1, 0, 0), &said("s", "a"));
    everybody_waits().await;
    assert!(!start.is_finished());
    house.feed(id(1, 1, 0), &said("s", "b"));
    start.await.expect("no panic").expect("it is there");
    let late = house.store.reach(Lsn(3)).await.expect_err("nothing more comes");
    assert!(matches!(late, Late::Behind { at: Lsn(2), wanted: Lsn(3) }), "{late}");
}
