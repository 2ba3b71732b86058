//! Where guests, images and snapshots are, and which guests are there. A guest whose monitor was killed is found by the
//! sockets that it left, and cleared away when it is asked for.
use crate::{
    Machine, Name, Part, Problem,
    control::{NoAnswer, ask},
    files::{self, Lock},
    problem::failed,
};
use serde_json::{Value, json};
use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// A monitor answers at once, or is busy writing a snapshot down.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
/// What people say to guests, and guests to them, is their owner's alone.
const PRIVATE: u32 = 0o700;

/// Where guests are.
#[derive(Debug, Clone)]
pub struct Home {
    /// The directory.
    pub root: PathBuf,
    /// Whether monitors go to jail: `on`, or `off` for debugging the monitor itself.
    pub jail: String,
}

/// A guest that is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its name.
    pub name: Name,
    /// How it stands.
    pub standing: Standing,
}

/// How a guest stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Its monitor answers, with these counts.
    Running(Value),
    /// The same, but it was restored and has not its own time and random numbers: nobody may use it.
    Unready(Value),
    /// Its monitor listens, and says nothing or nothing that is understood.
    Silent(String),
    /// Its monitor is gone without clearing its sockets away: it was killed.
    Gone,
}

impl Home {
    /// A home in a directory, whose guests run in jail.
    pub fn new(root: PathBuf) -> Home {
        Home { root, jail: "on".to_owned() }
    }

    pub(crate) fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    /// Where the settings of a snapshot's guest are, beside what the monitor writes.
    pub(crate) fn snapshot_settings(&self, snapshot: &Name) -> PathBuf {
        self.root.join("snapshot-settings").join(snapshot.as_str())
    }

    pub(crate) fn monitor(&self) -> Result<PathBuf, Problem> {
        Part::Monitor.find()
    }

    /// Finds a guest, which may not run.
    pub fn machine(&self, name: &Name) -> Machine {
        Machine { place: self.root.join("machines").join(name.as_str()), name: name.clone() }
    }

    /// Makes a directory that is its owner's alone.
    pub(crate) fn make(&self, place: &Path) -> Result<(), Problem> {
        let mut builder = fs::DirBuilder::new();
        files::is_no_link(&self.root, place)?;
        let made = builder.recursive(true).mode(PRIVATE).create(place);
        made.map_err(failed(format!("make {}", place.display())))
    }

    /// Returns the guests that run, and those that were killed, by name. What is left of the control groups of others goes.
    ///
    /// # Errors
    /// When the directory is there and cannot be read.
    pub fn list(&self) -> Result<Vec<Listed>, Problem> {
        let listed = self.look()?;
        for name in self.names()?.iter().filter(|name| listed.iter().all(|there| there.name != **name)) {
            let machine = self.machine(name);
            // One that powered itself off had nobody to remove them; one that is just being started is left alone.
            if let Ok(Some(_lock)) = Lock::taken(&machine.place)
                && !machine.listens()
            {
                machine.ungroup();
            }
        }
        Ok(listed)
    }

    /// The same, and changes nothing.
    pub(crate) fn look(&self) -> Result<Vec<Listed>, Problem> {
        let standing = |name: Name| {
            let standing = self.machine(&name).standing()?;
            Some(Listed { name, standing })
        };
        Ok(self.names()?.into_iter().filter_map(standing).collect())
    }

    /// The names of guests that are or were there.
    fn names(&self) -> Result<Vec<Name>, Problem> {
        let place = self.root.join("machines");
        let entries = match fs::read_dir(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(failed(format!("read {}", place.display())))?,
        };
        let mut names: Vec<Name> = entries
            .flatten()
            .filter_map(|entry| Name::new(entry.file_name().into_string().ok()?).ok())
            .collect();
        names.sort();
        Ok(names)
    }

    /// Returns the snapshots, by name.
    pub fn snapshot_names(&self) -> Vec<Name> {
        let entries = fs::read_dir(self.snapshots()).into_iter().flatten().flatten();
        let mut names: Vec<Name> =
            entries.filter_map(|entry| Name::new(entry.file_name().into_string().ok()?).ok()).collect();
        names.sort();
        names
    }
}

impl Machine {
    /// Says how it stands; `None` for one that ended well, or never was.
    pub fn standing(&self) -> Option<Standing> {
        match ask(&self.control(), json!({"do": "stats"}), ANSWER_PATIENCE) {
            Ok(stats) if self.is_unready() => Some(Standing::Unready(stats)),
            Ok(stats) => Some(Standing::Running(stats)),
            Err(NoAnswer::Gone(error)) if error.kind() == io::ErrorKind::TimedOut => {
                Some(Standing::Silent(format!(
                    "its monitor says nothing for {} s, and may be writing a snapshot down",
                    ANSWER_PATIENCE.as_secs()
                )))
            }
            Err(NoAnswer::Gone(_)) => self.left().next().is_some().then_some(Standing::Gone),
            Err(why @ (NoAnswer::Refused(_) | NoAnswer::Nonsense(_))) => {
                Some(Standing::Silent(why.to_string()))
            }
        }
    }

    /// The sockets that are there.
    pub(crate) fn left(&self) -> impl Iterator<Item = PathBuf> {
        [self.control(), self.vsock()].into_iter().filter(|place| place.exists())
    }

    /// Clears away what a killed monitor left.
    pub(crate) fn clear(&self) -> Result<(), Problem> {
        self.left().try_for_each(|place| {
            fs::remove_file(&place).map_err(failed(format!("clear {} away", place.display())))
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::{
        io::{BufRead, BufReader, Write},
        os::unix::net::UnixListener,
        thread,
    };

    fn home() -> (tempfile::TempDir, Home) {
        let root = tempfile::tempdir().unwrap();
        let home = Home::new(root.path().to_owned());
        (root, home)
    }

    /// Reads one question, so that whoever asks it can, and answers.
    pub(crate) fn answered(listener: &UnixListener, says: &str) {
        let (mut stream, _) = listener.accept().unwrap();
        BufReader::new(stream.try_clone().unwrap()).read_line(&mut String::new()).unwrap();
        stream.write_all(says.as_bytes()).unwrap();
    }

    #[test]
    fn a_guest_that_ended_is_not_listed_and_one_that_was_killed_is() {
        let (_root, home) = home();
        assert_eq!(home.list().unwrap(), []);
        for name in ["ended", "killed", "no name"] {
            fs::create_dir_all(home.root.join("machines").join(name)).unwrap();
        }
        let killed = home.machine(&Name::new("killed").unwrap());
        drop(UnixListener::bind(killed.control()).unwrap());
        let listed = home.list().unwrap();
        assert_eq!(listed, [Listed { name: killed.name.clone(), standing: Standing::Gone }]);
        killed.clear().unwrap();
        assert_eq!(home.list().unwrap(), []);
    }

    #[test]
    fn a_directory_that_is_no_control_group_of_ours_stays_whatever_was_noted() {
        let (_root, home) = home();
        let machine = home.machine(&Name::new("ended").unwrap());
        home.make(&machine.place).unwrap();
        let left = home.root.join("oxydra/left");
        fs::create_dir_all(&left).unwrap();
        fs::write(machine.place.join("groups"), format!("{}\n", left.display())).unwrap();
        assert_eq!(home.list().unwrap(), []);
        assert!(left.exists());
    }

    #[test]
    fn a_monitor_that_answers_nonsense_is_shown_as_silent() {
        let (_root, home) = home();
        let machine = home.machine(&Name::new("odd").unwrap());
        home.make(&machine.place).unwrap();
        let listener = UnixListener::bind(machine.control()).unwrap();
        let monitor = thread::spawn(move || {
            answered(&listener, "{\"v\":9}\n");
        });
        assert!(matches!(machine.standing(), Some(Standing::Silent(why)) if why.contains("another version")));
        monitor.join().unwrap();
    }

    #[test]
    fn directories_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (_root, home) = home();
        let place = home.root.join("machines/one");
        home.make(&place).unwrap();
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
