//! The view in memory: built from the journal at every start, gone with the process. Refuses nothing.
use crate::{Batch, BootId, Keys, Row, Stamp, Table, View, ViewFault};
use engine::log::Lsn;
use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard},
};

const UNPOISONED: &str = "nothing panics while it holds the lock of the view";

/// A view in memory.
#[derive(Debug)]
pub struct MemoryView(RwLock<Held>);

#[derive(Debug)]
struct Held {
    tables: BTreeMap<Table, BTreeMap<Vec<u8>, Vec<u8>>>,
    stamp: Stamp,
}

impl MemoryView {
    /// Returns an empty one.
    pub fn new() -> MemoryView {
        MemoryView(RwLock::new(Held::EMPTY))
    }

    fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.0.read().expect(UNPOISONED)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held> {
        self.0.write().expect(UNPOISONED)
    }
}

impl Default for MemoryView {
    fn default() -> MemoryView {
        MemoryView::new()
    }
}

impl Held {
    const EMPTY: Held = Held { tables: BTreeMap::new(), stamp: Stamp::EMPTY };
}

impl View for MemoryView {
    fn stamp(&self) -> Result<Stamp, ViewFault> {
        Ok(self.read().stamp)
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ViewFault> {
        Ok(self.read().tables.get(&table).and_then(|rows| rows.get(key)).cloned())
    }

    fn range(&self, table: Table, keys: &Keys, limit: usize) -> Result<Vec<Row>, ViewFault> {
        // A BTreeMap panics on a range that ends before it begins.
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let held = self.read();
        let Some(rows) = held.tables.get(&table) else { return Ok(Vec::new()) };
        let to = keys.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let found = rows.range::<[u8], _>((Bound::Included(keys.from.as_slice()), to));
        Ok(found.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn begin(&self, boot: Option<BootId>) -> Result<(), ViewFault> {
        let stamp = &mut self.write().stamp;
        *stamp = Stamp { boot, clean: false, ..*stamp };
        Ok(())
    }

    fn apply(&self, batch: &Batch, position: Lsn) -> Result<(), ViewFault> {
        let mut held = self.write();
        for (table, key, value) in batch.changes() {
            let rows = held.tables.entry(table).or_default();
            match value {
                Some(value) => rows.insert(key.to_vec(), value.to_vec()),
                None => rows.remove(key),
            };
        }
        held.stamp.position = position;
        Ok(())
    }

    fn close(&self) -> Result<(), ViewFault> {
        self.write().stamp.clean = true;
        Ok(())
    }

    fn wipe(&self) -> Result<(), ViewFault> {
        *self.write() = Held::EMPTY;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_view_is_a_view() {
        crate::conformance::check(|| Box::new(MemoryView::new()));
    }
}
