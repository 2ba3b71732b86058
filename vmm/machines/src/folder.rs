//! The one way into a home of guests. A home may have come with a checkout, so nothing in it is reached by its path: each
//! directory is opened beneath the one above it, over no link; what is read is a plain file and small; what is written was a
//! plain file or is new; what is dialled is a socket. The home itself is its owner's word, and may be a link.
use crate::{Name, Problem, problem::failed};
use rustix::{
    fs::{
        AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, ResolveFlags, flock, fstat, fsync, mkdirat,
        open, openat2, renameat, statat, unlinkat,
    },
    io::Errno,
};
use std::{
    ffi::OsStr,
    fs::{DirBuilder, File},
    io::{self, Read, Seek, SeekFrom, Write},
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::DirBuilderExt},
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// How often a lock is looked for.
const LOOK: Duration = Duration::from_millis(10);
/// What people say to guests, and guests to them, is their owner's alone.
const PRIVATE: u32 = 0o700;
/// Nothing that is read here is longer: settings, a few paths, and of logs the end.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// A directory of a home, open.
#[derive(Debug)]
pub(crate) struct Folder {
    directory: OwnedFd,
    place: PathBuf,
}

impl Folder {
    /// The home; `None` when it is not there.
    pub(crate) fn home(root: &Path) -> Result<Option<Folder>, Problem> {
        match open(root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()) {
            Ok(directory) => Ok(Some(Folder { directory, place: root.to_owned() })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(failed(format!("open {}", root.display()))(errno)),
        }
    }

    /// The home, made if it is not there.
    pub(crate) fn made_home(root: &Path) -> Result<Folder, Problem> {
        let made = DirBuilder::new().recursive(true).mode(PRIVATE).create(root);
        made.map_err(failed(format!("make {}", root.display())))?;
        Folder::home(root)?.ok_or_else(|| gone(root))
    }

    /// A directory in this one; `None` when it is not there.
    pub(crate) fn folder(&self, name: impl AsRef<OsStr>) -> Result<Option<Folder>, Problem> {
        let name = name.as_ref();
        match self.open(name, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()) {
            Ok(directory) => Ok(Some(Folder { directory, place: self.place.join(name) })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.problem("open", name, errno)),
        }
    }

    /// A directory in this one, made if it is not there.
    pub(crate) fn made(&self, name: &str) -> Result<Folder, Problem> {
        match mkdirat(&self.directory, name, Mode::from_raw_mode(PRIVATE)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(self.problem("make", name, errno)),
        }
        self.folder(name)?.ok_or_else(|| gone(&self.place.join(name)))
    }

    /// Where it is, for a person and for other programs.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// The names in it that can be those of guests or snapshots, in order.
    pub(crate) fn names(&self) -> Result<Vec<Name>, Problem> {
        let mut names: Vec<_> = self.entries()?.into_iter().filter_map(|name| Name::new(name).ok()).collect();
        names.sort();
        Ok(names)
    }

    /// Whether anything of this name is in it.
    pub(crate) fn has(&self, name: &str) -> Result<bool, Problem> {
        match statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.problem("look at", name, errno)),
        }
    }

    /// Whether a directory of this name is in it.
    pub(crate) fn has_folder(&self, name: &str) -> bool {
        let facts = statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW);
        facts.is_ok_and(|facts| FileType::from_raw_mode(facts.st_mode) == FileType::Directory)
    }

    /// All names in it that are text.
    pub(crate) fn entries(&self) -> Result<Vec<String>, Problem> {
        let entries = Dir::read_from(&self.directory).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = entries.map_err(failed(format!("read {}", self.place.display())))?;
        let names = entries.iter().filter_map(|entry| entry.file_name().to_str().ok());
        Ok(names.filter(|name| ![".", ".."].contains(name)).map(str::to_owned).collect())
    }

    /// Gives a directory in it another name.
    pub(crate) fn rename(&self, name: &str, to: &str) -> Result<(), Problem> {
        renameat(&self.directory, name, &self.directory, to)
            .map_err(|errno| self.problem("rename", name, errno))
    }

    /// All of a small file; `None` when it is not there.
    pub(crate) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Problem> {
        let Some(file) = self.file(name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let place = self.place.join(name);
        let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(failed(format!("read {}", place.display())))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(Problem::Refused(format!(
                "{} is longer than {} KiB, as nothing is that guests leave: remove it",
                place.display(),
                FILE_BYTES_MAX >> 10
            )));
        }
        Ok(Some(bytes))
    }

    /// The end of a file, or of what can be had of it.
    pub(crate) fn tail(&self, name: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Ok(Some(mut file)) = self.file(name) {
            let len = file.metadata().map_or(0, |facts| facts.len());
            let _cut = file
                .seek(SeekFrom::Start(len.saturating_sub(FILE_BYTES_MAX)))
                .and_then(|_| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes));
        }
        bytes
    }

    /// How many bytes of a file are on the disk: one may have gaps. None, where there is no such file.
    pub(crate) fn size(&self, name: &str) -> u64 {
        const BLOCK_BYTES: u64 = 512;
        let facts = statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW);
        facts.map_or(0, |facts| u64::try_from(facts.st_blocks).unwrap_or(0) * BLOCK_BYTES)
    }

    /// Makes a file, or empties the one that is there.
    pub(crate) fn created(&self, name: &str) -> Result<File, Problem> {
        let file = self.writable(name)?;
        file.set_len(0).map_err(failed(format!("empty {}", self.place.join(name).display())))?;
        Ok(file)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), Problem> {
        let mut file = self.created(name)?;
        let written = file.write_all(text.as_bytes());
        written.map_err(failed(format!("write {}", self.place.join(name).display())))
    }

    /// Removes a file, a socket or a link, if there is one.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Problem> {
        match unlinkat(&self.directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.problem("remove", name, errno)),
        }
    }

    /// Removes a directory and all that is in it, if there is one. Of a link nothing but itself goes.
    pub(crate) fn remove_folder(&self, name: impl AsRef<OsStr>) -> Result<(), Problem> {
        let name = name.as_ref();
        let Some(folder) = self.folder(name)? else { return Ok(()) };
        let reading = failed(format!("read {}", folder.place.display()));
        let entries = Dir::read_from(&folder.directory).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        for entry in entries.map_err(reading)? {
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            match unlinkat(&folder.directory, name, AtFlags::empty()) {
                Err(Errno::ISDIR) => folder.remove_folder(name)?,
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(folder.problem("remove", name, errno)),
            }
        }
        match unlinkat(&self.directory, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(self.problem("remove", name, errno)),
        }
    }

    /// Moves a directory into another one, where none of its name may be, and has both on the disk.
    pub(crate) fn hand_over(&self, name: &str, to: &Folder) -> Result<(), Problem> {
        // A directory with something in it is never replaced by another.
        renameat(&self.directory, name, &to.directory, name)
            .and_then(|()| fsync(&to.directory))
            .and_then(|()| fsync(&self.directory))
            .map_err(|errno| to.problem("move a directory to", name, errno))
    }

    /// A socket in it; `None` when there is none.
    pub(crate) fn socket(&self, name: &str) -> Result<Option<Socket>, Problem> {
        let socket = match self.open(name, OFlags::PATH, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            other => other.map_err(|errno| self.problem("find", name, errno))?,
        };
        let facts = fstat(&socket).map_err(|errno| self.problem("look at", name, errno))?;
        Ok((FileType::from_raw_mode(facts.st_mode) == FileType::Socket).then_some(Socket(socket)))
    }

    fn file(&self, name: &str) -> Result<Option<File>, Problem> {
        match self.open(name, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()) {
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.problem("read", name, errno)),
            Ok(file) => self.plain(name, file).map(Some),
        }
    }

    fn writable(&self, name: &str) -> Result<File, Problem> {
        // A pipe whose other end nobody opens is not waited for.
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NONBLOCK;
        let opened = self.open(name, flags, Mode::RUSR | Mode::WUSR);
        self.plain(name, opened.map_err(|errno| self.problem("write", name, errno))?)
    }

    fn plain(&self, name: &str, file: OwnedFd) -> Result<File, Problem> {
        let facts = fstat(&file).map_err(|errno| self.problem("look at", name, errno))?;
        match FileType::from_raw_mode(facts.st_mode) {
            FileType::RegularFile => Ok(file.into()),
            _no_file => {
                let place = self.place.join(name);
                Err(Problem::Refused(format!("{} is no plain file: remove it", place.display())))
            }
        }
    }

    fn open(&self, name: impl AsRef<OsStr>, flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
        let how = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        openat2(&self.directory, name.as_ref(), flags | OFlags::CLOEXEC, mode, how)
    }

    fn problem(&self, what: &str, name: impl AsRef<OsStr>, errno: Errno) -> Problem {
        let place = self.place.join(name.as_ref());
        match errno {
            Errno::LOOP => Problem::Refused(format!(
                "{} is a link, and none is followed in a home of guests: remove it",
                place.display()
            )),
            _other => failed(format!("{what} {}", place.display()))(errno),
        }
    }
}

fn gone(place: &Path) -> Problem {
    failed(format!("open {}", place.display()))(io::Error::from(io::ErrorKind::NotFound))
}

/// A socket of a home, held by what it is and not by its path.
#[derive(Debug)]
pub(crate) struct Socket(OwnedFd);

impl Socket {
    /// A path that leads to it and nowhere else, for as long as it is held.
    pub(crate) fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }
}

/// The one that a directory has for itself.
const LOCK: &str = "lock";

/// Who starts a guest or clears one away holds it; others leave its sockets and groups alone. It goes with its holder.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Takes it; `None` when somebody has it.
    pub(crate) fn taken(machine: &Folder) -> Result<Option<Lock>, Problem> {
        Lock::of(machine, LOCK, Duration::ZERO)
    }

    /// Takes the one of a name, for which it waits so long; `None` when somebody has it still.
    pub(crate) fn of(folder: &Folder, name: &str, patience: Duration) -> Result<Option<Lock>, Problem> {
        Lock::by(FlockOperation::NonBlockingLockExclusive, folder, name, patience)
    }

    /// Takes one that many may have at a time, but nobody alone.
    pub(crate) fn shared(folder: &Folder, patience: Duration) -> Result<Option<Lock>, Problem> {
        Lock::by(FlockOperation::NonBlockingLockShared, folder, LOCK, patience)
    }

    fn by(
        how: FlockOperation,
        folder: &Folder,
        name: &str,
        patience: Duration,
    ) -> Result<Option<Lock>, Problem> {
        // The monitor does not inherit it: files of ours close when another program begins.
        let file = folder.writable(name)?;
        let since = Instant::now();
        loop {
            match flock(&file, how) {
                Ok(()) => return Ok(Some(Lock(file))),
                Err(Errno::WOULDBLOCK) if since.elapsed() < patience => thread::sleep(LOOK),
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(errno) => return Err(folder.problem("lock", name, errno)),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Not by closing alone: a program that this process starts just now has the file, too, until it begins.
        let _goes_when_closed = flock(&self.0, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use std::{
        fs,
        os::unix::{fs::symlink, net::UnixListener},
    };

    /// A home in which everything is something else, and a place behind it.
    fn hostile() -> (tempfile::TempDir, Folder) {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir_all(at("behind/one")).unwrap();
        fs::write(at("behind/precious"), "mine").unwrap();
        fs::create_dir(at("home")).unwrap();
        symlink("../behind", at("home/folder")).unwrap();
        symlink("../behind/precious", at("home/file")).unwrap();
        symlink("/dev/zero", at("home/endless")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("home/pipe"), Mode::RWXU).unwrap();
        fs::write(at("home/long"), vec![b'x'; 70_000]).unwrap();
        let home = Folder::home(&at("home")).unwrap().unwrap();
        (root, home)
    }

    #[test]
    fn what_is_a_link_or_no_plain_file_is_neither_read_nor_written_nor_entered() {
        let (root, home) = hostile();
        let said = |why: Problem| why.chain().replace(&root.path().display().to_string(), "…");
        let mut story = String::new();
        for name in ["folder", "file", "endless", "pipe", "long"] {
            let read = home.read(name).map(|bytes| bytes.map(|bytes| bytes.len())).map_err(said);
            let written = home.write(name, "theirs").map_err(said);
            let entered = home.made(name).map(|_| ()).map_err(said);
            story += &format!("{name}\n  {read:?}\n  {written:?}\n  {entered:?}\n");
        }
        expect![[r#"
            folder
              Err("…/home/folder is a link, and none is followed in a home of guests: remove it")
              Err("…/home/folder is a link, and none is followed in a home of guests: remove it")
              Err("…/home/folder is a link, and none is followed in a home of guests: remove it")
            file
              Err("…/home/file is a link, and none is followed in a home of guests: remove it")
              Err("…/home/file is a link, and none is followed in a home of guests: remove it")
              Err("…/home/file is a link, and none is followed in a home of guests: remove it")
            endless
              Err("…/home/endless is a link, and none is followed in a home of guests: remove it")
              Err("…/home/endless is a link, and none is followed in a home of guests: remove it")
              Err("…/home/endless is a link, and none is followed in a home of guests: remove it")
            pipe
              Err("…/home/pipe is no plain file: remove it")
              Err("cannot write …/home/pipe: No such device or address (os error 6)")
              Err("cannot open …/home/pipe: Not a directory (os error 20)")
            long
              Err("…/home/long is longer than 64 KiB, as nothing is that guests leave: remove it")
              Ok(())
              Err("cannot open …/home/long: Not a directory (os error 20)")
        "#]]
        .assert_eq(&story);
        assert_eq!(fs::read_to_string(root.path().join("behind/precious")).unwrap(), "mine");
        assert_eq!(home.tail("endless"), b"");
    }

    #[test]
    fn files_are_written_read_and_removed_and_directories_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        assert!(Folder::home(&root.path().join("none")).unwrap().is_none());
        let home = Folder::made_home(&root.path().join("a/b")).unwrap();
        let one = home.made("machines").unwrap().made("one").unwrap();
        let mode = fs::metadata(one.place()).unwrap().permissions().mode();
        assert_eq!((mode & 0o777, one.read("settings").unwrap()), (0o700, None));
        one.write("settings", "longer").unwrap();
        one.write("settings", "text").unwrap();
        assert_eq!(
            (one.read("settings").unwrap().unwrap(), one.tail("settings")),
            (b"text".to_vec(), b"text".to_vec())
        );
        one.remove("settings").unwrap();
        one.remove("settings").unwrap();
        assert!(home.folder("nothing").unwrap().is_none());
    }

    #[test]
    fn a_directory_goes_with_all_that_is_in_it_and_nothing_behind_its_links() {
        let (root, home) = hostile();
        let inner = home.made("gone").unwrap().made("inner").unwrap();
        inner.write("file", "x").unwrap();
        symlink(root.path().join("behind"), inner.place().join("link")).unwrap();
        home.remove_folder("gone").unwrap();
        home.remove_folder("gone").unwrap();
        assert!(!root.path().join("home/gone").exists());
        assert!(home.remove_folder("folder").is_err());
        assert!(root.path().join("behind/precious").exists() && root.path().join("behind/one").exists());
    }

    #[test]
    fn a_directory_is_handed_over_once() {
        let root = tempfile::tempdir().unwrap();
        let home = Folder::home(root.path()).unwrap().unwrap();
        let (outbox, snapshots) = (home.made("outbox").unwrap(), home.made("snapshots").unwrap());
        for text in ["first", "second"] {
            outbox.made("gold").unwrap().write("state", text).unwrap();
            let done = outbox.hand_over("gold", &snapshots);
            assert_eq!(done.is_ok(), text == "first");
        }
        assert_eq!(fs::read_to_string(root.path().join("snapshots/gold/state")).unwrap(), "first");
    }

    #[test]
    fn a_socket_is_found_and_what_is_none_is_not() {
        let (root, home) = hostile();
        let behind = UnixListener::bind(root.path().join("behind/control")).unwrap();
        symlink("../behind/control", root.path().join("home/linked")).unwrap();
        assert!(home.socket("linked").is_err() && home.socket("none").unwrap().is_none());
        assert!(home.socket("long").unwrap().is_none());
        let listener = UnixListener::bind(root.path().join("home/control")).unwrap();
        let socket = home.socket("control").unwrap().unwrap();
        std::os::unix::net::UnixStream::connect(socket.path()).unwrap();
        listener.accept().unwrap();
        behind.set_nonblocking(true).unwrap();
        assert!(behind.accept().is_err());
    }

    #[test]
    fn one_alone_holds_a_lock() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::home(root.path()).unwrap().unwrap();
        let first = Lock::taken(&folder).unwrap().unwrap();
        assert!(Lock::taken(&folder).unwrap().is_none());
        // As a program has it that is just being started.
        let _inherited = first.0.try_clone().unwrap();
        drop(first);
        assert!(Lock::taken(&folder).unwrap().is_some());
    }
}
