//! Facts ride with the move or with the effect that made them, have an address before they are written, and reach
//! followers after they are durable.
use crate::lab::{Call, Lab, Pieces, RUN, Script, Stage, Then, Working, plenty, works};
use engine::{
    Fact, FactId, Owner,
    durable::fact,
    follow::{Broken, Entry, FactEntry, FactType, Follower},
    log::Lsn,
    prelude::*,
    testing::{Life, settled},
};
use expect_test::expect;
use std::{
    future::{pending, ready},
    sync::{Arc, Condvar, Mutex},
};

#[fact("said")]
pub(crate) struct Said {
    pub(crate) text: String,
}
impl Fact for Said {
    fn owner(&self) -> Owner {
        Owner("session:1".into())
    }
}

/// A view of everything that was said.
#[derive(Clone, Default)]
struct Heard(Arc<(Mutex<All>, Condvar)>);

type All = Vec<(FactId, Lsn, String)>;

impl Heard {
    fn count(&self, count: usize) -> All {
        let all = self.0.1.wait_while(self.0.0.lock().unwrap(), |all| all.len() < count).unwrap();
        all.clone()
    }
}
impl Follower for Heard {
    fn knows(&self) -> Vec<FactType> {
        vec![FactType::of::<Said>()]
    }
    fn applied(&self) -> Lsn {
        Lsn::START
    }
    fn apply(&mut self, _: Lsn, entries: &[Entry]) -> Result<(), Broken> {
        for entry in entries {
            if let Entry::Fact(FactEntry { id, lsn, fact, .. }) = entry {
                let said: Said = fact.to_durable().unwrap();
                self.0.0.lock().unwrap().push((*id, *lsn, said.text));
            }
        }
        self.0.1.notify_all();
        Ok(())
    }
}

fn said(text: &str) -> Said {
    Said { text: text.into() }
}

/// Says three things: one with an effect, two with the move.
fn talks() -> Script {
    works(|cx| {
        Box::pin(async move {
            cx.record(&said("first of the move"));
            let speak =
                |ticket: engine::Ticket| ready(Ok(Settled::new(ticket.fact(0)).fact(&said("of the effect"))));
            let cursor = cx.effect("speak", Hold::NOTHING, speak).await?;
            let second = cx.record(&said("second of the move"));
            assert!(cursor < second, "facts of effects come before those of the move");
            Ok(Then::End("talked".into()))
        })
    })
}

#[tokio::test]
async fn facts_reach_a_follower_with_the_ids_that_were_promised() {
    let (pieces, heard) = (Pieces::new(), Heard::default());
    let builder = pieces.builder().graph::<crate::lab::Lab>(talks()).follower(heard.clone());
    let life = Life::first(builder).unwrap();
    let run = life.engine.start_as(RUN, Working { n: 0 }, plenty()).await.unwrap();
    run.end().await.unwrap();
    let heard = heard.count(3);
    let texts: Vec<_> = heard.iter().map(|(_, _, text)| text.as_str()).collect();
    assert_eq!(texts, ["of the effect", "first of the move", "second of the move"]);
    assert!(heard.is_sorted_by_key(|(id, _, _)| *id));
    for (id, lsn, text) in &heard {
        let read: Said = life.engine.journal().fact(*lsn, *id).unwrap().to_durable().unwrap();
        assert_eq!(&read.text, text);
    }
    assert!(life.engine.journal().fact(heard[0].1, heard[1].0).is_err(), "that record carries another fact");
    settled().await;
    life.audit();
}

#[tokio::test]
async fn what_a_failed_handler_recorded_never_was() {
    let (pieces, heard) = (Pieces::new(), Heard::default());
    let script = Script::new(|call, cx| {
        Box::pin(async move {
            if let Call::Tidy(why) = call {
                cx.record(&said("tidied"));
                return Ok(Then::End(why));
            }
            cx.record(&said("of a move that is not made"));
            let spent = |_| ready(Ok(Settled::new(()).fact(&said("of an effect that was"))));
            cx.effect("pay", Hold::NOTHING, spent).await?;
            Err(Fault::fatal("broken"))
        })
    });
    let builder = pieces.builder().graph::<crate::lab::Lab>(script).follower(heard.clone());
    let life = Life::first(builder).unwrap();
    life.engine.start_as(RUN, Working { n: 0 }, plenty()).await.unwrap().end().await.unwrap();
    let texts: Vec<_> = heard.count(2).into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(texts, ["of an effect that was", "tidied"]);
}

/// A view that knows no facts at all.
struct Deaf;
impl Follower for Deaf {
    fn knows(&self) -> Vec<FactType> {
        Vec::new()
    }
    fn applied(&self) -> Lsn {
        Lsn::START
    }
    fn apply(&mut self, _: Lsn, _: &[Entry]) -> Result<(), Broken> {
        Ok(())
    }
}

#[tokio::test]
async fn a_fact_that_no_view_knows_is_refused_before_it_is_written() {
    let pieces = Pieces::new();
    let life = Life::first(pieces.builder().graph::<crate::lab::Lab>(talks()).follower(Deaf)).unwrap();
    let run = life.engine.start_as(RUN, Working { n: 0 }, plenty()).await.unwrap();
    run.end().await.unwrap();
    expect!["Lab: Working [speak failed] ✗ no follower knows the fact `said` → Tidying → Done.\n"]
        .assert_eq(&pieces.trace.take());
    // So the journal can be opened again.
    let left = life.crash().await;
    Life::after(left, Pieces::new().builder().graph::<crate::lab::Lab>(talks()).follower(Deaf)).unwrap();
}

#[tokio::test]
async fn a_journal_with_a_fact_that_no_view_knows_is_refused_by_name() {
    let stage = Stage::first(talks());
    stage.start(plenty()).await;
    stage.end().await;
    let left = stage.life.crash().await;
    let opened = Life::after(left, Pieces::new().builder().graph::<crate::lab::Lab>(talks()).follower(Deaf));
    let refused = opened.err().unwrap().to_string();
    assert!(refused.starts_with("the journal holds facts `"), "{refused}");
    assert!(refused.ends_with("which this build does not know"), "{refused}");
}

#[tokio::test]
async fn too_many_facts_are_refused_with_their_effect() {
    let stage = Stage::first(works(|cx| {
        Box::pin(async move {
            let many = |_| ready(Ok((0..257).fold(Settled::new(()), |settled, _| settled.fact(&said("x")))));
            cx.effect("speak", Hold::NOTHING, many).await?;
            Ok(Then::End("talked".into()))
        })
    }));
    stage.start(plenty()).await;
    expect![[r#"
        Lab: Working [speak failed] ✗ effect `speak` records 257 facts, at most 256 fit → Tidying → Done.
        effect `speak` records 257 facts, at most 256 fit
    "#]]
    .assert_eq(&stage.end().await);
}

#[tokio::test]
async fn what_is_told_reaches_who_listens_and_nobody_else() {
    let stage = Stage::first(works(|cx| {
        Box::pin(async move {
            cx.tell("half way".to_owned());
            Ok(Then::End(String::new()))
        })
    }));
    let mut listener = stage.life.engine.listen();
    stage.start(plenty()).await;
    stage.end().await;
    let told = listener.recv().await.unwrap();
    assert_eq!((told.instance, told.seq, told.as_a::<String>().unwrap().as_str()), (RUN, 0, "half way"));
    assert!(told.as_a::<u8>().is_none());
    let late = stage.life.engine.listen();
    assert!(late.is_empty());
}

#[tokio::test]
async fn a_run_that_comes_back_is_heard_from_its_first_word() {
    let stage = Stage::first(works(|_| Box::pin(pending())));
    stage.start(plenty()).await;
    let left = stage.life.crash().await;
    let says = works(|cx| {
        cx.tell("here again".to_owned());
        Box::pin(ready(Ok(Then::End(String::new()))))
    });
    let builder = Pieces::new().builder().graph::<Lab>(says);
    let mut listener = builder.listen();
    let life = Life::after(left, builder).unwrap();
    life.engine.run::<Lab>(RUN).unwrap().end().await.unwrap();
    assert!(life.engine.listen().is_empty(), "who listens now is late");
    assert_eq!(listener.recv().await.unwrap().as_a::<String>().unwrap(), "here again");
}

/// A view that knows a fact under the tag of another type.
struct Confused;
impl Follower for Confused {
    fn knows(&self) -> Vec<FactType> {
        vec![FactType { name: "another", ..FactType::of::<Said>() }, FactType::of::<Said>()]
    }
    fn applied(&self) -> Lsn {
        Lsn::START
    }
    fn apply(&mut self, _: Lsn, _: &[Entry]) -> Result<(), Broken> {
        Ok(())
    }
}

#[tokio::test]
async fn two_names_with_one_tag_are_refused() {
    let opened = Life::first(Pieces::new().builder().follower(Confused));
    let refused = opened.err().unwrap().to_string();
    assert!(refused.starts_with("`another` and `said` have the same tag"), "{refused}");
}
