//! Typed tables over the journal: a view, disposable and rebuilt. It holds small rows and the addresses of records,
//! never a body: what was said is read from the journal, which checks it.
//!
//! [`View`] is what a storage engine has to offer (`memory`, `sled_view`; every one passes [`conformance`]), `guarded` is
//! the one door to it, `seal` and `proof` show that what comes back is what was given, `keeper` replaces a view that
//! fails. `tables` say which fact becomes which row, [`Store`] reads and [`StoreFollower`] is fed by the engine. Nothing
//! here writes to the journal, and nothing here is the truth.
mod bodies;
mod boot;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod draft;
#[cfg(test)]
mod fixtures;
mod follower;
mod guarded;
mod keeper;
mod memory;
mod packed;
mod proof;
#[cfg(test)]
mod referee;
mod seal;
mod shelf;
mod sled_view;
mod store;
mod tables;
#[cfg(test)]
mod tests;
mod view;

pub use bodies::{Bodies, ReadFault};
pub use boot::BootId;
pub use follower::StoreFollower;
pub use keeper::Kept;
pub use memory::MemoryView;
pub use proof::Distrust;
pub use shelf::QUARANTINED_MAX;
pub use sled_view::{SLED_CACHE_BYTES, SledView};
pub use store::{CATCH_UP_MAX, CLOSE_WAIT_MAX, Late, READ_WAIT_MAX, Store};
pub use tables::{SESSIONS_LISTED_MAX, SessionRow, UsageTotals};
pub use view::{Batch, Keys, Row, Stamp, Table, View, ViewFault};
