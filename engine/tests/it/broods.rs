//! Children that are asked all at once: they answer in the order of the questions, each with its own share; they are
//! cancelled together, and a tree has a bound.
use crate::lab::{Pieces, RUN};
use asker::{Asker, Marks};
use engine::{
    Amount, TREE_MAX,
    prelude::*,
    testing::{Life, crash_everywhere, settled},
};
use expect_test::expect;
use panel::{Asked, Hush, Panel, PanelEnd};
use server::Server;

mod panel {
    //! Puts one question to many at once.
    use engine::{Amount, prelude::*};
    use nouns::{Answered, Down};

    #[state]
    pub(crate) struct Asked {
        pub(crate) from: Vec<u32>,
        /// For each.
        pub(crate) marks: u64,
    }
    #[state]
    pub(crate) struct Left {
        pub(crate) heard: u32,
    }
    #[state]
    pub(crate) struct Closed {
        pub(crate) said: Vec<String>,
    }
    #[event]
    pub(crate) struct Hush;

    graph! {
        /// Asks everybody, and listens to all of them or to none.
        pub(crate) graph Panel v1 {
            start Asked;
            Asked asks each Down -> Closed;
            Asked on Hush        -> Left;
            Left on Hush         -> Closed;
            end Closed;
            stop -> Closed;
        }
    }
    impl AskEach<Down> for Asked {
        fn ask(&self, n: usize, purse: &mut Purse) -> Option<Down> {
            let from = *self.from.get(n)?;
            purse.give(20, Amount::on(0, self.marks));
            Some(Down { from })
        }
        async fn answered(self, all: Vec<Answered>, _: &mut Cx<Panel>) -> Next<Self, Down> {
            let said = |answer| match answer {
                Answered::By(who) => who.len().to_string(),
                Answered::Failed(why) => why,
            };
            go(Closed { said: all.into_iter().map(said).collect() })
        }
    }
    impl On<Hush> for Asked {
        async fn on(self, _: Hush, _: &mut Cx<Panel>) -> Next<Self, Hush> {
            go(Left { heard: 0 })
        }
    }
    impl On<Hush> for Left {
        async fn on(self, _: Hush, _: &mut Cx<Panel>) -> Next<Self, Hush> {
            go(Closed { said: vec![format!("heard {}", self.heard)] })
        }
    }
    impl From<Stop> for Closed {
        fn from(stop: Stop) -> Closed {
            Closed { said: vec![stop.why.to_string()] }
        }
    }
}

fn all(pieces: &Pieces, marks: &Marks) -> engine::Builder {
    pieces.builder().graph::<Panel>(()).graph::<Asker>(marks.clone()).graph::<Server>(())
}

fn purse() -> Budget {
    Budget::new(200, Amount::on(0, 10))
}

fn said(PanelEnd::Closed(closed): PanelEnd) -> String {
    closed.said.join(", ")
}

#[tokio::test]
async fn all_answers_are_one_event_in_the_order_of_the_questions() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let life = Life::first(all(&pieces, &marks)).unwrap();
    let start = Asked { from: vec![4, 0, 2], marks: 3 };
    let run = life.engine.start_as(RUN, start, purse()).await.unwrap();
    assert_eq!(said(run.end().await.unwrap()), "5, 1, 3");
    settled().await;
    let totals = life.audit();
    expect![[r#"
        Panel: Asked → Closed.
          Asker: Counting [mark] → Asking → Counted.
          Asker: Counting [mark] → Counted.
          Asker: Counting [mark] → Asking → Counted.
          Server: Passing → Passed.
          Asker: Counting [mark] → Asking → Counted.
          Server: Passing → Passed.
          Asker: Counting [mark] → Counted.
          Server: Passing → Passed.
          Asker: Counting [mark] → Counted.
    "#]]
    .assert_eq(&pieces.trace.take());
    // Six marks; what the children did not spend came back.
    assert_eq!(totals.spent[1], 6);
    assert_eq!(life.engine.journal().runs().unwrap()[0].left, Amount::on(0, 4));
}

#[tokio::test]
async fn each_child_spends_its_own_share_and_no_other() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let life = Life::first(all(&pieces, &marks)).unwrap();
    // Two marks for each: who counts from four needs three.
    let start = Asked { from: vec![2, 4, 0], marks: 2 };
    let run = life.engine.start_as(RUN, start, purse()).await.unwrap();
    assert_eq!(said(run.end().await.unwrap()), "3, out of turns, 1");
    settled().await;
    life.audit();
}

#[tokio::test]
async fn who_asks_nobody_has_heard_all() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let life = Life::first(all(&pieces, &marks)).unwrap();
    let run = life.engine.start_as(RUN, Asked { from: vec![], marks: 1 }, purse()).await.unwrap();
    assert_eq!(said(run.end().await.unwrap()), "");
    settled().await;
    life.audit();
}

#[tokio::test]
async fn a_crash_at_any_record_changes_nothing() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let script = async |engine: Engine| {
        let start = Asked { from: vec![2, 0, 2], marks: 3 };
        said(engine.start_as(RUN, start, purse()).await.unwrap().end().await.unwrap())
    };
    let crashes = crash_everywhere(|| all(&pieces, &marks), script).await;
    assert_eq!(crashes.uncut, "3, 1, 3");
    crashes.all_alike();
    let mut made = marks.made();
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 5, "each number of each child has one key in all lives: {made:?}");
}

#[tokio::test]
async fn who_leaves_cancels_all_in_one_record_and_gets_the_rest_back() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let life = Life::first(all(&pieces, &marks)).unwrap();
    life.log.hold();
    let starting = life.engine.start_as(RUN, Asked { from: vec![2, 3], marks: 4 }, purse());
    settled().await;
    life.log.release();
    let run = starting.await.unwrap();
    settled().await;
    // The children have marked, and those below them wait for the disk before they do.
    let sent = run.send(Hush);
    for _ in 0..3 {
        settled().await;
        life.log.release();
    }
    sent.await.unwrap();
    settled().await;
    life.audit();
    let runs = life.engine.journal().runs().unwrap();
    assert_eq!(runs[0].state, "Left");
    // Two marks were made, and two more had begun when they were cancelled: their holds went with them.
    assert_eq!(runs[0].left, Amount::on(0, 6));
    expect![[r#"
        Panel: Asked → Left
          Asker: Counting [mark] → Asking ✗ cancelled → Failed.
          Asker: Counting [mark] → Asking ✗ cancelled → Failed.
          Server: Passing ✗ cancelled → Lost.
          Asker: Counting ✗ cancelled → Failed.
          Server: Passing ✗ cancelled → Lost.
          Asker: Counting ✗ cancelled → Failed.
    "#]]
    .assert_eq(&pieces.trace.take());
}

#[tokio::test]
async fn a_cancel_takes_all_of_them_and_every_crash_agrees() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let script = async |engine: Engine| {
        let start = Asked { from: vec![6, 6], marks: 1 };
        let run = engine.start_as(RUN, start, purse()).await.unwrap();
        run.cancel().await.unwrap();
        said(run.end().await.unwrap())
    };
    let crashes = crash_everywhere(|| all(&pieces, &marks), script).await;
    assert_eq!(crashes.uncut, "cancelled");
    crashes.all_alike();
}

#[tokio::test]
async fn a_tree_has_a_bound_and_who_would_pass_it_begins_nobody() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let life = Life::first(all(&pieces, &marks)).unwrap();
    let many = |count| Asked { from: vec![0; count], marks: 1 };
    let most = life.engine.start(many(TREE_MAX - 1), purse()).await.unwrap();
    most.end().await.unwrap();
    let fault = life.engine.start(many(TREE_MAX), purse()).await.err().unwrap();
    expect!["`Asked` asks too many: 256 runs of one tree may live at once"].assert_eq(&fault.to_string());
    settled().await;
    life.audit();
    assert_eq!(life.engine.journal().runs().unwrap().len(), TREE_MAX);
}

#[tokio::test]
async fn those_below_count_in_the_same_tree() {
    let (pieces, marks) = (Pieces::new(), Marks::default());
    let life = Life::first(all(&pieces, &marks)).unwrap();
    // Nobody ends while nothing is durable; then half of them ask on, for which there is no room.
    let half = TREE_MAX / 2;
    let from = [vec![1; half], vec![0; half - 1]].concat();
    let budget = Budget::new(u32::MAX, Amount::on(0, 100_000));
    let run = life.engine.start_as(RUN, Asked { from, marks: 5 }, budget).await.unwrap();
    let said = said(run.end().await.unwrap());
    assert!(said.contains("asks too many: 256 runs of one tree may live at once"), "{said}");
    settled().await;
    life.audit();
}
