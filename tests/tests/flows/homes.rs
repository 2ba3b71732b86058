//! Homes that cannot be used: each is refused by name, with a way out, and nothing else happens.
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};
use tests::Place;

/// A small file system of its own, unmounted when it is dropped.
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    /// `None` where this user may not mount.
    pub(crate) fn tmpfs(at: &Path, options: &str) -> Option<Mounted> {
        fs::create_dir_all(at).expect("the directory is made");
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output();
        if mounted.is_ok_and(|done| done.status.success()) {
            return Some(Mounted(at.to_owned()));
        }
        tests::skipped("this user may not mount a file system, so no disk can be full or read-only here");
        None
    }
    fn option(&self, option: &str) {
        let done = Command::new("mount").args(["-o", option]).arg(&self.0).output().expect("mount runs");
        assert!(done.status.success(), "{done:?}");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn a_file_in_the_way_is_named() {
    let place = Place::new();
    fs::write(place.home(), "a file").expect("it is written");
    place.run(&["run", "-p", "hello"]).refused(1, &[".oxydra must be a directory", "another home"]);
    assert_eq!(fs::read_to_string(place.home()).expect("it is there"), "a file");
    place.run(&["sessions"]).refused(1, &[".oxydra"]);
    place.run(&["run", "--home", ".oxydra/deeper", "-p", "hello"]).refused(1, &["must be a directory"]);
}

#[test]
fn a_file_in_place_of_a_part_is_named() {
    for part in ["journal", "logs", "run", "workspaces"] {
        let place = Place::new();
        fs::create_dir(place.home()).expect("it is made");
        fs::write(place.home().join(part), "").expect("it is written");
        place.run(&["run", "-p", "hello"]).refused(1, &[part, "must be a directory"]);
    }
}

#[test]
fn a_link_in_place_of_a_part_is_named_and_not_followed() {
    for part in ["journal", "view", "logs", "run", "workspaces"] {
        let place = Place::new();
        let elsewhere = place.root().join("elsewhere");
        fs::create_dir_all(&elsewhere).and_then(|()| fs::create_dir(place.home())).expect("they are made");
        std::os::unix::fs::symlink(&elsewhere, place.home().join(part)).expect("it is made");
        place.run(&["run", "-p", "hello"]).refused(1, &[part, "must be a directory, not a file or a link"]);
        assert!(fs::read_dir(&elsewhere).expect("it is there").next().is_none(), "{part}");
    }
}

#[test]
fn a_directory_that_may_not_be_written_is_named() {
    let place = Place::new();
    let closed = place.root().join("closed");
    fs::create_dir(&closed).expect("it is made");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).expect("it is closed");
    if fs::write(closed.join("probe"), "").is_ok() {
        tests::skipped("permissions do not bind this user");
        return;
    }
    place.run(&["run", "--home", "closed/home", "-p", "hello"]).refused(1, &["closed/home", "permissions"]);
}

#[test]
fn a_read_only_disk_is_named_and_can_be_looked_at() {
    let place = Place::new();
    let Some(disk) = Mounted::tmpfs(&place.home(), "size=4m,mode=700") else { return };
    place.run(&["run", "--session", "s", "-p", "say hi"]).ended(0);
    disk.option("remount,ro");
    place.run(&["run", "-p", "say hi"]).refused(1, &[".oxydra", "Read-only file system"]);
    let said = place.run(&["doctor"]).ended(1).text();
    assert!(said.contains("bad   home") && said.contains("cannot be written"), "{said}");
    assert!(place.run(&["sessions"]).ended(0).text().starts_with("s  "));
    assert!(place.run(&["instances"]).ended(0).text().contains("Answered"));
}

#[test]
fn a_full_disk_ends_the_turn_and_loses_nothing_that_was_said() {
    let place = Place::new();
    let Some(disk) = Mounted::tmpfs(&place.home(), "size=512k,mode=700") else { return };
    place.run(&["run", "--session", "s", "-p", "My name is Ada."]).ended(0);
    fs::write(place.home().join("filler"), "x".repeat(64 << 10)).expect("there is room yet");
    let filled = (0..)
        .map(|n| place.home().join(format!("filler{n}")))
        .find(|file| fs::write(file, [0; 4096]).is_err());
    assert!(filled.is_some(), "it is full");
    let said = place.run(&["doctor"]).ended(1).text();
    assert!(said.contains("bad   home") && said.contains("bytes left"), "{said}");
    let long = format!("write long.txt: {}", "words ".repeat(20_000));
    let done =
        place.oxydra(&["run", "--json", "--session", "s", "-p", "-"]).input(long.clone()).done().ended(1);
    assert!(done.text().contains("No space left") || done.text().contains("no space"), "{done:#?}");
    assert!(!done.err.contains("panicked"), "{}", done.err);
    fs::remove_file(place.home().join("filler")).expect("it is there");
    let after = place.run(&["run", "--session", "s", "-p", "what is my name?"]).ended(0).text();
    assert!(after.contains("Ada"), "{after}");
    drop(disk);
}
