//! Many runs on two threads, with cancels, events and ends that race: nothing hangs, nothing is lost, and the books and
//! the standings agree afterwards. What happens is left to chance; what must hold is not.
use crate::lab::{Call, Lab, LabEnd, Pieces, Poke, Script, Then, Working, plenty};
use asker::{Asker, AskerEnd, Counting, Enough, Marks};
use engine::{Amount, SendFault, prelude::*, testing::Life};
use futures::future::join_all;
use server::Server;

/// Enough for every order of two threads to have its chance, and quick.
const RUNS: u32 = 200;

/// Works, waits, works: with an effect of each kind in each state.
fn busy() -> Script {
    Script::new(|call, cx| {
        Box::pin(async move {
            if let Call::Tidy(why) = call {
                return Ok(Then::End(why));
            }
            let (a, b) = (cx.hold(Amount::on(0, 1))?, cx.hold(Amount::on(0, 1))?);
            let slow = |_| async {
                tokio::task::yield_now().await;
                Ok(Settled::new(1u8))
            };
            let once = |_, _: &u8| async {
                tokio::task::yield_now().await;
                Ok(Settled::new(2u8))
            };
            let (a, b) = futures::future::join(cx.effect("a", a, slow), cx.once("b", 7u8, b, once)).await;
            let (Ok(1), Ok(Once::Done(2))) = (a, b) else { return Ok(Then::End("odd".into())) };
            Ok(match call {
                Call::Work => Then::Wait,
                Call::Poked(what) => Then::End(what),
                Call::Elapsed | Call::Tidy(_) => Then::End("unexpected".into()),
            })
        })
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancels_race_with_events_and_ends() {
    let life = Life::first(Pieces::new().builder().graph::<Lab>(busy())).unwrap();
    let one = |n: u32| {
        let engine = life.engine.clone();
        tokio::spawn(async move {
            let run = engine.start(Working { n }, plenty()).await.unwrap();
            let poked = tokio::spawn({
                let run = run.clone();
                async move { run.send_as("poke", Poke { what: "poked".into() }).await }
            });
            if n.is_multiple_of(2) {
                run.cancel().await.unwrap();
            }
            let LabEnd::Done(done) = run.end().await.unwrap();
            assert!(matches!(poked.await.unwrap(), Ok(()) | Err(SendFault::Over(_))));
            done.said
        })
    };
    let said: Vec<_> = join_all((0..RUNS).map(one)).await.into_iter().map(|said| said.unwrap()).collect();
    assert!(said.iter().skip(1).step_by(2).all(|said| said == "poked"), "who was not cancelled was poked");
    assert!(said.iter().all(|said| ["poked", "cancelled", "odd"].contains(&said.as_str())), "{said:?}");
    life.engine.close();
    life.engine.closed().await;
    life.audit();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parents_and_children_race() {
    let life =
        Life::first(Pieces::new().builder().graph::<Asker>(Marks::default()).graph::<Server>(())).unwrap();
    let one = |n: u32| {
        let engine = life.engine.clone();
        tokio::spawn(async move {
            let budget = Budget::new(300, Amount::on(0, 1 + u64::from(n % 9)));
            let run = engine.start(Counting { from: 6 }, budget).await.unwrap();
            match n % 3 {
                0 => run.cancel().await.unwrap(),
                1 => drop(run.send(Enough).await),
                _ => {}
            }
            match run.end().await.unwrap() {
                AskerEnd::Counted(counted) => assert_eq!(counted.by.len(), 7),
                AskerEnd::Failed(failed) => assert!(!failed.why.is_empty()),
            }
        })
    };
    join_all((0..RUNS).map(one)).await.into_iter().for_each(|run| run.unwrap());
    // A root may be over while what it cancelled still is on its way.
    for run in life.engine.living::<Asker>() {
        run.end().await.unwrap();
    }
    for run in life.engine.living::<Server>() {
        run.end().await.unwrap();
    }
    life.engine.close();
    life.engine.closed().await;
    life.audit();
}
