//! The referee: the view in redb, which shares no code and no file format with sled. For tests only.
use crate::{Batch, BootId, Keys, Row, Stamp, Table, View, ViewFault};
use engine::log::Lsn;
use redb::{Database, Durability, ReadableDatabase, TableDefinition, TableError};
use std::{ops::Bound, path::Path};

const STAMP: TableDefinition<'_, (), (u64, Option<u128>, bool)> = TableDefinition::new("stamp");

fn rows(table: Table) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(table.name())
}

/// A view in a file.
pub(crate) struct RedbView(Database);

impl RedbView {
    pub(crate) fn open(file: &Path) -> RedbView {
        RedbView(Database::create(file).expect("a file that can be written"))
    }

    fn write(
        &self,
        durability: Durability,
        change: impl FnOnce(&Writing) -> Result<(), redb::Error>,
    ) -> Result<(), ViewFault> {
        let write = || -> Result<(), redb::Error> {
            let mut writing = self.0.begin_write()?;
            writing.set_durability(durability)?;
            change(&writing)?;
            Ok(writing.commit()?)
        };
        write().map_err(ViewFault::failed("write"))
    }

    fn stamped(&self, durability: Durability, stamp: impl FnOnce(Stamp) -> Stamp) -> Result<(), ViewFault> {
        let stamp = stamp(self.stamp()?);
        self.write(durability, |writing| put(writing, stamp))
    }
}

type Writing = redb::WriteTransaction;
type Found<'a> = (redb::AccessGuard<'a, &'static [u8]>, redb::AccessGuard<'a, &'static [u8]>);

fn put(writing: &Writing, stamp: Stamp) -> Result<(), redb::Error> {
    let boot = stamp.boot.map(|boot| boot.0);
    writing.open_table(STAMP)?.insert((), (stamp.position.0, boot, stamp.clean))?;
    Ok(())
}

/// A table that nobody has written to is not there.
fn if_there<T>(table: Result<T, TableError>) -> Result<Option<T>, redb::Error> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl View for RedbView {
    fn stamp(&self) -> Result<Stamp, ViewFault> {
        let read = || -> Result<Stamp, redb::Error> {
            let Some(table) = if_there(self.0.begin_read()?.open_table(STAMP))? else {
                return Ok(Stamp::EMPTY);
            };
            let found = table.get(())?.map(|found| found.value());
            Ok(found.map_or(Stamp::EMPTY, |(position, boot, clean)| Stamp {
                position: Lsn(position),
                boot: boot.map(BootId),
                clean,
            }))
        };
        read().map_err(ViewFault::failed("read its stamp"))
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ViewFault> {
        let read = || -> Result<Option<Vec<u8>>, redb::Error> {
            let Some(table) = if_there(self.0.begin_read()?.open_table(rows(table)))? else {
                return Ok(None);
            };
            Ok(table.get(key)?.map(|found| found.value().to_vec()))
        };
        read().map_err(ViewFault::failed("read a row"))
    }

    fn range(&self, table: Table, keys: &Keys, limit: usize) -> Result<Vec<Row>, ViewFault> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let read = || -> Result<Vec<Row>, redb::Error> {
            let Some(table) = if_there(self.0.begin_read()?.open_table(rows(table)))? else {
                return Ok(Vec::new());
            };
            let to = keys.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let found = table.range::<&[u8]>((Bound::Included(keys.from.as_slice()), to))?;
            let row = |found: Result<Found<'_>, redb::StorageError>| {
                let (key, value) = found?;
                Ok((key.value().to_vec(), value.value().to_vec()))
            };
            found.take(limit).map(row).collect()
        };
        read().map_err(ViewFault::failed("read rows"))
    }

    fn begin(&self, boot: Option<BootId>) -> Result<(), ViewFault> {
        self.stamped(Durability::None, |stamp| Stamp { boot, clean: false, ..stamp })
    }

    fn apply(&self, batch: &Batch, position: Lsn) -> Result<(), ViewFault> {
        let stamp = Stamp { position, ..self.stamp()? };
        self.write(Durability::None, |writing| {
            for (table, key, value) in batch.changes() {
                let mut table = writing.open_table(rows(table))?;
                match value {
                    Some(value) => drop(table.insert(key, value)?),
                    None => drop(table.remove(key)?),
                }
            }
            put(writing, stamp)
        })
    }

    fn close(&self) -> Result<(), ViewFault> {
        self.stamped(Durability::Immediate, |stamp| Stamp { clean: true, ..stamp })
    }

    fn wipe(&self) -> Result<(), ViewFault> {
        self.write(Durability::Immediate, |writing| {
            for table in Table::ALL {
                writing.delete_table(rows(table))?;
            }
            writing.delete_table(STAMP)?;
            Ok(())
        })
    }
}
