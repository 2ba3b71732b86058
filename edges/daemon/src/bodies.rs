//! Bodies of facts for the store, read from the engine's journal.
use engine::{
    Encoded, FactId, Journal,
    journal::ReadFault as Fault,
    log::{LogFault, Lsn},
};
use store::{Bodies, ReadFault};

/// The journal as the store wants it.
pub(crate) struct JournalBodies(pub(crate) Journal);

impl Bodies for JournalBodies {
    fn fact(&self, lsn: Lsn, id: FactId) -> Result<Encoded, ReadFault> {
        self.0.fact(lsn, id).map_err(|fault| match fault {
            Fault::Missing(lsn, id) => ReadFault::Absent { lsn, id },
            // A view that has not heard yet that it was forgotten.
            Fault::Forgotten(lsn, id) => ReadFault::Absent { lsn, id },
            Fault::Log(LogFault::Gone(lsn)) => ReadFault::Absent { lsn, id },
            Fault::Log(_) | Fault::Refused(_) => ReadFault::Unreadable { lsn, source: Box::new(fault) },
        })
    }
    fn durable(&self) -> Lsn {
        self.0.durable()
    }
}
