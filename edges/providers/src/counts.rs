//! Remembers how many tokens a text has, beyond the process as well: counting a long conversation anew at each start would
//! load a vocabulary for nothing. What it keeps are hashes and numbers, no texts, and may be deleted at any time.
use domain::Tokens;
use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// So many counts are remembered, 24 bytes each on disk; then it begins anew, which costs one more counting of what is said.
const COUNTS_MAX: usize = 65_536;

/// A count on disk: the hash of the text and of who counted, the count, and a sum over both.
const RECORD_BYTES: usize = 24;

/// Nobody else on this machine need know how long what was said is.
const PRIVATE: u32 = 0o600;

/// What a text is known by: its hash, mixed with who counts, since vocabularies differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(u128);

impl Key {
    pub(crate) fn of(counter: &str, text: &str) -> Key {
        let mut hasher = blake3::Hasher::new();
        hasher.update(counter.as_bytes()).update(b"\0").update(text.as_bytes());
        let mut key = [0; 16];
        hasher.finalize_xof().fill(&mut key);
        Key(u128::from_le_bytes(key))
    }
}

/// Counts that were made.
#[derive(Debug)]
pub(crate) struct Counts {
    known: HashMap<Key, Tokens>,
    shelf: Shelf,
}

/// Where they are kept.
#[derive(Debug)]
enum Shelf {
    /// In memory only: nothing else was asked for, or the file cannot be used. A count can always be made again.
    Nowhere,
    /// There, but nobody has needed a count yet.
    Unread(PathBuf),
    /// There, to be appended to.
    Open(File),
}

impl Counts {
    pub(crate) fn in_memory() -> Counts {
        Counts { known: HashMap::new(), shelf: Shelf::Nowhere }
    }

    pub(crate) fn kept_in(file: PathBuf) -> Counts {
        Counts { known: HashMap::new(), shelf: Shelf::Unread(file) }
    }

    pub(crate) fn find(&mut self, keys: &[Key]) -> Vec<Option<Tokens>> {
        if let Shelf::Unread(path) = &self.shelf {
            (self.known, self.shelf) = match read(path) {
                Ok((known, file)) => (known, Shelf::Open(file)),
                Err(_) => (HashMap::new(), Shelf::Nowhere),
            };
        }
        keys.iter().map(|key| self.known.get(key).copied()).collect()
    }

    pub(crate) fn keep(&mut self, counts: &[(Key, Tokens)]) {
        if self.known.len() + counts.len() > COUNTS_MAX {
            self.known.clear();
            if let Shelf::Open(file) = &self.shelf
                && file.set_len(0).is_err()
            {
                self.shelf = Shelf::Nowhere;
            }
        }
        self.known.extend(counts.iter().copied());
        let bytes: Vec<u8> = counts.iter().flat_map(|(key, count)| record(*key, *count)).collect();
        if let Shelf::Open(file) = &mut self.shelf
            && file.write_all(&bytes).is_err()
        {
            self.shelf = Shelf::Nowhere;
        }
    }
}

/// Reads what is kept, and leaves out what was not written whole or was written by something else.
fn read(path: &Path) -> io::Result<(HashMap<Key, Tokens>, File)> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(PRIVATE).open(path)?;
    let mut bytes = Vec::new();
    let most = COUNTS_MAX * RECORD_BYTES;
    (&mut file).take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        bytes.clear();
    }
    bytes.truncate(bytes.len() / RECORD_BYTES * RECORD_BYTES);
    // What is appended has to begin where a record may begin.
    file.set_len(bytes.len() as u64)?;
    Ok((bytes.chunks_exact(RECORD_BYTES).filter_map(parsed).collect(), file))
}

fn record(Key(key): Key, count: Tokens) -> [u8; RECORD_BYTES] {
    // A text of so many tokens fits into no model: whatever it is counted as, it is refused.
    let count = u32::try_from(count.0).unwrap_or(u32::MAX);
    let mut bytes = [0; RECORD_BYTES];
    bytes[..16].copy_from_slice(&key.to_le_bytes());
    bytes[16..20].copy_from_slice(&count.to_le_bytes());
    let sum = crc32c::crc32c(&bytes[..20]);
    bytes[20..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn parsed(record: &[u8]) -> Option<(Key, Tokens)> {
    let (said, sum) = record.split_at_checked(20)?;
    let (key, count) = said.split_at_checked(16)?;
    let is_whole = crc32c::crc32c(said).to_le_bytes() == sum;
    let count = u32::from_le_bytes(count.try_into().ok()?);
    is_whole.then_some((Key(u128::from_le_bytes(key.try_into().ok()?)), Tokens(count.into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn keys() -> Vec<Key> {
        ["a", "b", "c"].map(|text| Key::of("words", text)).to_vec()
    }

    fn found(path: &Path) -> Vec<Option<u64>> {
        let found = Counts::kept_in(path.to_owned()).find(&keys());
        found.into_iter().map(|count| count.map(|count| count.0)).collect()
    }

    #[test]
    fn what_is_kept_is_there_in_the_next_process_and_damage_costs_what_it_hits() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("counts");
        assert_eq!(found(&path), [None, None, None]);
        let mut counts = Counts::kept_in(path.clone());
        counts.find(&[]);
        counts.keep(&[(keys()[0], Tokens(1)), (keys()[1], Tokens(2))]);
        counts.keep(&[(keys()[2], Tokens(3))]);
        drop(counts);
        assert_eq!(found(&path), [Some(1), Some(2), Some(3)]);
        assert_ne!(Key::of("words", "a"), Key::of("letters", "a"), "vocabularies differ");

        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[30] ^= 1;
        fs::write(&path, &flipped).unwrap();
        assert_eq!(found(&path), [Some(1), None, Some(3)]);
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(found(&path), [Some(1), Some(2), None], "the last was not written whole");
        let mut counts = Counts::kept_in(path.clone());
        counts.find(&[]);
        counts.keep(&[(keys()[2], Tokens(4))]);
        assert_eq!(found(&path), [Some(1), Some(2), Some(4)], "what follows begins where it can be read");
        fs::write(&path, vec![7; COUNTS_MAX * RECORD_BYTES + 1]).unwrap();
        assert_eq!((found(&path), fs::metadata(&path).unwrap().len()), (vec![None; 3], 0), "it has a bound");
    }

    #[test]
    fn where_nothing_can_be_kept_it_is_remembered_all_the_same() {
        let dir = tempfile::tempdir().unwrap();
        for mut counts in [Counts::in_memory(), Counts::kept_in(dir.path().to_owned())] {
            assert_eq!(counts.find(&keys()), [None; 3]);
            counts.keep(&[(keys()[0], Tokens(1))]);
            assert_eq!(counts.find(&keys()), [Some(Tokens(1)), None, None]);
        }
    }
}
