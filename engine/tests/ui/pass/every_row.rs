// Every kind of row in one table, and a child that serves what it asks. Rules of the workspace hold for what is emitted.
#![deny(warnings, missing_docs, unreachable_pub)]
#![forbid(unsafe_code)]
//! A librarian and the clerk it asks.

/// The clerk: a child.
pub mod clerk {
    use engine::prelude::*;
    use super::nouns::{Found, Search};

    /// Looks.
    #[state]
    pub struct Looking {
        /// For what.
        pub what: String,
    }
    /// Has looked.
    #[state]
    pub struct Looked {
        /// On which shelf it is.
        pub shelf: Option<u32>,
    }

    graph! {
        /// Looks for one book.
        pub graph Clerk v1 {
            start Looking;
            Looking -> Looked;
            end Looked;
            stop -> Looked;
            serves Search;
        }
    }
    impl Opens<Search> for Looking {
        fn open(request: Search) -> Looking {
            Looking { what: request.what }
        }
    }
    impl Answers<Search> for Looked {
        fn answer(self) -> Found {
            self.shelf.map_or(Found::Nothing, Found::One)
        }
    }
    impl Step for Looking {
        async fn step(self, _: &mut Cx<Clerk>) -> Next<Self> {
            go(Looked { shelf: (!self.what.is_empty()).then_some(7) })
        }
    }
    impl From<Stop> for Looked {
        fn from(_: Stop) -> Looked {
            Looked { shelf: None }
        }
    }
}

/// What both know.
pub mod nouns {
    /// Look for this.
    #[durable::request(Found)]
    pub struct Search {
        /// The title.
        pub what: String,
    }
    /// How it came out.
    #[durable::durable]
    pub enum Found {
        /// The shelf.
        One(u32),
        /// It is not there.
        Nothing,
    }
    /// A person at the desk.
    #[engine::event]
    pub enum Visitor {
        /// Wants a book.
        Wants {
            /// Its title.
            title: String,
        },
        /// Closes the library.
        Closes,
    }
    /// A bell.
    #[engine::event("bell")]
    pub struct Bell;
}

/// The librarian: the parent.
pub mod librarian {
    use super::nouns::{self, Found, Search};
    use engine::prelude::*;

    /// Opens the doors.
    #[state]
    pub struct Opening;
    /// Sits at the desk.
    #[state]
    pub struct Waiting {
        /// How many were helped.
        pub helped: u32,
    }
    /// Has sent the clerk.
    #[state]
    pub struct Sending {
        /// How many were helped.
        pub helped: u32,
        /// For which title.
        pub title: Box<String>,
    }
    /// Has sent clerks for everything at once.
    #[state]
    pub struct Searching {
        /// For which titles.
        pub titles: Vec<String>,
    }
    /// Tidies before the end.
    #[state]
    pub struct Tidying(pub u32);
    /// Has closed.
    #[state]
    pub struct Closed {
        /// How many were helped.
        pub helped: u32,
    }
    /// Stopped.
    #[state]
    pub struct Stopped {
        /// Why.
        pub why: String,
    }
    /// States and events as they were.
    pub mod v1 {
        /// Sat at the desk.
        #[engine::state]
        pub struct Waiting {}
        /// A bell, which could be loud.
        #[engine::event("bell")]
        pub struct Bell {
            /// Whether it was.
            pub loud: bool,
        }
    }
    /// States before that.
    pub mod v0 {
        /// Stood at the desk.
        #[engine::state]
        pub struct Standing;
    }

    graph! {
        /// Helps visitors until somebody closes.
        /// Then it is over.
        pub graph Librarian(Vec<String>) v2 {
            start Opening;
            Opening                  -> Waiting;
            Waiting on nouns::Visitor -> Sending | Closed;
            Waiting on nouns::Bell   -> Waiting | Searching;
            Waiting after 10m        -> Closed;
            Sending asks Search      -> Waiting;
            Sending on nouns::Bell   -> Waiting;
            Sending after 500ms      -> Waiting;
            Searching asks each Search -> Waiting;
            Tidying                  -> Closed | Stopped;
            end Closed, Stopped;
            stop -> Stopped;
            cancel -> Tidying;
            was v0::Standing => v1::Waiting;
            was v1::Waiting => Waiting;
            was v1::Bell => nouns::Bell;
            lap Waiting;
        }
    }

    impl Step for Opening {
        async fn step(self, cx: &mut Cx<Librarian>) -> Next<Self> {
            let _ = &cx;
            go(Waiting { helped: 0 })
        }
    }
    impl On<nouns::Visitor> for Waiting {
        async fn on(self, visitor: nouns::Visitor, _: &mut Cx<Librarian>) -> Next<Self, nouns::Visitor> {
            match visitor {
                nouns::Visitor::Wants { title } => go(Sending { helped: self.helped, title: Box::new(title) }),
                nouns::Visitor::Closes => go(Closed { helped: self.helped }),
            }
        }
    }
    impl On<nouns::Bell> for Waiting {
        async fn on(self, _: nouns::Bell, _: &mut Cx<Librarian>) -> Next<Self, nouns::Bell> {
            go(self)
        }
    }
    impl On<Elapsed> for Waiting {
        async fn on(self, _: Elapsed, _: &mut Cx<Librarian>) -> Next<Self, Elapsed> {
            go(Closed { helped: self.helped })
        }
    }
    impl Ask<Search> for Sending {
        fn ask(&self, _: &mut Purse) -> Search {
            Search { what: self.title.to_string() }
        }
        async fn answered(self, found: Found, _: &mut Cx<Librarian>) -> Next<Self, Search> {
            match found {
                Found::One(_) => go(Waiting { helped: self.helped + 1 }),
                Found::Nothing => go(Waiting { helped: self.helped }),
            }
        }
    }
    impl AskEach<Search> for Searching {
        fn ask(&self, n: usize, _: &mut Purse) -> Option<Search> {
            self.titles.get(n).map(|what| Search { what: what.clone() })
        }
        async fn answered(self, found: Vec<Found>, _: &mut Cx<Librarian>) -> Next<Self, Search> {
            go(Waiting { helped: found.len() as u32 })
        }
    }
    impl On<nouns::Bell> for Sending {
        async fn on(self, _: nouns::Bell, _: &mut Cx<Librarian>) -> Next<Self, nouns::Bell> {
            go(Waiting { helped: self.helped })
        }
    }
    impl On<Elapsed> for Sending {
        async fn on(self, _: Elapsed, _: &mut Cx<Librarian>) -> Next<Self, Elapsed> {
            go(Waiting { helped: self.helped })
        }
    }
    impl Step for Tidying {
        async fn step(self, _: &mut Cx<Librarian>) -> Next<Self> {
            go(Closed { helped: self.0 })
        }
    }
    impl From<Stop> for Tidying {
        fn from(_: Stop) -> Tidying {
            Tidying(0)
        }
    }
    impl From<Stop> for Stopped {
        fn from(stop: Stop) -> Stopped {
            Stopped { why: stop.why.to_string() }
        }
    }
    impl From<v0::Standing> for v1::Waiting {
        fn from(_: v0::Standing) -> v1::Waiting {
            v1::Waiting {}
        }
    }
    impl From<v1::Bell> for nouns::Bell {
        fn from(_: v1::Bell) -> nouns::Bell {
            nouns::Bell
        }
    }
    impl From<v1::Waiting> for Waiting {
        fn from(_: v1::Waiting) -> Waiting {
            Waiting { helped: 0 }
        }
    }
}

fn main() {
    use engine::{Asks, Due, Graph, Wait, prelude::*};
    use librarian::{Librarian, LibrarianState, Opening, Sending, Waiting};

    let meta = Librarian::META;
    assert_eq!((meta.name, meta.version, meta.reserve, meta.lap), ("Librarian", 2, 1, Some("Waiting")));
    assert_eq!((meta.cancel, meta.fault, meta.exhausted), ("Tidying", "Stopped", Some("Stopped")));
    assert_eq!(meta.doc, "Helps visitors until somebody closes.\nThen it is over.");
    assert_eq!(meta.asks.len(), 2);
    assert_eq!(clerk::Clerk::META.serves, ["Search"]);

    assert_eq!(Librarian::wait(&Opening.into()), Wait::Step);
    let sending = LibrarianState::from(Sending { helped: 0, title: Box::default() });
    let Wait::For { events, after, asks } = Librarian::wait(&sending) else { panic!("it waits") };
    let soon = Due::In(std::time::Duration::from_millis(500));
    // The bell, and the bell that it was.
    assert_eq!((events.len(), after, asks), (2, Some(soon), Asks::One));

    let led = |why| Librarian::name(&Librarian::stop(Stop { why, at: "Waiting", in_doubt: vec![] }));
    assert_eq!(led(StopWhy::Cancelled), "Tidying");
    assert_eq!(led(StopWhy::Exhausted("moves".into())), "Stopped");
    assert_eq!(led(StopWhy::Unclaimed), "Stopped");

    let stored: Vec<_> = Librarian::stored().iter().map(|stored| stored.name).collect();
    let states = ["Opening", "Waiting", "Sending", "Searching", "Tidying", "Closed", "Stopped"];
    let all = [&states[..], &["Standing", "Waiting", "bell", "Visitor", "bell"]].concat();
    assert_eq!(stored, all);
    let waiting = Librarian::encode(&Waiting { helped: 3 }.into());
    let again = Librarian::stored()[1].recode;
    assert_eq!(again(&waiting.bytes), Some(waiting.bytes.clone()));
    assert_eq!(again(&[waiting.bytes.as_slice(), &[0]].concat()), None);
    assert_eq!(again(&[]), None);
    assert!(Librarian::finish(sending).is_err());

    let oldest = engine::testing::reading(engine::Origin::OwnJournal);
    let standing = Librarian::decode(&engine::Encoded::stored(&librarian::v0::Standing), &oldest);
    assert!(matches!(standing, Ok(LibrarianState::Waiting(Waiting { helped: 0 }))));
}
