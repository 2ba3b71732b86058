//! A durable engine for typed state graphs. It knows no model, tool, user or socket.
//!
//! A graph is a table of states and edges, written with [`graph!`] and checked at compile time; handlers are plain
//! trait impls. The state *is* the checkpoint: nothing is replayed, and what a handler has done to the world is
//! remembered by name, so editing a handler never breaks a run that is under way.
//!
//! ```
//! use engine::{Amount, log::MemoryLog, prelude::*};
//! use std::{future::ready, sync::Arc};
//!
//! #[state] struct Drafting  { topic: String }
//! #[state] struct Approving { draft: String }
//! #[state] struct Published { url: String }
//! #[state] struct Dropped   { why: String }
//! #[event] struct Verdict   { ok: bool, note: String }
//!
//! graph! {
//!     /// Write a draft, let a human judge it, publish it.
//!     graph Review v1 {
//!         start Drafting;
//!         Drafting             -> Approving;             // runs by itself       impl Step
//!         Approving on Verdict -> Published | Drafting;  // waits for an event   impl On<Verdict>
//!         Approving after 10m  -> Dropped;               // durable timer        impl On<Elapsed>
//!         end Published, Dropped;
//!         stop -> Dropped;                               // cancelled, failed or out of budget
//!     }
//! }
//! impl Step for Drafting {
//!     async fn step(self, cx: &mut Cx<Review>) -> Next<Self> {
//!         let hold = cx.hold(Amount::on(0, 2_000))?;     // reserved now, settled with the result
//!         let write = |_| ready(Ok(Settled::new(format!("on {}", self.topic)).spent(Amount::on(0, 700))));
//!         go(Approving { draft: cx.effect("draft", hold, write).await? })
//!     }
//! }
//! impl On<Verdict> for Approving {
//!     async fn on(self, verdict: Verdict, _: &mut Cx<Review>) -> Next<Self, Verdict> {
//!         if verdict.ok { go(Published { url: self.draft }) } else { go(Drafting { topic: verdict.note }) }
//!     }
//! }
//! impl On<Elapsed> for Approving {
//!     async fn on(self, _: Elapsed, _: &mut Cx<Review>) -> Next<Self, Elapsed> { go(Dropped { why: "no answer".into() }) }
//! }
//! impl From<Stop> for Dropped { fn from(stop: Stop) -> Dropped { Dropped { why: stop.why.to_string() } } }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let engine = Engine::builder().graph::<Review>(()).open(Arc::new(MemoryLog::new()))?;
//! let run = engine.start(Drafting { topic: "bees".into() }, Budget::new(20, Amount::on(0, 10_000))).await.unwrap();
//! run.send(Verdict { ok: false, note: "wasps".into() }).await?;
//! run.send(Verdict { ok: true, note: String::new() }).await?;
//! let ReviewEnd::Published(post) = run.end().await? else { unreachable!("it was approved") };
//! assert_eq!(post.url, "on wasps");
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # What it promises
//! 1. A move (state, consumed event, budget, facts) happens exactly once, atomically.
//! 2. An effect is repeated only with the same idempotency key, and said so ([`Cx::effect`]); or it is never repeated,
//!    and reported as in doubt ([`Cx::once`]). Its recorded result is final.
//! 3. No effect starts before all that led to it is on disk.
//! 4. A send, start or cancel that returned is durable.
//! 5. A journal has one live owner; a stale one is fenced.
//! 6. An old journal is migrated, or refused by name before anything runs; an old effect result parks its one run.
//!
//! # What it does not promise
//! Timers that fire on the millisecond; an order between senders; exactly one execution of an effect whose receiver
//! ignores the key; that progress ([`Cx::tell`]) arrives; protection from somebody who edits the journal's files.
extern crate self as engine;

mod brood;
mod budget;
mod children;
mod clock;
pub mod codec;
mod core;
mod cx;
mod drive;
pub mod effect;
pub mod follow;
mod followers;
pub mod fork;
pub mod graph;
mod handle;
pub mod journal;
mod ledger;
mod live;
pub mod log;
mod memos;
mod moves;
mod newer;
pub mod observe;
mod open;
mod order;
pub mod parcel;
pub mod park;
mod record;
mod registry;
pub mod replay;
mod scan;
mod seen;
mod slot;
mod snapshot;
mod standing;
mod table;
mod tape;
mod tell;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod timer;
mod wheel;

pub use bincode;
pub use budget::{Budget, Hold, Purse};
pub use children::TREE_MAX;
pub use clock::{Clock, SLEEP_MAX, SystemClock};
pub use codec::{Encoded, Memo, Origin, Reading, Refused, Stored};
pub use cx::{Cx, Name};
pub use durable::{self, Amount, Durable, Fact, FactId, InstanceId, Owner, Request, Time};
pub use effect::{Once, Settled, Ticket};
pub use graph::{
    Answers, Ask, AskEach, Asks, Doubt, Due, Elapsed, Entered, EventOf, Exhausted, Fault, Graph, Leaves,
    Meta, Next, On, Opens, Serves, Start, State, Step, Stop, StopWhy, Successor, Timer, Wait, Wake, go,
};
pub use handle::{EndFault, MAIL_MAX, Run, SendFault, Sending, Starting};
pub use journal::Journal;
pub use live::Engine;
pub use macros::{event, graph, sealed, state};
pub use open::{Builder, OpenFault, Recovered};
pub use registry::Registry;
pub use tell::Told;

/// What a file with a graph in it needs.
pub mod prelude {
    pub use crate::{
        Answers, Ask, AskEach, Budget, Cx, Elapsed, Engine, Fault, Graph, Hold, Next, On, Once, Opens, Purse,
        Settled, Step, Stop, StopWhy, event, go, graph, state,
    };
}
