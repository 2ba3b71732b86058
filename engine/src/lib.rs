//! A durable engine for typed state graphs.
//!
//! A graph is a table of states and edges, written with [`graph!`] and checked at compile time; handlers are plain
//! trait impls. Every move is on disk before the next effect runs, so a process that is killed at any instant loses
//! nothing and repeats nothing silently. The engine knows no model, tool, user or socket.
extern crate self as engine;

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
pub mod graph;
mod handle;
pub mod journal;
mod ledger;
mod live;
pub mod log;
mod moves;
pub mod observe;
mod open;
mod record;
mod registry;
mod seen;
mod slot;
mod standing;
mod tell;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod wheel;

pub use bincode;
pub use budget::{Budget, Hold, Purse};
pub use clock::{Clock, SystemClock};
pub use codec::{Encoded, Memo, Origin, Reading, Refused, Stored};
pub use cx::{Cx, Name};
pub use durable::{self, Amount, Durable, Fact, FactId, InstanceId, Owner, Request, Time};
pub use effect::{Once, Settled, Ticket};
pub use graph::{
    Answers, Ask, Doubt, Elapsed, Entered, EventOf, Exhausted, Fault, Graph, Leaves, Meta, Next, On, Opens,
    Serves, Start, State, Step, Stop, StopWhy, Successor, Wait, Wake, go,
};
pub use handle::{EndFault, MAIL_MAX, Run, SendFault, Sending, Starting};
pub use journal::Journal;
pub use live::Engine;
pub use macros::{event, graph, sealed, state};
pub use open::{Builder, OpenFault};
pub use registry::Registry;
pub use tell::Told;

/// What a file with a graph in it needs.
pub mod prelude {
    pub use crate::{
        Answers, Ask, Budget, Cx, Elapsed, Engine, Fault, Graph, Hold, Next, On, Once, Opens, Purse, Settled,
        Step, Stop, StopWhy, event, go, graph, state,
    };
}
