//! Records on their way into a log: their bodies one behind the other in one buffer that is used again and again. It
//! orders nothing.

/// The bytes of an entry of the table: a length and a checksum.
pub(super) const ENTRY_BYTES: usize = 8;

/// A group that is being put together. Cleared, it keeps its memory for the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bodies {
    /// Per record its length and its checksum, as a frame of the file log has them.
    table: Vec<u8>,
    bytes: Vec<u8>,
}

/// How long a group was at some time, see [`Bodies::mark`].
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    table: usize,
    bytes: usize,
}

impl Bodies {
    /// A group without records.
    pub const fn new() -> Bodies {
        Bodies { table: Vec::new(), bytes: Vec::new() }
    }

    /// Adds a record: `write` appends its body to what it is given, and takes nothing away.
    pub fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let from = self.bytes.len();
        write(&mut self.bytes);
        // Summed while it is at hand, and outside of every lock of the log.
        let body = &self.bytes[from..];
        let mut entry = [0; ENTRY_BYTES];
        entry[..4].copy_from_slice(&(body.len() as u32).to_le_bytes());
        entry[4..].copy_from_slice(&crc32c::crc32c(body).to_le_bytes());
        self.table.extend_from_slice(&entry);
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.table.len() / ENTRY_BYTES
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The bytes of all bodies.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The bodies, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes.as_slice();
        self.table.chunks_exact(ENTRY_BYTES).map(move |entry| {
            let length = u32::from_le_bytes([entry[0], entry[1], entry[2], entry[3]]);
            let (body, after) = rest.split_at(length as usize);
            rest = after;
            body
        })
    }

    /// Remembers how long it is.
    pub fn mark(&self) -> Mark {
        Mark { table: self.table.len(), bytes: self.bytes.len() }
    }

    /// Takes away what came after the mark.
    pub fn back_to(&mut self, mark: Mark) {
        self.table.truncate(mark.table);
        self.bytes.truncate(mark.bytes);
    }

    /// Takes all records away. A buffer that grew beyond `keep` bytes is given back.
    pub fn clear(&mut self, keep: usize) {
        self.table.clear();
        self.bytes.clear();
        if self.bytes.capacity() > keep {
            *self = Bodies::new();
        }
    }

    /// The table and the bodies, as they lie in a frame.
    pub(super) fn parts(&self) -> (&[u8], &[u8]) {
        (&self.table, &self.bytes)
    }
}

impl From<Vec<Vec<u8>>> for Bodies {
    fn from(records: Vec<Vec<u8>>) -> Bodies {
        let mut bodies = Bodies::new();
        records.iter().for_each(|record| bodies.push(|bytes| bytes.extend_from_slice(record)));
        bodies
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_order_and_go_back_to_a_mark() {
        let mut bodies = Bodies::from(vec![b"one".to_vec(), Vec::new()]);
        let mark = bodies.mark();
        bodies.push(|bytes| bytes.extend_from_slice(b"three"));
        assert_eq!(bodies.iter().collect::<Vec<_>>(), [&b"one"[..], b"", b"three"]);
        assert_eq!((bodies.len(), bodies.bytes()), (3, 8));
        bodies.back_to(mark);
        assert_eq!(bodies, Bodies::from(vec![b"one".to_vec(), Vec::new()]));
        bodies.clear(usize::MAX);
        assert!(bodies.is_empty() && bodies.bytes.capacity() > 0, "its memory is used again");
        bodies.clear(0);
        assert_eq!(bodies.bytes.capacity(), 0);
    }
}
