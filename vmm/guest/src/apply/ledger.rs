//! Carries out a plan, and remembers what it did, so that it can be taken back. Decides nothing.
use super::{
    place::{Place, replaced},
    plan::{Plan, Step},
    unchanged::{self, Refusal},
};
use crate::{
    changes::{Change, LIST, MOVED},
    root::{Found, Root},
    tree::{Mark, Tree},
};
use rustix::fs::{
    AtFlags, Mode, OFlags, RenameFlags, fchmod, fstat, mkdirat, openat, renameat, renameat_with, symlinkat,
    unlinkat,
};
use std::{
    ffi::OsStr,
    fs,
    io::{self, Write},
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt, fs::PermissionsExt},
    },
    path::Path,
    time::{Duration, UNIX_EPOCH},
};
use wire::{Entry, TreePath};

/// The permissions of a directory; which bits beside them it has is the host's.
const PERMISSIONS: u32 = 0o777;

/// What the owner of a file keeps, whatever a guest says: one that cannot be read could not be sent any more.
const KEPT: u32 = 0o400;

/// What was done.
enum Done<'a> {
    /// What was in this place is in the staging directory under this name.
    Out(&'a Place, TreePath),
    /// What was staged is in this place, a file or a link, and looks like this.
    In(&'a Place, &'a Change, Mark),
    /// A directory was made.
    Directory(&'a Place),
    /// The directory of this number had these permissions.
    Mode(&'a Place, u64, Mode),
}

/// An apply under way.
pub(super) struct Ledger<'a> {
    root: &'a Root,
    sent: &'a Tree,
    staging: Root,
    staging_path: &'a Path,
    /// For a person, should this process not live to take anything back.
    list: fs::File,
    done: Vec<Done<'a>>,
}

impl<'a> Ledger<'a> {
    /// Opens the staging directory. Nothing is moved yet.
    pub(super) fn begin(root: &'a Root, sent: &'a Tree, staging: &'a Path) -> io::Result<Ledger<'a>> {
        let list = fs::File::create_new(staging.join(LIST))?;
        Ok(Ledger {
            root,
            sent,
            staging: Root::open(staging)?,
            staging_path: staging,
            list,
            done: Vec::new(),
        })
    }

    /// Does everything, or says at which place it stopped.
    pub(super) fn carry_out(&mut self, plan: &'a Plan<'a>) -> Result<(), (TreePath, io::Error)> {
        // Whatever may find no room comes before the workspace is touched.
        for step in plan.steps() {
            if let Step::In(place, change) = step {
                self.prepare(change).map_err(|error| (place.path().clone(), error))?;
            }
        }
        for step in plan.steps() {
            let (Step::Out(place, _) | Step::In(place, _) | Step::Mode(place, _)) = step;
            self.step(step).map_err(|error| (place.path().clone(), error))?;
        }
        Ok(())
    }

    /// Makes a staged file or link what it will be.
    fn prepare(&self, change: &Change) -> io::Result<()> {
        let file = match &change.entry {
            Entry::File(file) => file,
            Entry::Symlink(link) => {
                let target = OsStr::from_bytes(link.target.as_bytes());
                return Ok(symlinkat(target, self.staging.directory(None)?, change.staged())?);
            }
            Entry::Directory(_) | Entry::Removed(_) | Entry::Skipped(_) => return Ok(()),
        };
        let staged = fs::File::options().write(true).open(self.staging_path.join(change.staged()))?;
        staged.set_permissions(fs::Permissions::from_mode(u32::from(file.mode) & PERMISSIONS | KEPT))?;
        let modified = Duration::from_nanos(file.modified);
        staged.set_modified(UNIX_EPOCH.checked_add(modified).unwrap_or(UNIX_EPOCH))?;
        staged.sync_all()
    }

    fn step(&mut self, step: &'a Step<'a>) -> io::Result<()> {
        match step {
            Step::Out(place, mark) => self.move_out(place, mark),
            Step::In(place, change) => self.move_in(place, change),
            Step::Mode(place, mode) => {
                let (number, old) = self.set_mode(place, None, *mode)?;
                self.done.push(Done::Mode(place, number, old));
                Ok(())
            }
        }
    }

    fn move_out(&mut self, place: &'a Place, mark: &Mark) -> io::Result<()> {
        let kept = TreePath::new(format!("{MOVED}{}", self.done.len())).expect("a plain name");
        writeln!(self.list, "{kept} was {}", place.path())?;
        renameat(
            place.directory(self.root)?,
            place.path().name(),
            self.staging.directory(None)?,
            kept.name(),
        )?;
        let found = self.staging.look_as(&kept, place.path());
        self.done.push(Done::Out(place, kept.clone()));
        // Now nobody reaches it by its name any more: what it is, it stays.
        match found? {
            Found::Sendable(now) if now.is_still(mark) && now.is_directory() => self.is_as_sent(place, &kept),
            Found::Sendable(now) if now.is_still(mark) => Ok(()),
            Found::Sendable(_) | Found::Nothing | Found::Unsendable | Found::Mounted => Err(replaced()),
        }
    }

    /// Makes sure that a directory that was moved away holds nothing that came into it since the plan was made.
    fn is_as_sent(&self, place: &Place, kept: &TreePath) -> io::Result<()> {
        unchanged::beneath(self.sent, place.path(), &self.staging, kept).map_err(|refusal| match refusal {
            Refusal::Conflict(conflict) => io::Error::other(conflict),
            Refusal::Failed(error) => error,
        })
    }

    fn move_in(&mut self, place: &'a Place, change: &'a Change) -> io::Result<()> {
        let (directory, name) = (place.directory(self.root)?, place.path().name());
        self.done.push(match &change.entry {
            Entry::File(_) | Entry::Symlink(_) => {
                let staged = TreePath::new(change.staged()).expect("a number is a plain name");
                let Found::Sendable(mark) = self.staging.look_as(&staged, place.path())? else {
                    return Err(replaced());
                };
                // Moved, not linked: a second name that goes later would change the file's time once more.
                let staging = self.staging.directory(None)?;
                renameat_with(staging, staged.name(), directory, name, RenameFlags::NOREPLACE)?;
                Done::In(place, change, mark)
            }
            Entry::Directory(_) => {
                mkdirat(directory, name, Mode::RWXU)?;
                Done::Directory(place)
            }
            // Neither is put anywhere.
            Entry::Removed(_) | Entry::Skipped(_) => return Ok(()),
        });
        Ok(())
    }

    /// Gives a directory permissions, if it is still that one, and returns its number with those that it had.
    fn set_mode(&self, place: &Place, which: Option<u64>, mode: Mode) -> io::Result<(u64, Mode)> {
        let directory = open_directory(&place.directory(self.root)?, place.path().name())?;
        let about = fstat(&directory)?;
        if which.is_some_and(|number| number != about.st_ino) {
            return Err(replaced());
        }
        let old = about.st_mode;
        // By its handle: what a process may not give by default is taken from what it asks for at its making.
        fchmod(&directory, Mode::from_raw_mode(old & !PERMISSIONS | mode.as_raw_mode() & PERMISSIONS))?;
        Ok((about.st_ino, Mode::from_raw_mode(old)))
    }

    /// Takes back whatever was done, last things first, and returns what is in its place again. What cannot be taken back
    /// keeps nothing else from it; the first reason is told.
    pub(super) fn take_back(&mut self) -> io::Result<Vec<TreePath>> {
        let (mut restored, mut outcome) = (Vec::new(), Ok(()));
        while let Some(done) = self.done.pop() {
            let undone = self.undo(&done);
            if let (Done::Out(place, _), Ok(())) = (&done, &undone) {
                restored.push(place.path().clone());
            }
            outcome = outcome.and(undone);
        }
        outcome.map(|()| restored)
    }

    fn undo(&self, done: &Done<'_>) -> io::Result<()> {
        let staging = self.staging.directory(None)?;
        match done {
            Done::Out(place, kept) => {
                let (directory, name) = (place.directory(self.root)?, place.path().name());
                Ok(renameat_with(staging, kept.name(), directory, name, RenameFlags::NOREPLACE)?)
            }
            Done::In(place, change, mark) => match self.root.look(place.path())? {
                Found::Sendable(now) if now.is_still(mark) => {
                    let (directory, name) = (place.directory(self.root)?, place.path().name());
                    Ok(renameat_with(directory, name, staging, change.staged(), RenameFlags::NOREPLACE)?)
                }
                // Its owner was rid of it first.
                Found::Nothing => Ok(()),
                // What its owner saved there stays.
                Found::Sendable(_) | Found::Unsendable | Found::Mounted => Err(replaced()),
            },
            // One in which somebody put something meanwhile does not go.
            Done::Directory(place) => {
                Ok(unlinkat(place.directory(self.root)?, place.path().name(), AtFlags::REMOVEDIR)?)
            }
            Done::Mode(place, number, old) => self.set_mode(place, Some(*number), *old).map(|_| ()),
        }
    }
}

fn open_directory(parent: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(parent, name, flags, Mode::empty())?)
}
