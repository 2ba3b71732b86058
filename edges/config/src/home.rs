//! The home: the one directory where Oxydra keeps what is its own. It makes directories and says where things are; what
//! is in them belongs to others. What holds secrets is its owner's alone.
use domain::UserId;
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Its owner's alone.
const PRIVATE: u32 = 0o700;

/// The directories of a home. All of them tell what was said or hold keys.
const DIRECTORIES: [&str; 5] = ["journal", "view", "workspaces", "logs", "run"];

/// What version control should leave alone in a new home; what configures it may be shared.
const IGNORED: &str = "\
# What was said and done here is nobody else's. What configures it (agent.toml, providers.toml, users/) may be shared.
/guest/
/journal/
/logs/
/run/
/token-counts
/view/
/workspaces/
";

/// The directories of a workspace that tools work in; the vault is made apart.
const WORKED_IN: [&str; 2] = ["shared", "tmp"];

/// The home cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// There is no home.
    #[error("there is no home at {}; `oxydra run` makes one, `--home DIR` names another", .0.display())]
    Missing(PathBuf),
    /// Something else stands where a directory should.
    #[error("{} must be a directory, not a file or a link; move it away or name another home", .0.display())]
    NotADirectory(PathBuf),
    /// The file system takes no writes.
    #[error("{} is on a file system that cannot be written; name another home with `--home DIR`", path.display())]
    ReadOnly {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The disk or the quota is full.
    #[error("no space is left for {}; free some or name another home with `--home DIR`", path.display())]
    Full {
        /// For what.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It belongs to somebody else.
    #[error("{} may not be used by this user; mend its permissions or name another home", path.display())]
    Denied {
        /// What.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Anything else.
    #[error("cannot use {}", path.display())]
    Broken {
        /// What.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl HomeError {
    fn of(path: &Path, source: io::Error) -> HomeError {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::ReadOnlyFilesystem => HomeError::ReadOnly { path, source },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => HomeError::Full { path, source },
            io::ErrorKind::PermissionDenied => HomeError::Denied { path, source },
            io::ErrorKind::NotADirectory => HomeError::NotADirectory(path),
            // `ErrorKind` belongs to the standard library and grows.
            _ => HomeError::Broken { path, source },
        }
    }
}

/// A home whose directories are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
}

/// The directories of one user. All of them are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// What user and agent work on together.
    pub shared: PathBuf,
    /// What may go at any time.
    pub tmp: PathBuf,
    /// Secrets: no tool writes here and no guest sees it.
    pub vault: PathBuf,
    /// New versions of files before they are put in their place. No tool lists it.
    pub drafts: PathBuf,
}

impl Home {
    /// Opens the home, making what is missing of it.
    ///
    /// # Errors
    /// Names the path that could not be made or used, and the way out.
    pub fn create(root: &Path) -> Result<Home, HomeError> {
        let home = Home { root: root.to_owned() };
        make(root)?;
        if fs::symlink_metadata(home.journal()).is_err() {
            home.keep_private()?;
        }
        for name in DIRECTORIES {
            make_private(&root.join(name))?;
        }
        Ok(home)
    }

    /// Tells version control what is nobody else's. A list that is there stays as it is.
    fn keep_private(&self) -> Result<(), HomeError> {
        let path = self.root.join(".gitignore");
        let written = fs::File::options().write(true).create_new(true).open(&path);
        match written.and_then(|mut file| file.write_all(IGNORED.as_bytes())) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(HomeError::of(&path, error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Opens a home that is there and changes nothing about it.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(root: &Path) -> Result<Home, HomeError> {
        let home = Home { root: root.to_owned() };
        // Without a journal it is some directory, not a home: `oxydra sessions` in a wrong place should say so.
        match fs::symlink_metadata(home.journal()) {
            Ok(about) if about.is_dir() => Ok(home),
            Ok(_) => Err(HomeError::NotADirectory(home.journal())),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(HomeError::Missing(home.root))
            }
            Err(error) => Err(HomeError::of(&home.journal(), error)),
        }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the journal is: the truth.
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// Where the view of the journal is. It may be deleted at any time.
    pub fn view(&self) -> PathBuf {
        self.root.join("view")
    }

    /// Where the log is.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// Where it is kept how many tokens texts have. It may be deleted at any time.
    pub fn token_counts(&self) -> PathBuf {
        self.root.join("token-counts")
    }

    /// Where sockets, token and endpoint are. No guest ever sees it.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// Returns the user's workspace, making what is missing of it.
    ///
    /// # Errors
    /// Names the path that could not be made or used, and the way out.
    pub fn workspace(&self, user: &UserId) -> Result<Workspace, HomeError> {
        let own = self.root.join("workspaces").join(user.as_str());
        make_private(&own)?;
        for name in WORKED_IN {
            make(&own.join(name))?;
        }
        let vault = own.join("vault");
        make_private(&vault)?;
        let drafts = own.join(".drafts");
        make_private(&drafts)?;
        Ok(Workspace { shared: own.join("shared"), tmp: own.join("tmp"), vault, drafts })
    }
}

/// Makes a directory, and those above it, unless it is there. A link to a directory will do: people keep their projects
/// elsewhere.
fn make(path: &Path) -> Result<(), HomeError> {
    match fs::DirBuilder::new().recursive(true).mode(PRIVATE).create(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(HomeError::NotADirectory(path.to_owned()))
        }
        Err(error) => Err(HomeError::of(path, error)),
    }
}

/// Makes a directory that is its owner's alone, or makes an existing one so. A link will not do: what it leads to may
/// be anybody's.
fn make_private(path: &Path) -> Result<(), HomeError> {
    make(path)?;
    let about = fs::symlink_metadata(path).map_err(|error| HomeError::of(path, error))?;
    if !about.is_dir() {
        return Err(HomeError::NotADirectory(path.to_owned()));
    }
    let others_may = about.permissions().mode() & 0o077 != 0;
    if others_may {
        let mine = fs::Permissions::from_mode(PRIVATE);
        fs::set_permissions(path, mine).map_err(|error| HomeError::of(path, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it is there").permissions().mode() & 0o777
    }
    fn alice() -> UserId {
        UserId::parse("alice").expect("a good id")
    }

    #[test]
    fn a_home_is_made_once_and_found_again() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let root = place.path().join("deep/.oxydra");
        assert!(matches!(Home::open(&root), Err(HomeError::Missing(path)) if path == root));
        let home = Home::create(&root).expect("it is made");
        let workspace = home.workspace(&alice()).expect("it is made");
        for path in [home.journal(), home.logs(), home.run(), workspace.vault.clone()] {
            assert_eq!(mode(&path), PRIVATE, "{}", path.display());
        }
        assert!(workspace.shared.is_dir() && workspace.tmp.is_dir());
        fs::write(workspace.shared.join("kept"), "x").expect("the file is written");
        assert_eq!(Home::create(&root).expect("again"), home);
        assert_eq!(home.workspace(&alice()).expect("again"), workspace);
        assert_eq!(Home::open(&root).expect("it is there"), home);
        assert!(workspace.shared.join("kept").exists());
    }

    #[test]
    fn what_others_could_read_is_closed() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let home = Home::create(place.path()).expect("it is made");
        fs::set_permissions(home.run(), fs::Permissions::from_mode(0o755)).expect("it is opened");
        Home::create(place.path()).expect("it is made");
        assert_eq!(mode(&home.run()), PRIVATE);
    }

    #[test]
    fn a_file_or_a_link_in_the_way_is_named() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let file = place.path().join("file");
        fs::write(&file, "").expect("the file is written");
        assert!(matches!(Home::create(&file), Err(HomeError::NotADirectory(path)) if path == file));
        assert!(matches!(Home::create(&file.join("below")), Err(HomeError::NotADirectory(_))));
        assert!(matches!(Home::open(&file), Err(HomeError::Missing(_))));

        let root = place.path().join("home");
        fs::create_dir_all(root.join("elsewhere")).expect("the directory is made");
        for name in DIRECTORIES {
            let link = root.join(name);
            std::os::unix::fs::symlink(root.join("elsewhere"), &link).expect("the link is made");
            assert!(matches!(Home::create(&root), Err(HomeError::NotADirectory(path)) if path == link));
            fs::remove_file(&link).expect("it is there");
        }
        fs::remove_dir(root.join("journal")).expect("it is there");
        std::os::unix::fs::symlink(root.join("elsewhere"), root.join("journal")).expect("the link is made");
        assert!(matches!(Home::open(&root), Err(HomeError::NotADirectory(_))));
    }

    #[test]
    fn a_new_home_tells_version_control_what_is_private_and_an_older_one_is_left_alone() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let root = place.path().join("home");
        Home::create(&root).expect("it is made");
        let list = root.join(".gitignore");
        let said = fs::read_to_string(&list).expect("it is there");
        assert!(DIRECTORIES.iter().all(|name| said.contains(&format!("\n/{name}/\n"))), "{said}");
        fs::remove_file(&list).expect("it is there");
        Home::create(&root).expect("it is there");
        assert!(!list.exists(), "its owner took it away");
        let other = place.path().join("other");
        fs::create_dir(&other).expect("it is made");
        std::os::unix::fs::symlink("elsewhere", other.join(".gitignore")).expect("the link is made");
        Home::create(&other).expect("it is made");
        assert!(!other.join("elsewhere").exists(), "no link is followed");
    }

    #[test]
    fn a_shared_directory_may_be_a_link() {
        let place = tempfile::tempdir().expect("a directory for the test");
        let project = place.path().join("project");
        fs::create_dir(&project).expect("the directory is made");
        let home = Home::create(&place.path().join("home")).expect("it is made");
        let own = home.root().join("workspaces/alice");
        fs::create_dir(&own).expect("the directory is made");
        std::os::unix::fs::symlink(&project, own.join("shared")).expect("the link is made");
        assert_eq!(home.workspace(&alice()).expect("it is made").shared, own.join("shared"));
    }

    #[test]
    fn what_the_system_says_becomes_what_its_user_can_do() {
        let said = |kind: io::ErrorKind| HomeError::of(Path::new("/h"), io::Error::from(kind)).to_string();
        assert!(
            said(io::ErrorKind::ReadOnlyFilesystem)
                .starts_with("/h is on a file system that cannot be written")
        );
        assert!(said(io::ErrorKind::StorageFull).starts_with("no space is left for /h"));
        assert!(said(io::ErrorKind::QuotaExceeded).starts_with("no space is left for /h"));
        assert!(said(io::ErrorKind::PermissionDenied).starts_with("/h may not be used by this user"));
        assert_eq!(said(io::ErrorKind::TimedOut), "cannot use /h");
    }
}
