//! Snapshots that are not as they were written: each is refused by the program in words that name it and say what to do, before
//! its guest runs. What is not harmed is restored, and so is memory that is: nobody reads it before the guest does.
use crate::place::{Place, counter, ended};
use expect_test::expect;
use std::{
    fs::{self, File},
    path::Path,
};

/// What is done to a snapshot.
type Damage = fn(&Path);

fn cut(file: &Path, length: u64) {
    File::options().write(true).open(file).unwrap().set_len(length).unwrap();
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    let at = at.min(bytes.len() - 1);
    bytes[at] ^= 0x10;
    fs::write(file, bytes).unwrap();
}

const DAMAGES: &[(&str, Damage)] = &[
    ("none", |_| ()),
    ("state empty", |place| cut(&place.join("state"), 0)),
    ("state cut", |place| cut(&place.join("state"), 1000)),
    ("a bit of the state", |place| flip(&place.join("state"), 1000)),
    ("the last bits of the state", |place| flip(&place.join("state"), usize::MAX)),
    ("another format", |place| flip(&place.join("state"), 8)),
    ("no state", |place| fs::remove_file(place.join("state")).unwrap()),
    // Its guest's business: memory is mapped and not read, and whatever is in it is hostile anyway.
    ("a bit of the memory", |place| flip(&place.join("memory"), 40 << 20)),
    ("memory cut", |place| cut(&place.join("memory"), 4096)),
    ("memory longer", |place| cut(&place.join("memory"), (48 << 20) + 1)),
    ("no memory", |place| fs::remove_file(place.join("memory")).unwrap()),
    ("nothing", |place| fs::remove_dir_all(place).unwrap()),
    ("no directory", |place| {
        fs::remove_dir_all(place).unwrap();
        fs::write(place, "a file").unwrap();
    }),
];

#[test]
fn what_is_damaged_is_refused_by_name_and_with_what_to_do() {
    let Some(place) = Place::new(&counter()) else { return };
    let snapshots = place.path("snapshots");
    let mut monitor = place.run(&["--snapshots", &snapshots]);
    place.ask(&["wait", "booted"]);
    place.ask(&["snapshot", "whole"]);
    place.ask(&["stop"]);
    assert_eq!(ended(monitor.take()), (Some(0), None), "{}", place.said());
    let (whole, gold) = (Path::new(&snapshots).join("whole"), Path::new(&snapshots).join("gold"));
    let mut said = String::new();
    for (name, damage) in DAMAGES {
        fs::create_dir(&gold).unwrap();
        for file in ["state", "memory"] {
            fs::copy(whole.join(file), gold.join(file)).unwrap();
        }
        damage(&gold);
        let mut monitor = place.run(&["--snapshots", &snapshots, "--start", "restore=gold"]);
        if ["none", "a bit of the memory"].contains(name) {
            assert_eq!(place.ask(&["wait", "booted"]), r#"{"v":1,"ok":{"phase":"booted"}}"#);
            place.ask(&["stop"]);
        }
        let (code, signal) = ended(monitor.take());
        let first = place.said().lines().next().unwrap_or_default().to_owned();
        said += &format!("{name}: {} {first}\n", code.unwrap());
        assert_eq!((signal, place.left()), (None, ["err", "kernel", "snapshots"].map(String::from).into()));
        let _file = fs::remove_file(&gold).or_else(|_| fs::remove_dir_all(&gold));
    }
    expect![[r#"
        none: 0 
        state empty: 1 oxydra-vmm: the snapshot is damaged: it is shorter than its head: boot, and take a new one
        state cut: 1 oxydra-vmm: the snapshot is damaged: it is truncated, or longer than it says: boot, and take a new one
        a bit of the state: 1 oxydra-vmm: the snapshot is damaged: its checksum is wrong: boot, and take a new one
        the last bits of the state: 1 oxydra-vmm: the snapshot is damaged: its checksum is wrong: boot, and take a new one
        another format: 1 oxydra-vmm: the snapshot has format 19, this monitor reads 3: boot, and take a new one
        no state: 1 oxydra-vmm: cannot open the snapshot `gold`: No such file or directory (os error 2)
        a bit of the memory: 0 
        memory cut: 1 oxydra-vmm: the snapshot is damaged: the memory of `gold` is cut, or longer than it says: boot, and take a new one
        memory longer: 1 oxydra-vmm: the snapshot is damaged: the memory of `gold` is cut, or longer than it says: boot, and take a new one
        no memory: 1 oxydra-vmm: cannot open the memory of the snapshot `gold`: No such file or directory (os error 2)
        nothing: 1 oxydra-vmm: cannot open the snapshot `gold`: No such file or directory (os error 2)
        no directory: 1 oxydra-vmm: cannot open the snapshot `gold`: Not a directory (os error 20)
    "#]].assert_eq(&said);
}
