//! The snapshots that a guest's monitor was asked for. Each is noted before it is asked for, so that one which comes later than
//! anybody waited for is found, and crossed out when it was taken or will not come. A monitor writes into its guest's outbox
//! and nowhere else; one that is whole gets the guest's settings, and its name among the snapshots, here. What a monitor wrote
//! that nobody asked for goes; what cannot be taken stays, and is named.
use crate::{
    Extent, Home, Name, Problem, Settings,
    folder::{Folder, Lock},
    home::{MACHINES, OUTBOX, SNAPSHOTS},
    problem::failed,
    remove::note_base,
};
use std::{
    io::{self, Write},
    time::Duration,
};

/// Beside a guest: a line for each.
const WANTED: &str = "wanted";
/// Beside a guest: who asks for one or takes one away holds it.
const SNAPSHOTTING: &str = "snapshotting";
/// How long who begins a guest anew waits for whoever takes a snapshot of it away: that is a few small files.
const TAKING_PATIENCE: Duration = Duration::from_secs(10);

/// What a guest's monitor was asked for, held by one alone.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    folder: &'a Folder,
    _lock: Lock,
}

impl Wanted<'_> {
    /// Takes hold of it; `None` while somebody has a snapshot written down or takes one.
    pub(crate) fn held(folder: &Folder) -> Result<Option<Wanted<'_>>, Problem> {
        Wanted::held_within(folder, Duration::ZERO)
    }

    fn held_within(folder: &Folder, patience: Duration) -> Result<Option<Wanted<'_>>, Problem> {
        let lock = Lock::of(folder, SNAPSHOTTING, patience)?;
        Ok(lock.map(|lock| Wanted { folder, _lock: lock }))
    }

    /// How much is wanted of a snapshot; `None` for one that nobody asked for.
    pub(crate) fn extent(&self, snapshot: &Name) -> Result<Option<Extent>, Problem> {
        Ok(self.all()?.into_iter().find(|(name, _)| name == snapshot).map(|(_, extent)| extent))
    }

    /// Notes one.
    pub(crate) fn note(&self, snapshot: &Name, extent: Extent) -> Result<(), Problem> {
        let mut all = self.all()?;
        all.retain(|(name, _)| name != snapshot);
        all.push((snapshot.clone(), extent));
        self.write(&all)
    }

    /// Crosses one out.
    pub(crate) fn forget(&self, snapshot: &Name) -> Result<(), Problem> {
        let mut all = self.all()?;
        all.retain(|(name, _)| name != snapshot);
        self.write(&all)
    }

    /// Gives what the monitor wrote its settings and its name; returns whether it was there. What cannot be taken stays.
    pub(crate) fn taken(&self, snapshots: &Folder, snapshot: &Name, extent: Extent) -> Result<bool, Problem> {
        let Some(outbox) = self.folder.folder(OUTBOX)? else { return Ok(false) };
        let Some(written) = outbox.folder(snapshot.as_str())? else { return Ok(false) };
        // Without settings it is of no use, so they are in it before it has its name.
        let done = match snapshots.folder(snapshot.as_str())? {
            Some(_) => Err(Problem::Refused("there is another one of this name by now".to_owned())),
            None => Settings::read(self.folder).and_then(|settings| settings.write(&written)),
        };
        done.and_then(|()| match extent {
            Extent::Full => Ok(()),
            Extent::Difference => note_base(self.folder, &written),
        })
        .and_then(|()| outbox.hand_over(snapshot.as_str(), snapshots))
        .map_err(failed(format!(
            "take the snapshot `{snapshot}`, which is whole in {} (remove that directory to do without it)",
            written.place().display()
        )))?;
        self.forget(snapshot)?;
        Ok(true)
    }

    fn all(&self) -> Result<Vec<(Name, Extent)>, Problem> {
        let noted = self.folder.read(WANTED)?.unwrap_or_default();
        let parsed = |line: &str| {
            let (name, extent) = line.split_once(' ')?;
            Some((Name::new(name).ok()?, Extent::new(extent)?))
        };
        Ok(String::from_utf8_lossy(&noted).lines().filter_map(parsed).collect())
    }

    fn write(&self, all: &[(Name, Extent)]) -> Result<(), Problem> {
        if all.is_empty() {
            return self.folder.remove(WANTED);
        }
        let lines: String = all.iter().map(|(name, extent)| format!("{name} {}\n", extent.word())).collect();
        self.folder.write(WANTED, &lines)
    }
}

impl Home {
    /// Takes the snapshots that came later than anybody waited for, and says which cannot be taken: that is in nobody else's way.
    pub(crate) fn collect(&self) -> Result<(), Problem> {
        for problem in self.collected()? {
            // Nobody may be there to read it.
            let _unread = writeln!(io::stderr(), "guest: {}", problem.chain());
        }
        Ok(())
    }

    fn collected(&self) -> Result<Vec<Problem>, Problem> {
        let Some(machines) = self.folder(MACHINES)? else { return Ok(Vec::new()) };
        let mut problems = Vec::new();
        for name in machines.names()? {
            // Something else in the place of a guest is said where that guest is asked for.
            let Ok(Some(folder)) = machines.folder(name.as_str()) else { continue };
            let Ok(true) = folder.has(WANTED) else { continue };
            // Whoever holds it takes what it waits for.
            let Ok(Some(wanted)) = Wanted::held(&folder) else { continue };
            for (snapshot, extent) in wanted.all().unwrap_or_default() {
                problems.extend(wanted.taken(&self.made(SNAPSHOTS)?, &snapshot, extent).err());
            }
        }
        Ok(problems)
    }

    /// Forgets what an earlier monitor of a guest wrote, or was to write. What is whole and was asked for is taken first.
    ///
    /// # Errors
    /// When one that is whole cannot be taken: it is not lost because its guest begins anew.
    pub(crate) fn outbox_emptied(&self, folder: &Folder) -> Result<Folder, Problem> {
        let Some(wanted) = Wanted::held_within(folder, TAKING_PATIENCE)? else { return Err(is_held(folder)) };
        for (snapshot, extent) in wanted.all()? {
            wanted.taken(&self.made(SNAPSHOTS)?, &snapshot, extent)?;
        }
        folder.remove(WANTED)?;
        folder.remove_folder(OUTBOX)?;
        folder.made(OUTBOX)
    }
}

/// Says that somebody else has a snapshot written down or takes one.
pub(crate) fn is_held(folder: &Folder) -> Problem {
    let name = folder.place().file_name().unwrap_or_default().display();
    Problem::Unavailable(format!("a snapshot of the guest `{name}` is just being written down: wait for it"))
}

impl Extent {
    /// As the monitor is told, and as it is noted.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Extent::Full => "full",
            Extent::Difference => "difference",
        }
    }

    fn new(word: &str) -> Option<Extent> {
        [Extent::Full, Extent::Difference].into_iter().find(|extent| extent.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::tests::made;
    use expect_test::expect;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    /// A guest that was asked for `gold` and `silver`.
    fn asked() -> (tempfile::TempDir, Home, Folder) {
        let root = tempfile::tempdir().unwrap();
        let home = Home::new(root.path().to_owned());
        let folder = made(&home, &home.machine(&name("one")));
        let image = "x".to_owned();
        let settings = Settings { kernel: "/k".into(), initrd: "/i".into(), image, memory_mib: 48, vcpus: 1 };
        settings.write(&folder).unwrap();
        let wanted = Wanted::held(&folder).unwrap().unwrap();
        wanted.note(&name("gold"), Extent::Difference).unwrap();
        wanted.note(&name("silver"), Extent::Full).unwrap();
        drop(wanted);
        (root, home, folder)
    }

    #[test]
    fn each_that_was_asked_for_is_taken_when_it_comes_and_nothing_else() {
        let (_root, home, folder) = asked();
        let outbox = folder.made(OUTBOX).unwrap();
        let mut story = String::new();
        for comes in ["planted", "silver", "gold"] {
            outbox.made(comes).unwrap();
            assert!(home.collected().unwrap().is_empty());
            let noted = folder.read(WANTED).unwrap().unwrap_or_default();
            let noted = String::from_utf8(noted).unwrap().replace('\n', ", ");
            story += &format!("{comes}: {:?}, still wanted: {noted}\n", home.snapshot_names().unwrap());
        }
        expect![[r#"
            planted: [], still wanted: gold difference, silver full, 
            silver: [Name("silver")], still wanted: gold difference, 
            gold: [Name("gold"), Name("silver")], still wanted: 
        "#]]
        .assert_eq(&story);
        assert_eq!(home.outbox_emptied(&folder).unwrap().names().unwrap(), []);
    }

    #[test]
    fn what_cannot_be_taken_stays_and_is_named_until_it_can_be() {
        let (root, home, folder) = asked();
        folder.made(OUTBOX).unwrap().made("gold").unwrap().write("state", "mine").unwrap();
        let snapshots = home.made(SNAPSHOTS).unwrap();
        // Another guest took the name meanwhile.
        snapshots.made("gold").unwrap().write("state", "theirs").unwrap();
        let said = home.collected().unwrap().remove(0).chain();
        expect!["cannot take the snapshot `gold`, which is whole in …/machines/one/outbox/gold (remove that directory to do without it): there is another one of this name by now"]
            .assert_eq(&said.replace(&root.path().display().to_string(), "…"));
        assert_eq!(
            home.outbox_emptied(&folder).unwrap_err().chain(),
            said,
            "its guest does not begin anew over it"
        );
        home.remove(&name("gold")).unwrap();
        home.outbox_emptied(&folder).unwrap();
        let state = snapshots.folder("gold").unwrap().unwrap().read("state").unwrap();
        assert_eq!((state.unwrap(), folder.has(WANTED).unwrap()), (b"mine".to_vec(), false));
    }

    #[test]
    fn what_somebody_waits_for_is_left_to_them() {
        let (_root, home, folder) = asked();
        let wanted = Wanted::held(&folder).unwrap().unwrap();
        folder.made(OUTBOX).unwrap().made("gold").unwrap();
        assert!(home.collected().unwrap().is_empty() && home.snapshot_names().unwrap().is_empty());
        drop(wanted);
        assert!(home.collected().unwrap().is_empty());
        assert_eq!(home.snapshot_names().unwrap(), [name("gold")]);
    }
}
