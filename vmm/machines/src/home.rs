//! Where guests, images and snapshots are, and which guests are there. A guest whose monitor was killed is found by the
//! sockets that it left, and cleared away when it is asked for.
use crate::{
    Machine, Name, Part, Problem,
    control::NoAnswer,
    folder::{Folder, Lock},
    machine::ungroup,
};
use serde_json::{Value, json};
use std::{io, path::PathBuf, time::Duration};

/// How long who starts a guest or makes an image waits for whoever removes what nothing needs: gigabytes, at most.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(60);
/// A monitor answers at once, or is busy writing a snapshot down.
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
/// The directory of guests.
pub(crate) const MACHINES: &str = "machines";
/// The directory of images.
pub(crate) const IMAGES: &str = "images";
/// The directory of what images are made of, as it was fetched.
pub(crate) const PACKAGES: &str = "packages";
/// The directory of snapshots.
pub(crate) const SNAPSHOTS: &str = "snapshots";
/// The directory beside a guest into which its monitor writes snapshots.
pub(crate) const OUTBOX: &str = "outbox";

/// Whether a monitor is locked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jail {
    /// Always, but for debugging the monitor itself.
    On,
    /// Never with a guest that is not one's own.
    Off,
}

impl Jail {
    /// As the monitor is told.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Jail::On => "on",
            Jail::Off => "off",
        }
    }
}

/// Where guests are.
#[derive(Debug, Clone)]
pub struct Home {
    /// The directory.
    pub root: PathBuf,
    /// Whether monitors go to jail.
    pub jail: Jail,
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
    /// Its monitor listens, and says nothing or nothing that is understood; or something else is in its place.
    Silent(String),
    /// Its monitor is gone without clearing its sockets away: it was killed.
    Gone,
}

impl Home {
    /// A home in a directory, whose guests run in jail.
    pub fn new(root: PathBuf) -> Home {
        Home { root, jail: Jail::On }
    }

    pub(crate) fn monitor(&self) -> Result<PathBuf, Problem> {
        Part::Monitor.find()
    }

    /// Finds a guest, which may not run.
    pub fn machine(&self, name: &Name) -> Machine {
        Machine { home: self.root.clone(), name: name.clone() }
    }

    /// A directory of the home; `None` when it is not there.
    pub(crate) fn folder(&self, name: &str) -> Result<Option<Folder>, Problem> {
        Folder::home(&self.root)?.map_or(Ok(None), |home| home.folder(name))
    }

    /// A directory of the home, made if it is not there.
    pub(crate) fn made(&self, name: &str) -> Result<Folder, Problem> {
        Folder::made_home(&self.root)?.made(name)
    }

    /// Keeps whatever is there from being removed, for as long as it is held: by those who make an image or start a guest,
    /// until it can be seen what they need.
    pub(crate) fn in_use(&self) -> Result<Lock, Problem> {
        let lock = Lock::shared(&Folder::made_home(&self.root)?, REMOVAL_PATIENCE)?;
        lock.ok_or_else(|| {
            Problem::Unavailable("images and snapshots are just being removed: wait for it".to_owned())
        })
    }

    /// Waits for nobody, and keeps others from making an image or starting a guest; `None` where there is no home.
    pub(crate) fn alone(&self) -> Result<Option<Lock>, Problem> {
        let Some(home) = Folder::home(&self.root)? else { return Ok(None) };
        if let Some(lock) = Lock::taken(&home)? {
            return Ok(Some(lock));
        }
        Err(Problem::Unavailable(
            "a guest is just being started, or an image made, which may need it: wait for that".to_owned(),
        ))
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
            if let Ok(Some(folder)) = machine.folder()
                && let Ok(Some(_lock)) = Lock::taken(&folder)
                && !machine.listens()
            {
                ungroup(&folder);
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
        self.folder(MACHINES)?.map_or(Ok(Vec::new()), |machines| machines.names())
    }

    /// Returns the snapshots, by name.
    ///
    /// # Errors
    /// When their directory is there and cannot be read.
    pub fn snapshot_names(&self) -> Result<Vec<Name>, Problem> {
        self.folder(SNAPSHOTS)?.map_or(Ok(Vec::new()), |snapshots| snapshots.names())
    }
}

impl Machine {
    /// Says how it stands; `None` for one that ended well, or never was.
    pub fn standing(&self) -> Option<Standing> {
        match self.asked(json!({"do": "stats"}), ANSWER_PATIENCE) {
            Ok(stats) if self.is_unready() => Some(Standing::Unready(stats)),
            Ok(stats) => Some(Standing::Running(stats)),
            Err(NoAnswer::Gone(error)) if error.kind() == io::ErrorKind::TimedOut => {
                Some(Standing::Silent(format!(
                    "its monitor says nothing for {} s, and may be writing a snapshot down",
                    ANSWER_PATIENCE.as_secs()
                )))
            }
            Err(NoAnswer::Gone(_)) => self.is_left().then_some(Standing::Gone),
            Err(
                why @ (NoAnswer::Refused(_)
                | NoAnswer::Unavailable(_)
                | NoAnswer::Nonsense(_)
                | NoAnswer::Barred(_)),
            ) => Some(Standing::Silent(why.to_string())),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::{
        fs,
        io::{BufRead, BufReader, Write},
        os::unix::net::{UnixListener, UnixStream},
        thread,
    };

    fn home() -> (tempfile::TempDir, Home) {
        let root = tempfile::tempdir().unwrap();
        let home = Home::new(root.path().to_owned());
        (root, home)
    }

    pub(crate) fn made(home: &Home, machine: &Machine) -> Folder {
        home.made(MACHINES).unwrap().made(machine.name.as_str()).unwrap()
    }

    /// Reads one question, so that whoever asks it can.
    pub(crate) fn heard(listener: &UnixListener) -> UnixStream {
        let (stream, _) = listener.accept().unwrap();
        BufReader::new(stream.try_clone().unwrap()).read_line(&mut String::new()).unwrap();
        stream
    }

    /// The same, and answers.
    pub(crate) fn answered(listener: &UnixListener, says: &str) {
        heard(listener).write_all(says.as_bytes()).unwrap();
    }

    #[test]
    fn a_guest_that_ended_is_not_listed_and_one_that_was_killed_is() {
        let (_root, home) = home();
        assert_eq!(home.list().unwrap(), []);
        for name in ["ended", "killed", "no name"] {
            home.made(MACHINES).unwrap().made(name).unwrap();
        }
        let killed = home.machine(&Name::new("killed").unwrap());
        drop(UnixListener::bind(killed.control()).unwrap());
        let listed = home.list().unwrap();
        assert_eq!(listed, [Listed { name: killed.name.clone(), standing: Standing::Gone }]);
        crate::machine::clear(&killed.folder().unwrap().unwrap()).unwrap();
        assert_eq!(home.list().unwrap(), []);
    }

    #[test]
    fn a_directory_that_is_no_control_group_of_ours_stays_whatever_was_noted() {
        let (_root, home) = home();
        let machine = home.machine(&Name::new("ended").unwrap());
        let folder = made(&home, &machine);
        let left = home.root.join("oxydra/left");
        fs::create_dir_all(&left).unwrap();
        folder.write("groups", &format!("{}\n", left.display())).unwrap();
        assert_eq!(home.list().unwrap(), []);
        assert!(left.exists());
    }

    #[test]
    fn a_monitor_that_answers_nonsense_is_shown_as_silent() {
        let (_root, home) = home();
        let machine = home.machine(&Name::new("odd").unwrap());
        made(&home, &machine);
        let listener = UnixListener::bind(machine.control()).unwrap();
        let monitor = thread::spawn(move || {
            answered(&listener, "{\"v\":9}\n");
        });
        assert!(matches!(machine.standing(), Some(Standing::Silent(why)) if why.contains("another version")));
        monitor.join().unwrap();
    }
}
