//! The index of git: what it checked out, by name, kind and content. It reads versions 2 to 4 with either kind of hash, and
//! nothing but entries; an index that does not add up says nothing at all.
use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Link,
    /// A checkout of its own, or a directory that is listed as a whole.
    Tree,
}

/// Something that git checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: PathBuf,
    pub(super) kind: Kind,
    /// The hash of its content.
    pub(super) id: Vec<u8>,
}

/// The lengths that a hash may have: SHA-1 and SHA-256.
const HASHES: [usize; 2] = [20, 32];

/// What stands before the hash: times, device, number, mode, owner, size.
const ABOUT_BYTES: usize = 40;

/// Where the mode is in it.
const MODE: usize = 24;

/// The bit of the flags that says that more of them follow.
const EXTENDED: u16 = 0x4000;

/// As much of the flags as is the length of the name; a longer one is not told there.
const LENGTH: u16 = 0x0fff;

/// A name may be so long: no file system has a longer path.
const NAME_BYTES_MAX: usize = 4_096;

/// The entries at a name and below it, named from there; `None` when the index is none that can be read.
pub(super) fn below(index: &[u8], place: &Path) -> Option<Vec<Entry>> {
    HASHES.into_iter().find_map(|hash| entries(index, hash, place))
}

/// What an entry is called from the place, if it is there or below, or the place lies in what is listed as a whole.
fn from<'a>(name: &'a Path, kind: Kind, place: &Path) -> Option<&'a Path> {
    let around = || (kind == Kind::Tree && place.starts_with(name)).then_some(Path::new(""));
    name.strip_prefix(place).ok().or_else(around)
}

fn entries(index: &[u8], hash: usize, place: &Path) -> Option<Vec<Entry>> {
    let word = |at: usize| Some(u32::from_be_bytes(index.get(at..at + 4)?.try_into().ok()?));
    let version = word(4).filter(|version| index.starts_with(b"DIRC") && (2..=4).contains(version))?;
    let (mut at, mut name, mut all) = (12, Vec::new(), Vec::new());
    for _ in 0..word(8)? {
        let begin = at;
        let mode = word(at + MODE)?;
        at += ABOUT_BYTES;
        let id = index.get(at..at + hash)?;
        at += hash;
        let flags = u16::from_be_bytes(index.get(at..at + 2)?.try_into().ok()?);
        at += if version >= 3 && flags & EXTENDED != 0 { 4 } else { 2 };
        if version == 4 {
            let (dropped, next) = number(index, at)?;
            name.truncate(name.len().checked_sub(dropped)?);
            at = next;
        } else {
            name.clear();
        }
        let end = at + index.get(at..)?.iter().position(|byte| *byte == 0)?;
        name.extend_from_slice(&index[at..end]);
        // Read with a hash of the wrong length, or as another format, it would not fit.
        if name.is_empty()
            || name.len() > NAME_BYTES_MAX
            || name.len().min(usize::from(LENGTH)) != usize::from(flags & LENGTH)
        {
            return None;
        }
        // Older versions fill an entry up to eight bytes, and end its name with one zero at least.
        at = if version == 4 { end + 1 } else { begin + (end - begin) / 8 * 8 + 8 };
        let kind = match mode & 0o170_000 {
            0o120_000 => Kind::Link,
            0o160_000 | 0o040_000 => Kind::Tree,
            _ => Kind::File,
        };
        if let Some(name) = from(Path::new(OsStr::from_bytes(&name)), kind, place) {
            all.push(Entry { name: name.to_owned(), kind, id: id.to_vec() });
        }
    }
    Some(all)
}

/// Reads how much of the name before is dropped, and says where it ends.
fn number(index: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut value = 0_usize;
    loop {
        let byte = *index.get(at)?;
        at += 1;
        value = (value << 7) + usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
        // Each further byte begins where the one before could not come.
        value = value.checked_add(1).filter(|value| *value < 1 << 24)?;
    }
}

#[cfg(test)]
pub(super) mod fixture {
    use super::*;

    /// An index as git writes it. A name that ends with `@` is a link, one with `/` a tree.
    pub(crate) fn index(version: u8, names: &[&str]) -> Vec<u8> {
        index_of(version, 20, names)
    }

    pub(super) fn index_of(version: u8, hash: usize, names: &[&str]) -> Vec<u8> {
        let mut bytes = b"DIRC\0\0\0".to_vec();
        bytes.push(version);
        bytes.extend(u32::try_from(names.len()).expect("they are few").to_be_bytes());
        let mut before = "";
        for name in names {
            let (name, mode) = match (name.strip_suffix('@'), name.strip_suffix('/')) {
                (Some(name), _) => (name, 0o120_000_u32),
                (None, Some(name)) => (name, 0o160_000),
                (None, None) => (*name, 0o100_644),
            };
            let begin = bytes.len();
            bytes.extend([7; MODE]);
            bytes.extend(mode.to_be_bytes());
            bytes.resize(begin + ABOUT_BYTES + hash, 7);
            bytes.extend(u16::try_from(name.len()).expect("it is short").to_be_bytes());
            if version == 4 {
                let shared = before.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
                bytes.push(u8::try_from(before.len() - shared).expect("it is short"));
                bytes.extend(&name.as_bytes()[shared..]);
                bytes.push(0);
            } else {
                bytes.extend(name.as_bytes());
                let length = bytes.len() - begin;
                bytes.resize(begin + length / 8 * 8 + 8, 0);
            }
            before = name;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{fixture::index_of, *};

    fn shown(version: u8, hash: usize, names: &[&str]) -> Vec<String> {
        let listed =
            below(&index_of(version, hash, names), Path::new("deep/.oxydra")).expect("it is an index");
        listed.iter().map(|entry| format!("{}: {:?}", entry.name.display(), entry.kind)).collect()
    }

    #[test]
    fn every_version_says_what_lies_below() {
        let names = [
            "deep/.oxydra-not/x",
            "deep/.oxydra/journal/1.seg",
            "deep/.oxydra/workspaces/default/shared@",
            "deep/.oxydra/workspaces/sub/",
            "other",
        ];
        for version in [2, 3, 4] {
            for hash in HASHES {
                assert_eq!(
                    shown(version, hash, &names),
                    ["journal/1.seg: File", "workspaces/default/shared: Link", "workspaces/sub: Tree"],
                    "version {version}, hashes of {hash} bytes"
                );
            }
        }
        assert_eq!(shown(2, 20, &["deep/.oxydra@"]), [": Link"]);
        assert_eq!(shown(2, 20, &["deep/"]), [": Tree"]);
    }

    #[test]
    fn what_does_not_add_up_says_nothing() {
        let whole = index_of(2, 20, &["a", "b"]);
        let place = Path::new("a");
        assert!(below(&whole, place).is_some());
        assert_eq!(below(&whole[..whole.len() - 20], place), None);
        assert_eq!(below(b"DIRC\0\0\0\x05\0\0\0\0", place), None);
        assert_eq!(below(b"", place), None);
        // A name dropped that is longer than the one before.
        let mut bent = index_of(4, 20, &["a"]);
        bent[12 + 62] = 9;
        assert_eq!(below(&bent, place), None);
    }
}
