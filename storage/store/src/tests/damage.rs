//! Every file of a view, damaged while nobody uses it: it comes back with the same rows, or is replaced. Never others.
use super::disk::{House, expected, journal};
use crate::fixtures::{Journal, feed};
use engine::follow::Follower;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// So many spots of each file are hit.
const SPOTS: usize = 8;

enum Damage {
    Flip,
    Zero,
    Cut,
    Gone,
}

pub(super) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("readable") {
        let path = entry.expect("readable").path();
        let to = to.join(path.file_name().expect("it has a name"));
        if path.is_dir() {
            copied(&path, &to);
        } else {
            fs::copy(&path, &to).expect("copied");
        }
    }
}

fn damaged(file: &Path, damage: &Damage, spot: usize) {
    let mut bytes = fs::read(file).expect("readable");
    let at = (bytes.len() * (2 * spot + 1) / (2 * SPOTS)).min(bytes.len().saturating_sub(1));
    match damage {
        Damage::Flip => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (spot % 8);
            }
        }
        Damage::Zero => {
            let end = bytes.len().min(at + 4096);
            bytes[at..end].fill(0);
        }
        Damage::Cut => bytes.truncate(at),
        Damage::Gone => return fs::remove_file(file).expect("removed"),
    }
    fs::write(file, bytes).expect("written");
}

/// Makes a view and closes it.
fn made(dir: &Path, journal: &Arc<Journal>) {
    // Twice: sled writes a snapshot, which it then trusts, when it opens what is there.
    let mut house = House::open(dir, journal);
    let half = &journal.entries()[..900];
    half.iter().for_each(|entry| feed(&mut house.follower, std::slice::from_ref(entry)).expect("healthy"));
    drop(house);
    House::open(dir, journal).catch_up();
}

#[test]
fn a_view_that_is_damaged_comes_back() {
    let (root, journal) = (tempfile::tempdir().expect("a directory"), journal(400, 0));
    let (expected, whole) = (expected(&journal), root.path().join("whole"));
    made(&whole, &journal);
    let mut ends: BTreeMap<String, u32> = BTreeMap::new();
    let mut trial = |file: &Path, damage: Damage, spot: usize| {
        let dir = root.path().join("view");
        copied(&whole, &dir);
        damaged(&dir.join(file), &damage, spot);
        let mut house = House::open(&dir, &journal);
        let begun = house.follower.applied().0;
        house.catch_up();
        assert!(house.rows() == expected, "{} at spot {spot}", file.display());
        let end = match (house.told().is_empty(), begun) {
            (false, _) => "replaced",
            (true, 0) => "began again",
            (true, 1600) => "unharmed",
            (true, _) => "went back",
        };
        *ends
            .entry(format!(
                "{} {end}",
                file.file_name().expect("a name").to_string_lossy().split('.').next().expect("a part")
            ))
            .or_default() += 1;
        drop(house);
        fs::remove_dir_all(&dir).expect("removed");
    };
    for file in files(&whole) {
        let file = file.strip_prefix(&whole).expect("it is below");
        trial(file, Damage::Gone, 0);
        for spot in 0..SPOTS {
            trial(file, Damage::Flip, spot);
            trial(file, Damage::Zero, spot);
            trial(file, Damage::Cut, spot);
        }
    }
    println!("{ends:#?}");
    assert!(ends.keys().any(|end| end.ends_with("replaced")), "some damage was met: {ends:?}");
}
