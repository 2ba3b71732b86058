//! Forgettings that did not come to their end.
use super::*;
use crate::{args::Listing, commands::fork::begin_branch};
use branch::Branching;
use config::Home;
use domain::UserId;
use std::{fs, path::Path};

fn holds(dir: &Path, text: &str) -> bool {
    fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        fs::read(&path).unwrap().windows(text.len()).any(|it| it == text.as_bytes())
    })
}

#[tokio::test]
async fn a_session_whose_forgetting_was_interrupted_is_forgotten_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    Home::create(dir.path()).unwrap();
    let (user, session) = (UserId::parse("ada").unwrap(), SessionId::parse("birds").unwrap());
    let engine = offline::at_rest(dir.path(), "a test").unwrap();
    let branching = Branching {
        user: user.clone(),
        session: session.clone(),
        base: SessionId::parse("eggs").unwrap(),
        upto: None,
        title: "grey heron".to_owned(),
    };
    begin_branch(&engine, branching).await.unwrap();
    engine.forget(&session.owner()).await.unwrap();
    // It dies here: nothing else has had a turn on this thread, so nothing is compacted.
    engine.close();
    engine.closed().await;
    drop(engine);
    assert!(holds(dir.path(), "grey heron"));

    let listing = Listing { home: dir.path().to_owned(), user, json: false };
    let forget = Session { listing, session };
    let (forgotten, compaction) = owning(&forget).await.unwrap();
    assert_eq!(forgotten, Forgotten { facts: 0, runs: 0 });
    // Nobody else compacts: what has left the disk is what is said of it.
    assert!(compaction.after < compaction.before && !holds(dir.path(), "grey heron"), "{compaction:?}");
    let again = owning(&forget).await.unwrap_err();
    assert!(format!("{again:?}").contains("has no session `birds`"), "{again:?}");
}

#[test]
fn what_is_gone_is_counted_and_room_is_said_where_there_is_more() {
    let session = SessionId::parse("s").expect("a good id");
    assert_eq!(
        said(&session, 3, 1, 0),
        "session s is forgotten: 3 messages and notes of 1 run are off the disk\n"
    );
    assert_eq!(
        said(&session, 9, 2, 700),
        "session s is forgotten: 9 messages and notes of 2 runs are off the disk, and the journal is smaller by 700 bytes\n"
    );
}
