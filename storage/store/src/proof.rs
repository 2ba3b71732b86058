//! What shows that a view is whole, and of this journal: a row that changes with every batch and holds how many rows
//! there are, the sum of their checksums, and the last fact that went into them. It repairs nothing.
//!
//! `proof`: nothing → layout, position, rows, sum, and if there was a fact: its lsn, instance, seq, n, checksum of its
//! body (big-endian).
use crate::{
    Batch, Bodies, Keys, Stamp, Table, View, ViewFault,
    packed::{Packed, Unpacked},
    seal::{checksum, opened, sealed},
};
use engine::{FactId, InstanceId, log::Lsn};

/// Raise it whenever a key or a value of any table changes its meaning: older views are then built anew.
const LAYOUT: u32 = 4;

/// So many rows are read at once: some 400 KB.
const PAGE_ROWS: usize = 4096;

/// A fact that went into the view. Its id is random: no other journal has it at this address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Anchor {
    pub(crate) lsn: Lsn,
    pub(crate) id: FactId,
    /// The checksum of its body.
    pub(crate) body: u32,
}

/// What a view says about itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Proof {
    position: Lsn,
    rows: u64,
    /// Of the checksums of all rows, whatever their order.
    sum: u64,
    anchor: Option<Anchor>,
}

/// Why a view that is well cannot be used all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// It was open when the machine went down, or it is not known whether.
    #[error("it was not closed before the machine went down")]
    Unclean,
    /// Another version of this program wrote it.
    #[error("another version wrote it")]
    OtherLayout,
    /// What it holds is not from this journal, or from a later state of it.
    #[error("it is not of this journal, or ahead of it")]
    OtherJournal,
}

impl Proof {
    /// Of a view that holds nothing.
    pub(crate) const EMPTY: Proof = Proof { position: Lsn::START, rows: 0, sum: 0, anchor: None };

    /// Reads the proof of a view. [`Distrust`] when it is of another layout.
    pub(crate) fn of(view: &dyn View) -> Result<Result<Proof, Distrust>, ViewFault> {
        let Some(kept) = view.get(Table::Proof, &[])? else { return Ok(Ok(Proof::EMPTY)) };
        let (value, _) = opened(Table::Proof, &[], kept)?;
        let mut parts = Unpacked::new(&value);
        if parts.u32() != Some(LAYOUT) {
            return Ok(Err(Distrust::OtherLayout));
        }
        Proof::read(parts).map(Ok).ok_or(ViewFault::Damaged { table: Table::Proof })
    }

    /// Says whether the facts of the view are those of the journal. A view without any is of every journal.
    pub(crate) fn is_of(&self, journal: &dyn Bodies) -> bool {
        let Some(anchor) = self.anchor else { return true };
        let fact = journal.fact(anchor.lsn, anchor.id);
        let there = fact.is_ok_and(|fact| crc32c::crc32c(&fact.bytes) == anchor.body);
        there && self.position <= journal.durable()
    }

    /// Returns where the view goes on: without a fact nothing is lost by beginning again.
    pub(crate) fn goes_on_behind(&self) -> Lsn {
        self.anchor.map_or(Lsn::START, |_| self.position)
    }

    /// Reads every row of the view: each must be right, and none may be missing, left over or of an earlier time.
    pub(crate) fn holds(&self, view: &dyn View, stamp: &Stamp) -> Result<(), ViewFault> {
        let mut found = Proof { rows: 0, sum: 0, position: stamp.position, ..*self };
        for table in Table::ALL.into_iter().filter(|table| *table != Table::Proof) {
            let mut keys = Keys::starting_with(&[]);
            loop {
                let page = view.range(table, &keys, PAGE_ROWS)?;
                let Some((last, _)) = page.last() else { break };
                keys = keys.after(last);
                for (key, kept) in page {
                    let (_, checksum) = opened(table, &key, kept)?;
                    found.add(checksum);
                }
            }
        }
        if found != *self {
            return Err(ViewFault::NotWhole { rows: found.rows, expected: self.rows });
        }
        Ok(())
    }

    /// Returns the batch as a view keeps it, with the proof of what the view holds then.
    pub(crate) fn after(
        mut self,
        view: &dyn View,
        batch: &Batch,
        position: Lsn,
        anchor: Option<Anchor>,
    ) -> Result<(Batch, Proof), ViewFault> {
        let mut kept = Batch::default();
        for (table, key, value) in batch.changes() {
            if let Some(before) = view.get(table, key)? {
                self.remove(opened(table, key, before)?.1);
            }
            match value {
                Some(value) => {
                    self.add(checksum(table, key, value));
                    kept.put(table, key.to_vec(), sealed(table, key, value));
                }
                None => kept.delete(table, key.to_vec()),
            }
        }
        self.position = position;
        self.anchor = anchor.or(self.anchor);
        kept.put(Table::Proof, Vec::new(), sealed(Table::Proof, &[], &self.packed()));
        Ok((kept, self))
    }

    fn add(&mut self, checksum: u32) {
        self.rows = self.rows.wrapping_add(1);
        self.sum = self.sum.wrapping_add(u64::from(checksum));
    }

    fn remove(&mut self, checksum: u32) {
        self.rows = self.rows.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(u64::from(checksum));
    }

    fn packed(&self) -> Vec<u8> {
        let Proof { position, rows, sum, anchor } = *self;
        let packed = Packed::new().u32(LAYOUT).u64(position.0).u64(rows).u64(sum);
        let Some(Anchor { lsn, id, body }) = anchor else { return packed.done() };
        packed.u64(lsn.0).u128(id.instance.0).u64(id.seq).u32(id.n).u32(body).done()
    }

    fn read(mut parts: Unpacked<'_>) -> Option<Proof> {
        let (position, rows, sum) = (Lsn(parts.u64()?), parts.u64()?, parts.u64()?);
        let anchor = if parts.is_empty() { None } else { Some(Anchor::read(&mut parts)?) };
        parts.end(Proof { position, rows, sum, anchor })
    }
}

impl Anchor {
    fn read(parts: &mut Unpacked<'_>) -> Option<Anchor> {
        let lsn = Lsn(parts.u64()?);
        let id = FactId { instance: InstanceId(parts.u128()?), seq: parts.u64()?, n: parts.u32()? };
        Some(Anchor { lsn, id, body: parts.u32()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_read_as_it_was_written() {
        let id = FactId { instance: InstanceId(5), seq: 6, n: 7 };
        let anchor = Some(Anchor { lsn: Lsn(4), id, body: 8 });
        for proof in [Proof::EMPTY, Proof { position: Lsn(9), rows: 1, sum: 2, anchor }] {
            let bytes = proof.packed();
            let read = |bytes| {
                let mut parts = Unpacked::new(bytes);
                (parts.u32()?, Proof::read(parts)).1
            };
            assert_eq!(read(&bytes), Some(proof));
            assert_eq!(read(&bytes[..bytes.len() - 1]), None);
        }
    }
}
