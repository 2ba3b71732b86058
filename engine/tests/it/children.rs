//! Children across crates: two graphs that ask each other and know only the nouns. The server asks in the very state in
//! which it begins, so each question begins two runs in one group.
use crate::lab::{Pieces, RUN};
use asker::{Asker, AskerEnd, Counting, Enough, Marks};
use brittle::Brittle;
use engine::{
    Amount, Run,
    prelude::*,
    testing::{Life, crash_everywhere, settled},
};
use expect_test::expect;
use impatient::{Hoping, Impatient, ImpatientEnd};
use server::Server;
use std::time::Duration;

fn both(pieces: &Pieces, marks: &Marks) -> engine::Builder {
    pieces.builder().graph::<Asker>(marks.clone()).graph::<Server>(())
}

fn said(end: AskerEnd) -> String {
    match end {
        AskerEnd::Counted(it) => it.by.join(" → "),
        AskerEnd::Failed(it) => format!("failed: {}", it.why),
    }
}

fn purse() -> Budget {
    Budget::new(200, Amount::on(0, 10))
}

async fn ended(run: &Run<Asker>) -> String {
    said(run.end().await.unwrap())
}

#[tokio::test]
async fn two_graphs_ask_each_other_nested_deep() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let life = Life::first(both(&pieces, &marks)).unwrap();
    let run = life.engine.start_as(RUN, Counting { from: 4 }, purse()).await.unwrap();
    assert_eq!(ended(&run).await, "asker → server → asker → server → asker");
    settled().await;
    life.audit();
    expect![[r#"
        Asker: Counting [mark] → Asking → Counted.
          Server: Passing → Passed.
          Asker: Counting [mark] → Asking → Counted.
          Server: Passing → Passed.
          Asker: Counting [mark] → Counted.
    "#]]
    .assert_eq(&pieces.trace.take());
    // One token a mark; what the children did not spend came back.
    assert_eq!(life.engine.journal().runs().unwrap()[0].left, Amount::on(0, 7));
}

#[tokio::test]
async fn a_crash_at_any_record_changes_nothing() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let script = async |engine: Engine| {
        let run = engine.start_as(RUN, Counting { from: 2 }, purse()).await.unwrap();
        ended(&run).await
    };
    let crashes = crash_everywhere(|| both(&pieces, &marks), script).await;
    assert_eq!(crashes.uncut, "asker → server → asker");
    crashes.all_alike();
    let mut made = marks.made();
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 2, "each number has one key in all lives: {made:?}");
}

#[tokio::test]
async fn a_parent_that_leaves_by_an_event_cancels_its_child_and_gets_the_rest_back() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let life = Life::first(both(&pieces, &marks)).unwrap();
    // Nothing becomes durable, so nobody below marks anything, and all of them wait.
    let run = life.engine.start_as(RUN, Counting { from: 2 }, purse()).await.unwrap();
    life.log.hold();
    settled().await;
    let sent = run.send(Enough);
    settled().await;
    life.log.release();
    sent.await.unwrap();
    settled().await;
    life.log.release();
    settled().await;
    life.log.release();
    expect!["failed: enough at 2"].assert_eq(&ended(&run).await);
    settled().await;
    life.audit();
    expect![[r#"
        Asker: Counting [mark] → Asking → Failed.
          Server: Passing ✗ cancelled → Lost.
          Asker: Counting ✗ cancelled → Failed.
    "#]]
    .assert_eq(&pieces.trace.take());
}

#[tokio::test]
async fn a_cancel_takes_the_whole_tree_and_every_crash_agrees() {
    let marks = Marks::default();
    let pieces = Pieces::new();
    let script = async |engine: Engine| {
        let run =
            engine.start_as(RUN, Counting { from: 6 }, Budget::new(200, Amount::on(0, 2))).await.unwrap();
        run.cancel().await.unwrap();
        ended(&run).await
    };
    let crashes = crash_everywhere(|| both(&pieces, &marks), script).await;
    expect!["failed: cancelled"].assert_eq(&crashes.uncut);
    crashes.all_alike();
}

#[tokio::test]
async fn a_child_whose_budget_is_spent_answers_and_its_parent_goes_on() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let life = Life::first(both(&pieces, &marks)).unwrap();
    let run =
        life.engine.start_as(RUN, Counting { from: 4 }, Budget::new(200, Amount::on(0, 2))).await.unwrap();
    assert_eq!(ended(&run).await, "failed: out of turns");
    settled().await;
    life.audit();
}

#[tokio::test]
async fn a_graph_that_asks_itself_for_ever_is_stopped_by_depth() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let life = Life::first(both(&pieces, &marks)).unwrap();
    let budget = Budget::new(u32::MAX, Amount::on(0, 1000));
    let run = life.engine.start_as(RUN, Counting { from: 100 }, budget).await.unwrap();
    expect!["failed: `Asking` asks a child 16 levels down: a graph asks itself"]
        .assert_eq(&ended(&run).await);
    settled().await;
    life.audit();
}

#[tokio::test]
async fn a_deadline_is_narrowed_not_divided() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let life = Life::first(both(&pieces, &marks)).unwrap();
    life.log.hold();
    let budget = purse().within(Duration::from_secs(60));
    let starting = life.engine.start_as(RUN, Counting { from: 4 }, budget);
    life.log.release();
    let run = starting.await.unwrap();
    settled().await;
    life.log.release();
    settled().await;
    // The root waits for its child, whose first effect waits for the disk.
    pieces.clock.advance(Duration::from_secs(61));
    settled().await;
    life.log.release();
    settled().await;
    life.log.release();
    assert_eq!(ended(&run).await, "failed: out of time");
    settled().await;
    life.audit();
    assert!(!pieces.trace.take().contains("Counted"));
}

#[tokio::test]
async fn a_request_that_nobody_serves_is_refused_before_anything_runs() {
    let pieces = Pieces::new();
    let alone = Life::first(pieces.builder().graph::<Asker>(Marks::default()));
    expect!["graph `Asker`: state `Asking` asks `Further`, but no registered graph serves it: register one whose table says `serves Further;`"]
        .assert_eq(&alone.err().unwrap().to_string());
}

pub(crate) mod impatient {
    //! Asks, and may stop hoping; then it lives on.
    use engine::prelude::*;
    use nouns::{Answered, Down};
    #[state]
    pub(crate) struct Hoping {
        pub(crate) from: u32,
    }
    #[state]
    pub(crate) struct Moping {
        pub(crate) from: u32,
    }
    #[state]
    pub(crate) struct Content {
        pub(crate) said: String,
    }
    #[event]
    pub(crate) struct Enough;
    graph! {
        /// Hopes for an answer, for as long as nobody says that it is enough.
        pub(crate) graph Impatient v1 {
            start Hoping;
            Hoping asks Down  -> Content;
            Hoping on Enough  -> Moping;
            Moping on Enough  -> Content;
            end Content;
            stop -> Content;
        }
    }
    impl Ask<Down> for Hoping {
        fn ask(&self, purse: &mut Purse) -> Down {
            let left = purse.left();
            purse.give(100, left);
            Down { from: self.from }
        }
        async fn answered(self, outcome: Answered, _: &mut Cx<Impatient>) -> Next<Self, Down> {
            go(Content { said: format!("{outcome:?}") })
        }
    }
    impl On<Enough> for Hoping {
        async fn on(self, _: Enough, _: &mut Cx<Impatient>) -> Next<Self, Enough> {
            go(Moping { from: self.from })
        }
    }
    impl On<Enough> for Moping {
        async fn on(self, _: Enough, _: &mut Cx<Impatient>) -> Next<Self, Enough> {
            go(Content { said: format!("mopes at {}", self.from) })
        }
    }
    impl From<Stop> for Content {
        fn from(stop: Stop) -> Content {
            Content { said: stop.why.to_string() }
        }
    }
}

#[tokio::test]
async fn what_a_child_gives_back_late_goes_to_the_living_ancestor() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let life = Life::first(both(&pieces, &marks).graph::<Impatient>(())).unwrap();
    life.log.hold();
    // The root asks as it begins; its child waits for the disk before its first effect.
    let starting = life.engine.start_as(RUN, Hoping { from: 3 }, purse());
    settled().await;
    life.log.release();
    let run = starting.await.unwrap();
    settled().await;
    let sent = run.send(impatient::Enough);
    settled().await;
    life.log.release();
    sent.await.unwrap();
    settled().await;
    life.audit();
    life.log.release();
    let runs = life.engine.journal().runs().unwrap();
    assert_eq!(runs[0].state, "Moping");
    // One mark was made, and another had begun when it was cancelled: its hold went with it.
    assert_eq!(runs[0].left, Amount::on(0, 8));
    expect![[r#"
        Impatient: Hoping → Moping
          Asker: Counting [mark] → Asking ✗ cancelled → Failed.
          Server: Passing ✗ cancelled → Lost.
          Asker: Counting ✗ cancelled → Failed.
    "#]]
    .assert_eq(&pieces.trace.take());
}

#[tokio::test]
async fn a_root_that_asks_as_it_begins_survives_a_crash_at_any_record() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let script = async |engine: Engine| {
        let run = engine.start_as(RUN, Hoping { from: 2 }, purse()).await.unwrap();
        let ImpatientEnd::Content(content) = run.end().await.unwrap();
        content.said
    };
    let crashes = crash_everywhere(|| both(&pieces, &marks).graph::<Impatient>(()), script).await;
    assert_eq!(crashes.uncut, r#"By(["asker", "server", "asker"])"#);
    crashes.all_alike();
}

mod brittle {
    //! Serves, breaks, and breaks again on the way to its end.
    use engine::prelude::*;
    use nouns::{Answered, Further};
    #[state]
    pub(crate) struct Breaking {
        pub(crate) from: u32,
    }
    #[state]
    pub(crate) struct Mending {
        pub(crate) why: String,
    }
    #[state]
    pub(crate) struct Broken {
        pub(crate) why: String,
    }
    graph! {
        /// Breaks, as the environment says: in a handler, or where nobody expects it.
        pub(crate) graph Brittle(&'static str) v1 {
            serves Further;
            start Breaking;
            Breaking -> Broken;
            Mending  -> Broken;
            end Broken;
            stop -> Mending;
        }
    }
    impl Step for Breaking {
        async fn step(self, _: &mut Cx<Brittle>) -> Next<Self> {
            Err(Fault::fatal(format!("broken at {}", self.from)))
        }
    }
    impl Step for Mending {
        async fn step(self, cx: &mut Cx<Brittle>) -> Next<Self> {
            match *cx.env {
                "in a handler" => Err(Fault::fatal("broken again")),
                _ => go(Broken { why: self.why }),
            }
        }
    }
    impl Opens<Further> for Breaking {
        fn open(request: Further) -> Breaking {
            Breaking { from: request.from }
        }
    }
    impl Answers<Further> for Broken {
        fn answer(self) -> Answered {
            std::panic::resume_unwind(Box::new(self.why))
        }
    }
    impl From<Stop> for Mending {
        fn from(stop: Stop) -> Mending {
            Mending { why: stop.why.to_string() }
        }
    }
}

async fn with_a_brittle_child(how: &'static str, expected: expect_test::Expect) {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let script = async |engine: Engine| {
        let run = engine.start_as(RUN, Counting { from: 3 }, purse()).await.unwrap();
        ended(&run).await
    };
    let all = || pieces.builder().graph::<Asker>(marks.clone()).graph::<Brittle>(how);
    let crashes = crash_everywhere(all, script).await;
    expected.assert_eq(&crashes.uncut);
    crashes.all_alike();
}

#[tokio::test]
async fn a_child_that_is_set_aside_answers_its_parent() {
    with_a_brittle_child(
        "in a handler",
        expect!["failed: a child was lost: `Mending`, on the way to an end after a stop: broken again"],
    )
    .await;
}

#[tokio::test]
async fn a_child_that_panics_beside_its_handlers_answers_its_parent() {
    with_a_brittle_child(
        "in its answer",
        expect!["failed: a child was lost: something panicked between two handlers"],
    )
    .await;
}
