//! A durable engine for typed state graphs.
//!
//! A graph is a table of states and edges, written with [`graph!`] and checked at compile time; handlers are plain
//! trait impls. Every move is on disk before the next effect runs, so a process that is killed at any instant loses
//! nothing and repeats nothing silently. The engine knows no model, tool, user or socket.
extern crate self as engine;

pub mod codec;
pub mod graph;

pub use bincode;
pub use codec::{Encoded, Memo, Origin, Reading, Refused, Stored};
pub use durable::{self, Amount, Durable, Fact, FactId, InstanceId, Owner, Request, Time};
pub use graph::{
    Answers, Ask, EventOf, Fault, Graph, Leaves, Meta, Next, On, Opens, Serves, Start, State, Step, Stop, StopWhy,
    Successor, go,
};
pub use macros::{event, graph, state};

pub mod effect;
pub mod follow;
pub mod log;
pub mod observe;
mod run;

pub use effect::{Once, Settled, Ticket};
pub use graph::{Elapsed, Entered, Exhausted, Wait, Wake};
pub use run::{Cx, Purse, Registry};

/// What a file with a graph in it needs.
pub mod prelude {
    pub use crate::{
        Answers, Ask, Cx, Elapsed, Fault, Graph, Next, On, Once, Opens, Purse, Settled, Step, Stop, StopWhy, event, go,
        graph, state,
    };
}

#[cfg(any(test, feature = "testing"))]
pub mod testing {
    //! For tests of graphs and of what stands on them.
    use crate::{InstanceId, Ticket};
    /// A ticket that no journal stands behind, to test what takes one.
    pub fn ticket(instance: InstanceId) -> Ticket {
        Ticket { instance, seq: 0, slot: 0, attempt: 1, key: instance.0 }
    }
}
