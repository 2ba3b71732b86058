//! One run as a file: what is brought elsewhere is a past, whole or refused by name, and goes on nowhere by itself.
use crate::lab::{Lab, LabEnd, Pieces, Poke, RUN, Stage, Working, listens, plenty};
use asker::{Asker, Counting, Marks};
use engine::{
    InstanceId,
    journal::Life as Lives,
    parcel::ParcelFault,
    park::SteerFault,
    testing::{Life, settled},
};
use expect_test::expect;
use server::Server;

fn words(fault: ParcelFault) -> String {
    fault.to_string().replace(&RUN.to_string(), "42")
}

/// A run that waits, as a file.
async fn waiting() -> Vec<u8> {
    let stage = Stage::first(listens());
    stage.start(plenty()).await;
    settled().await;
    stage.life.engine.journal().export(RUN).unwrap()
}

#[tokio::test]
async fn what_is_imported_is_a_past_that_can_be_forked_and_replayed() {
    let parcel = waiting().await;
    let stage = Stage::first(listens());
    let engine = &stage.life.engine;
    assert_eq!(engine.import(&parcel).await.unwrap(), RUN);
    settled().await;
    stage.life.audit();
    let run = engine.journal().runs().unwrap().remove(0);
    assert_eq!((run.instance, run.state.as_str(), run.moves), (RUN, "Waiting", 1));
    assert!(matches!(run.life, Lives::Parked(_)), "{:?}", run.life);
    assert!(matches!(engine.unpark(RUN).await, Err(SteerFault::Imported(RUN))));
    assert!(engine.run::<Lab>(RUN).unwrap().send(Poke { what: "x".into() }).await.is_err());
    engine.cancel(RUN).unwrap().await.unwrap();
    assert!(matches!(engine.journal().runs().unwrap().remove(0).life, Lives::Parked(_)));
    // It stays so, and its fork goes on.
    let stage = stage.crash(listens()).await;
    settled().await;
    assert_eq!(stage.trace.take(), "");
    let journal = stage.life.engine.journal();
    let at = journal.point(RUN, 1).unwrap();
    let fork = stage.life.engine.fork::<Lab>(&at, plenty(), Ok).unwrap().await.unwrap();
    fork.send(Poke { what: "hello".into() }).await.unwrap();
    let LabEnd::Done(done) = fork.end().await.unwrap();
    assert_eq!(done.said, "hello");
    let replayed = Pieces::new().builder().graph::<Lab>(listens()).replay(&journal, RUN).await.unwrap();
    assert_eq!((replayed.difference, replayed.moves), (None, 1));
    settled().await;
    stage.life.audit();
    // What was imported can be exported again, and is imported once more as the same.
    let again = journal.export(RUN).unwrap();
    let elsewhere = Stage::first(listens());
    assert_eq!(elsewhere.life.engine.import(&again).await.unwrap(), RUN);
}

#[tokio::test]
async fn a_run_goes_with_all_that_it_asked_for() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let builder = || pieces.builder().graph::<Asker>(marks.clone()).graph::<Server>(());
    let life = Life::first(builder()).unwrap();
    let run = life.engine.start_as(RUN, Counting { from: 3 }, plenty()).await.unwrap();
    life.engine.start(Counting { from: 1 }, plenty()).await.unwrap().end().await.unwrap();
    run.end().await.unwrap();
    settled().await;
    let journal = life.engine.journal();
    let all = journal.runs().unwrap();
    let child = all.iter().find(|run| run.parent == Some(RUN)).unwrap().instance;
    let refused = words(journal.export(child).unwrap_err()).replace(&child.to_string(), "a child");
    expect!["run a child was asked for by run 42: export that one, and this goes with it"]
        .assert_eq(&refused);
    let elsewhere = Life::first(builder()).unwrap();
    elsewhere.engine.import(&journal.export(RUN).unwrap()).await.unwrap();
    settled().await;
    elsewhere.audit();
    let there = elsewhere.engine.journal().runs().unwrap();
    let tree = all.iter().filter(|run| there.iter().any(|there| there.instance == run.instance)).count();
    assert!(there.len() == tree && there.len() > 3 && there.len() < all.len());
    for run in there {
        let replayed = builder().replay(&elsewhere.engine.journal(), run.instance).await.unwrap();
        assert_eq!((replayed.difference, replayed.moves), (None, run.moves));
    }
}

#[tokio::test]
async fn a_file_that_is_no_instance_damaged_or_known_is_refused_and_leaves_nothing() {
    let parcel = waiting().await;
    let stage = Stage::first(listens());
    let engine = &stage.life.engine;
    let before = engine.journal().durable();
    let mut newer = parcel.clone();
    newer[16] = 9;
    let mut flipped = parcel.clone();
    flipped[40] ^= 1;
    let cases = [
        ("empty", Vec::new()),
        ("foreign", b"PK\x03\x04 something else entirely".to_vec()),
        ("newer", newer),
        ("cut", parcel[..parcel.len() - 1].to_vec()),
        ("longer", [&parcel[..], b"x"].concat()),
        ("flipped", flipped),
        ("only its head", parcel[..20].to_vec()),
    ];
    let mut table = String::new();
    for (name, bytes) in cases {
        table += &format!("{name}: {}\n", engine.import(&bytes).await.unwrap_err());
    }
    expect![[r#"
        empty: this is no exported instance: it does not begin like one
        foreign: this is no exported instance: it does not begin like one
        newer: this instance was exported in form 9; this version reads form 1: import it with a later one
        cut: the exported instance is damaged: it is not as long as it says
        longer: the exported instance is damaged: it is not as long as it says
        flipped: the exported instance is damaged: its bytes are not those that were written
        only its head: the exported instance is damaged: it ends too early
    "#]]
    .assert_eq(&table);
    // Every single bit counts.
    for byte in 0..parcel.len() {
        let mut damaged = parcel.clone();
        damaged[byte] ^= 1 << (byte % 8);
        assert!(engine.import(&damaged).await.is_err(), "byte {byte}");
    }
    assert_eq!(engine.journal().durable(), before);
    // The same id twice, and a graph that is not there.
    engine.start_as(RUN, Working { n: 0 }, plenty()).await.unwrap();
    expect!["run 42 is here already"].assert_eq(&words(engine.import(&parcel).await.unwrap_err()));
    let other = Life::first(Pieces::new().builder().graph::<crate::stops::Runner>(())).unwrap();
    expect!["run 42 is one of graph `Lab`, which this build does not have"]
        .assert_eq(&words(other.engine.import(&parcel).await.unwrap_err()));
    assert!(matches!(engine.journal().export(InstanceId(7)), Err(ParcelFault::Unknown(_))));
}
