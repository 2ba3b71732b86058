//! What the store asks of the journal, which keeps the bodies of facts. The engine stands behind it.
use engine::{Encoded, FactId, log::Lsn};
use std::error::Error;

/// Where the bodies of facts are read.
pub trait Bodies: Send + Sync {
    /// Returns the fact `id` that the record at `lsn` carries.
    ///
    /// # Errors
    /// When the record does not carry it, or cannot be read.
    fn fact(&self, lsn: Lsn, id: FactId) -> Result<Encoded, ReadFault>;

    /// Returns the last record that is durable now.
    fn durable(&self) -> Lsn;
}

/// The body of a fact could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    /// The record is fine and does not carry it: who asked has a wrong address, so the view is to be rebuilt.
    #[error("record {} does not carry fact {} of move {} of {}", lsn.0, id.n, id.seq, id.instance)]
    Absent {
        /// The record.
        lsn: Lsn,
        /// The fact.
        id: FactId,
    },
    /// The journal could not be read.
    #[error("cannot read record {}", lsn.0)]
    Unreadable {
        /// The record.
        lsn: Lsn,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}
