//! Takes away what a home keeps: a snapshot by its name, and images and packages that nothing needs. What a guest runs from, or
//! what another snapshot differs from, stays, and is named.
use crate::{
    Home, Machine, Name, Problem, Settings,
    folder::{Folder, Lock},
    home::{IMAGES, MACHINES, PACKAGES, SNAPSHOTS},
    problem::failed,
};

/// Beside a guest: the snapshot that it was restored from, and behind it the one that this differs from.
const ORIGIN: &str = "origin";
/// In a snapshot that is a difference: the one that it differs from.
const BASE: &str = "base";

/// How the name of a snapshot ends that is being removed, behind a dot and its own.
const GONE: &str = ".gone";

/// A snapshot, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: Name,
    /// What it takes on the disk.
    pub bytes: u64,
    /// The snapshot that it differs from, without which it is of no use.
    pub base: Option<Name>,
}

/// What was removed because nothing needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Images, by name.
    pub images: Vec<String>,
    /// Packages that were fetched, by name and version.
    pub packages: Vec<String>,
    /// Snapshots that were half removed, by name.
    pub snapshots: Vec<String>,
}

impl Home {
    /// Returns the snapshots, with what they take.
    ///
    /// # Errors
    /// When their directory is there and cannot be read.
    pub fn kept(&self) -> Result<Vec<Kept>, Problem> {
        let Some(snapshots) = self.folder(SNAPSHOTS)? else { return Ok(Vec::new()) };
        let kept = |name: Name| {
            let folder = snapshots.folder(name.as_str()).ok().flatten()?;
            let bytes = folder.entries().ok()?.iter().map(|file| folder.size(file)).sum();
            Some(Kept { name, bytes, base: base(&folder) })
        };
        Ok(snapshots.names()?.into_iter().filter_map(kept).collect())
    }

    /// Removes a snapshot.
    ///
    /// # Errors
    /// When there is none of this name, a guest runs from it or is just being started, or another snapshot differs from it.
    pub fn remove(&self, snapshot: &Name) -> Result<(), Problem> {
        self.collect()?;
        let _alone = self.alone()?;
        let snapshots = self.folder(SNAPSHOTS)?;
        let Some(snapshots) = snapshots else { return Err(self.no_snapshot(snapshot)?) };
        if snapshots.folder(snapshot.as_str())?.is_none() {
            return Err(self.no_snapshot(snapshot)?);
        }
        for (machine, folder) in self.running()? {
            if origin(&folder).contains(snapshot) {
                return Err(Problem::Refused(format!(
                    "the guest `{0}` runs from the snapshot `{snapshot}`: `guest stop {0}` first",
                    machine.name
                )));
            }
        }
        if let Some(kept) = self.kept()?.into_iter().find(|kept| kept.base.as_ref() == Some(snapshot)) {
            return Err(Problem::Refused(format!(
                "the snapshot `{}` holds only what differs from `{snapshot}`: remove it first",
                kept.name
            )));
        }
        // First its name, so that half of it is never taken for a snapshot.
        let gone = format!(".{snapshot}{GONE}");
        snapshots.remove_folder(&gone)?;
        snapshots.rename(snapshot.as_str(), &gone)?;
        snapshots.remove_folder(&gone)
    }

    /// Removes the images that no running guest and no snapshot needs, the packages that images were made of, and what is left
    /// of snapshots whose removal did not come to its end.
    ///
    /// # Errors
    /// When a guest is just being started or an image made, what is needed cannot be told, or something cannot be removed.
    pub fn prune(&self) -> Result<Pruned, Problem> {
        self.collect()?;
        let _alone = self.alone()?;
        let unknown = |kind: &str, name: &Name, remedy: &str| {
            failed(format!(
                "tell which image the {kind} `{name}` needs (`guest {remedy} {name}` does without)"
            ))
        };
        let mut needed = Vec::new();
        for (Machine { name, .. }, folder) in self.running()? {
            needed.push(Settings::read(&folder).map_err(unknown("guest", &name, "stop"))?.image);
        }
        let mut rest = Vec::new();
        if let Some(snapshots) = self.folder(SNAPSHOTS)? {
            for name in snapshots.names()?.iter().filter(|name| snapshots.has_folder(name.as_str())) {
                let settings = snapshots.folder(name.as_str())?.map(|folder| Settings::read(&folder));
                let settings = settings.transpose().map_err(unknown("snapshot", name, "remove"))?;
                needed.extend(settings.map(|settings| settings.image));
            }
            rest = left_of(&snapshots)?;
        }
        Ok(Pruned {
            images: self.emptied(IMAGES, |name| !needed.iter().any(|image| image == name))?,
            packages: self.emptied(PACKAGES, |_| true)?,
            snapshots: rest,
        })
    }

    fn emptied(&self, of: &str, goes: impl Fn(&str) -> bool) -> Result<Vec<String>, Problem> {
        let Some(folder) = self.folder(of)? else { return Ok(Vec::new()) };
        let mut gone = folder.entries()?;
        // What is just being made lies beside its place, under a name with `new-` in it. What is no directory is none of ours.
        gone.retain(|name| !name.contains(".new-") && goes(name) && folder.has_folder(name));
        gone.sort();
        gone.iter().try_for_each(|name| folder.remove_folder(name))?;
        Ok(gone)
    }

    /// The guests that run or are just being started, with their directories.
    fn running(&self) -> Result<Vec<(Machine, Folder)>, Problem> {
        let Some(machines) = self.folder(MACHINES)? else { return Ok(Vec::new()) };
        let mut running = Vec::new();
        for name in machines.names()? {
            // What is no directory is no guest.
            let Ok(Some(folder)) = machines.folder(name.as_str()) else { continue };
            let machine = self.machine(&name);
            let is_starting = Lock::taken(&folder)?.is_none();
            if is_starting || machine.listens() {
                running.push((machine, folder));
            }
        }
        Ok(running)
    }
}

/// Removes what killed removals left of snapshots.
fn left_of(snapshots: &Folder) -> Result<Vec<String>, Problem> {
    let snapshot = |entry: &String| {
        let name = Name::new(entry.strip_prefix('.')?.strip_suffix(GONE)?).ok()?;
        snapshots.has_folder(entry).then_some((entry.clone(), name.to_string()))
    };
    let mut left: Vec<_> = snapshots.entries()?.iter().filter_map(snapshot).collect();
    left.sort();
    left.iter().try_for_each(|(entry, _)| snapshots.remove_folder(entry))?;
    Ok(left.into_iter().map(|(_, name)| name).collect())
}

/// Notes what a guest begins with: with itself, or with a snapshot and what that differs from.
pub(crate) fn note_origin(folder: &Folder, snapshot: Option<(&Name, &Folder)>) -> Result<(), Problem> {
    let Some((name, snapshot)) = snapshot else { return folder.remove(ORIGIN) };
    let base = base(snapshot).map_or(String::new(), |base| format!("{base}\n"));
    folder.write(ORIGIN, &format!("{name}\n{base}"))
}

/// Notes in a snapshot what it differs from: always a whole one.
pub(crate) fn note_base(machine: &Folder, snapshot: &Folder) -> Result<(), Problem> {
    match origin(machine).pop() {
        Some(base) => snapshot.write(BASE, base.as_str()),
        None => Ok(()),
    }
}

fn origin(machine: &Folder) -> Vec<Name> {
    let noted = machine.read(ORIGIN).ok().flatten().unwrap_or_default();
    String::from_utf8_lossy(&noted).lines().filter_map(|line| Name::new(line).ok()).collect()
}

fn base(snapshot: &Folder) -> Option<Name> {
    Name::new(String::from_utf8(snapshot.read(BASE).ok()??).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Extent,
        home::{
            OUTBOX,
            tests::{answered, made},
        },
        wanted::Wanted,
    };
    use expect_test::expect;
    use std::{os::unix::net::UnixListener, thread};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn settings(image: &str) -> Settings {
        let image = image.to_owned();
        Settings { kernel: "/k".into(), initrd: "/i".into(), image, memory_mib: 48, vcpus: 1 }
    }

    /// A home with a snapshot and a difference from it.
    fn home() -> (tempfile::TempDir, Home) {
        let root = tempfile::tempdir().unwrap();
        let home = Home::new(root.path().to_owned());
        let snapshots = home.made(SNAPSHOTS).unwrap();
        let (gold, since) = (snapshots.made("gold").unwrap(), snapshots.made("since").unwrap());
        for (folder, image) in [(&gold, "of-gold"), (&since, "of-since")] {
            settings(image).write(folder).unwrap();
        }
        // As a guest that was restored from `gold` leaves it.
        let machine = made(&home, &home.machine(&name("two")));
        note_origin(&machine, Some((&name("gold"), &gold))).unwrap();
        note_base(&machine, &since).unwrap();
        note_origin(&machine, Some((&name("since"), &since))).unwrap();
        (root, home)
    }

    #[test]
    fn a_snapshot_goes_when_nothing_needs_it_and_what_needs_it_is_named() {
        let (_root, home) = home();
        let machine = home.machine(&name("two"));
        let said = |snapshot: &str| home.remove(&name(snapshot)).unwrap_err().chain();
        expect!["there is no snapshot `none`: `gold`, `since`"].assert_eq(&said("none"));
        expect!["the snapshot `since` holds only what differs from `gold`: remove it first"]
            .assert_eq(&said("gold"));
        let control = UnixListener::bind(machine.control()).unwrap();
        let monitor = thread::spawn(move || {
            (0..2).for_each(|_| answered(&control, "{\"v\":1,\"ok\":{\"phase\":\"agent_ready\"}}\n"));
        });
        expect!["the guest `two` runs from the snapshot `since`: `guest stop two` first"]
            .assert_eq(&said("since"));
        expect!["the guest `two` runs from the snapshot `gold`: `guest stop two` first"]
            .assert_eq(&said("gold"));
        monitor.join().unwrap();
        let kept: Vec<_> = home.kept().unwrap().into_iter().map(|kept| (kept.name, kept.base)).collect();
        assert_eq!(kept, [(name("gold"), None), (name("since"), Some(name("gold")))]);
        home.remove(&name("since")).unwrap();
        home.remove(&name("gold")).unwrap();
        assert_eq!(home.kept().unwrap(), []);
        assert!(home.folder(SNAPSHOTS).unwrap().unwrap().entries().unwrap().is_empty());
    }

    #[test]
    fn a_guest_that_is_being_restored_keeps_its_snapshot() {
        let (_root, home) = home();
        let folder = home.machine(&name("two")).folder().unwrap().unwrap();
        let _starts = Lock::taken(&folder).unwrap().unwrap();
        assert!(home.remove(&name("since")).unwrap_err().chain().starts_with("the guest `two` runs from"));
    }

    #[test]
    fn images_that_nothing_needs_go_and_those_of_snapshots_and_of_what_is_being_made_stay() {
        let (_root, home) = home();
        let images = home.made(IMAGES).unwrap();
        for image in ["of-gold", "of-since", "old", "other.new-17"] {
            images.made(image).unwrap().write("vmlinux", "x").unwrap();
        }
        home.made(PACKAGES).unwrap().made("linux-image_6.1").unwrap().made("boot").unwrap();
        let pruned = home.prune().unwrap();
        assert_eq!(
            (pruned.images, pruned.packages),
            (vec!["old".to_owned()], vec!["linux-image_6.1".to_owned()])
        );
        let mut left = images.entries().unwrap();
        left.sort();
        assert_eq!(left, ["of-gold", "of-since", "other.new-17"]);
        assert_eq!(home.prune().unwrap(), Pruned::default());
    }

    #[test]
    fn what_is_no_image_stays_and_what_a_killed_removal_left_goes() {
        let (root, home) = home();
        home.made(IMAGES).unwrap().write("notes", "mine").unwrap();
        let snapshots = home.made(SNAPSHOTS).unwrap();
        snapshots.made(".old.gone").unwrap().write("memory", "x").unwrap();
        snapshots.write("file", "mine").unwrap();
        snapshots.made("bad").unwrap();
        let said = home.prune().unwrap_err().chain().replace(&root.path().display().to_string(), "…");
        expect!["cannot tell which image the snapshot `bad` needs (`guest remove bad` does without): …/snapshots/bad/settings is damaged or missing: make it again"].assert_eq(&said);
        home.remove(&name("bad")).unwrap();
        let pruned = home.prune().unwrap();
        assert_eq!(pruned, Pruned { snapshots: vec!["old".to_owned()], ..Pruned::default() });
        let mut left = snapshots.entries().unwrap();
        left.sort();
        assert_eq!(left, ["file", "gold", "since"]);
        assert!(home.folder(IMAGES).unwrap().unwrap().has("notes").unwrap());
    }

    #[test]
    fn nothing_goes_while_an_image_is_made_or_a_guest_started() {
        let (_root, home) = home();
        home.made(IMAGES).unwrap().made("new").unwrap();
        let (makes, starts) = (home.in_use().unwrap(), home.in_use().unwrap());
        let busy = |why: Problem| (why.passes(), why.chain());
        let said = busy(home.prune().unwrap_err());
        expect!["a guest is just being started, or an image made, which may need it: wait for that"]
            .assert_eq(&said.1);
        drop(makes);
        assert_eq!(busy(home.remove(&name("since")).unwrap_err()), (true, said.1));
        drop(starts);
        home.remove(&name("since")).unwrap();
        assert_eq!(home.prune().unwrap().images, ["new"]);
    }

    #[test]
    fn a_snapshot_that_came_late_keeps_its_image() {
        let (_root, home) = home();
        let folder = home.machine(&name("two")).folder().unwrap().unwrap();
        settings("of-late").write(&folder).unwrap();
        Wanted::held(&folder).unwrap().unwrap().note(&name("late"), Extent::Difference).unwrap();
        folder.made(OUTBOX).unwrap().made("late").unwrap();
        home.made(IMAGES).unwrap().made("of-late").unwrap();
        assert_eq!(home.prune().unwrap(), Pruned::default());
        expect!["the snapshot `late` holds only what differs from `gold`: remove it first"]
            .assert_eq(&home.remove(&name("gold")).unwrap_err().chain());
    }
}
