//! A desk over a real home: processes that come and go.
use super::*;
use crate::{form::Form, house::Going};
use config::{Config, Home};
use std::path::Path;
use telemetry::Logger;

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}
fn named(session: &str) -> Which {
    Which::Named(SessionId::parse(session).unwrap())
}

/// Opens the home as a process of its own would, and leaves it without a word, as a crash would.
fn process<T>(root: &Path, work: impl AsyncFnOnce(&House) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let log = Logger::root(slog::Discard, slog::o!());
    let done = runtime.block_on(async {
        let home = Home::create(root).unwrap();
        let (house, _, _) =
            House::open(&home, &user("ada"), Config::default(), Form::any(), &log, Going::All).unwrap();
        let done = work(&house).await;
        house.close().await;
        done
    });
    runtime.shutdown_background();
    done
}

/// Begins a turn that takes long, and returns its session.
async fn begin(house: &House, who: &str, which: &Which) -> String {
    let desk = Desk::sit(house, &user(who), which).await.unwrap();
    let (_, starting) = desk.begin("rehearse a slow answer of 400 words".to_owned(), Vec::new()).unwrap();
    let _run = starting.await.unwrap();
    desk.session().to_string()
}

async fn sits(house: &House, who: &str, which: &Which) -> Result<String, String> {
    let desk = Desk::sit(house, &user(who), which).await;
    desk.map(|desk| desk.session().to_string()).map_err(|failure| failure.to_string())
}

#[test]
fn a_turn_left_by_a_crash_is_found_in_its_session_and_by_its_user_only() {
    let home = tempfile::tempdir().unwrap();
    let session = process(home.path(), async |house| begin(house, "ada", &Which::New).await);
    process(home.path(), async |house| {
        let desk = Desk::sit(house, &user("ada"), &Which::Latest).await.unwrap();
        assert_eq!(desk.session().as_str(), session);
        assert_eq!(desk.interrupted().len(), 1);
        assert!(desk.elsewhere().is_empty());

        let other = Desk::sit(house, &user("ada"), &named("another")).await.unwrap();
        assert!(other.interrupted().is_empty());
        assert_eq!(other.elsewhere(), [desk.session().clone()]);
        assert_eq!((desk.others().len(), other.others().len()), (0, 1));

        let stranger = Desk::sit(house, &user("bob"), &Which::Latest).await.unwrap();
        assert_ne!(stranger.session().as_str(), session);
        assert!(stranger.interrupted().is_empty() && stranger.elsewhere().is_empty());
        assert!(stranger.others().is_empty(), "he need not wait for hers");
        let refused = sits(house, "bob", &named(&session)).await.unwrap_err();
        assert!(refused.starts_with(&format!("session `{session}` belongs to another user")), "{refused}");
    });
}

#[test]
fn the_latest_session_is_the_one_in_which_a_turn_last_began() {
    let home = tempfile::tempdir().unwrap();
    process(home.path(), async |house| {
        let first = sits(house, "ada", &Which::Latest).await.unwrap();
        assert_ne!(sits(house, "ada", &Which::Latest).await.unwrap(), first, "nobody spoke in it");
        assert_eq!(begin(house, "ada", &named("one")).await, "one");
        assert_eq!(sits(house, "ada", &Which::Latest).await.unwrap(), "one");
        begin(house, "ada", &named("two")).await;
        begin(house, "bob", &named("three")).await;
        assert_eq!(sits(house, "ada", &Which::Latest).await.unwrap(), "two");
        let fresh = sits(house, "ada", &Which::New).await.unwrap();
        assert!(!["one", "two", "three"].contains(&fresh.as_str()));
    });
}

#[test]
fn a_turn_begun_twice_is_one_run() {
    let turn = |text: &str| TurnId::parse(text).unwrap();
    let session = |text: &str| SessionId::parse(text).unwrap();
    assert_eq!(instance_of(&session("s"), &turn("t")), instance_of(&session("s"), &turn("t")));
    assert_ne!(instance_of(&session("s"), &turn("t")), instance_of(&session("s"), &turn("u")));
    assert_ne!(instance_of(&session("a"), &turn("bc")), instance_of(&session("ab"), &turn("c")));
}
