//! What an apply does, step by step, decided before anything is touched. It looks at the host, and changes nothing.
use super::{
    ApplyError, Cause,
    place::{Place, Shared},
    unchanged::{self, Refusal, conflict},
};
use crate::{
    changes::{Change, path_of},
    root::{Found, Root},
    tree::{Mark, Tree},
};
use rustix::fs::Mode;
use wire::{Directory, Entry, TreePath};

/// One thing to do. Each can be taken back.
#[derive(Debug)]
pub(super) enum Step<'a> {
    /// What is in a place is moved away.
    Out(Place, Mark),
    /// What a guest made is put where nothing is.
    In(Place, &'a Change),
    /// A directory gets permissions.
    Mode(Place, Mode),
}

/// What both sides have afterwards.
#[derive(Debug)]
pub(super) struct Noted<'a> {
    /// Where.
    pub(super) path: &'a TreePath,
    /// Whether nothing that was beneath it before is still there.
    pub(super) replaces: bool,
}

/// Everything to do, in order.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    steps: Vec<Step<'a>>,
    noted: Vec<Noted<'a>>,
}

impl<'a> Plan<'a> {
    /// Decides what to do about a list of changes, whose order was looked at when it came. All conflicts are found.
    pub(super) fn make(root: &Root, sent: &Tree, changes: &'a [Change]) -> Result<Plan<'a>, ApplyError> {
        let mut planner =
            Planner { root, sent, open: Vec::new(), closing: Vec::new(), plan: Plan::default() };
        let mut conflicts = Vec::new();
        for change in changes {
            let Some(path) = path_of(&change.entry) else { continue };
            match planner.change(path, change) {
                Ok(()) => {}
                Err(Refusal::Conflict(conflict)) => conflicts.push(conflict),
                Err(Refusal::Failed(source)) => {
                    return Err(ApplyError::Failed { path: path.clone(), source });
                }
            }
        }
        planner.close();
        if conflicts.is_empty() { Ok(planner.plan) } else { Err(ApplyError::Conflicts(conflicts)) }
    }

    /// Returns what is done.
    pub(super) fn steps(&self) -> &[Step<'a>] {
        &self.steps
    }

    /// Returns the places that are afterwards as the guest has them.
    pub(super) fn noted(&self) -> &[Noted<'a>] {
        &self.noted
    }
}

struct Planner<'a, 'host> {
    root: &'host Root,
    sent: &'host Tree,
    /// The directories that the last change is in. One that is in conflict is not among them, and nothing is planned in it.
    open: Vec<Open<'a>>,
    /// Directories whose permissions are set when everything in them is done.
    closing: Vec<Closing>,
    plan: Plan<'a>,
}

/// A directory whose entries follow.
struct Open<'a> {
    path: &'a TreePath,
    shared: Shared,
    is_new: bool,
    /// Which of those that are closed it is.
    closing: usize,
}

/// The permissions of a directory.
struct Closing {
    place: Place,
    /// As the steps so far leave them.
    now: u16,
    /// As they are at the end.
    last: u16,
}

impl<'a> Planner<'a, '_> {
    fn change(&mut self, path: &'a TreePath, change: &'a Change) -> Result<(), Refusal> {
        while self.open.last().is_some_and(|open| !path.as_path().starts_with(open.path.as_path())) {
            self.open.pop();
        }
        let is_new = self.open.last().is_some_and(|open| open.is_new);
        let shared = self.open.last().map_or_else(Shared::root, |open| open.shared.clone());
        // Its directory is in conflict already, if it has no place.
        let Some(place) = shared.place(path) else { return Ok(()) };
        if self.sent.stays(path) {
            return Err(conflict(path, Cause::Unsent));
        }
        let found = if is_new { Found::Nothing } else { self.root.look(path)? };
        match &change.entry {
            Entry::Directory(wanted) => {
                let stays = !is_new && !wanted.replaces;
                match self.sent.sent(path).filter(|sent| stays && sent.is_directory()) {
                    Some(sent) => self.enter(path, place, wanted, sent, found),
                    None => self.make_directory(path, place, change, wanted, found),
                }
            }
            Entry::File(_) | Entry::Symlink(_) => self.put(path, place, change, found),
            Entry::Removed(_) => {
                // Whoever removed it first, it is gone.
                if found != Found::Nothing {
                    self.clear(&place, found)?;
                }
                self.note(path, true);
                Ok(())
            }
            Entry::Skipped(_) => Ok(()),
        }
    }

    /// A directory that was sent and stays: it may get permissions, and what is in it is listed by itself.
    fn enter(
        &mut self,
        path: &'a TreePath,
        place: Place,
        wanted: &Directory,
        sent: &Mark,
        found: Found,
    ) -> Result<(), Refusal> {
        let now = match found {
            Found::Sendable(now) => now,
            Found::Mounted => return Err(conflict(path, Cause::Mounted)),
            Found::Nothing | Found::Unsendable => return Err(conflict(path, Cause::Changed)),
        };
        let changed = || conflict(path, Cause::Changed);
        let shared = Shared::sent(&place, sent, &now).ok_or_else(changed)?;
        let mode = now.directory_mode().ok_or_else(changed)?;
        // What the guest left alone is as the host wants it.
        let last = if sent.directory_mode() == Some(wanted.mode & PERMISSIONS) {
            mode
        } else if sent.directory_mode() == Some(mode) {
            self.note(path, false);
            permissions(wanted)
        } else {
            return Err(changed());
        };
        self.open.push(Open { path, shared, is_new: false, closing: self.closing.len() });
        self.closing.push(Closing { place, now: mode, last });
        Ok(())
    }

    fn make_directory(
        &mut self,
        path: &'a TreePath,
        place: Place,
        change: &'a Change,
        wanted: &Directory,
        found: Found,
    ) -> Result<(), Refusal> {
        let shared = Shared::made(&place);
        self.put(path, place.clone(), change, found)?;
        self.open.push(Open { path, shared, is_new: true, closing: self.closing.len() });
        self.closing.push(Closing { place, now: OWNERS, last: permissions(wanted) });
        Ok(())
    }

    fn put(
        &mut self,
        path: &'a TreePath,
        place: Place,
        change: &'a Change,
        found: Found,
    ) -> Result<(), Refusal> {
        // What was sent from a directory that is made anew goes with the one that was there before.
        if !self.open.last().is_some_and(|open| open.is_new) {
            self.clear(&place, found)?;
        }
        self.unlock();
        self.plan.steps.push(Step::In(place, change));
        self.note(path, true);
        Ok(())
    }

    /// Lets the owner change the names in the innermost directory, where its permissions do not.
    fn unlock(&mut self) {
        let Some(directory) = self.open.last() else { return };
        let closing = &mut self.closing[directory.closing];
        if closing.now & OWNERS != OWNERS {
            closing.now |= OWNERS;
            self.plan.steps.push(mode_step(closing.place.clone(), closing.now));
        }
    }

    /// Gives directories the permissions that they have at the end, inner ones first: an outer one may shut them.
    fn close(&mut self) {
        let closed = self.closing.drain(..).rev().filter(|closing| closing.now != closing.last);
        self.plan.steps.extend(closed.map(|closing| mode_step(closing.place, closing.last)));
    }

    fn note(&mut self, path: &'a TreePath, replaces: bool) {
        self.plan.noted.push(Noted { path, replaces });
    }

    /// Moves away what is in a place, if all of it was sent and is still the same.
    fn clear(&mut self, place: &Place, found: Found) -> Result<(), Refusal> {
        let path = place.path();
        match (found, self.sent.sent(path)) {
            (Found::Nothing, None) => Ok(()),
            (Found::Nothing, Some(_)) => Err(conflict(path, Cause::Changed)),
            (found, _) => {
                let mark = unchanged::top(self.sent, path, found)?;
                if mark.is_directory() {
                    unchanged::beneath(self.sent, path, self.root, path)?;
                }
                self.unlock();
                // What a directory is in is written into it, too.
                if let Some(mode) = mark.directory_mode().filter(|mode| mode & OWNERS != OWNERS) {
                    self.plan.steps.push(mode_step(place.clone(), mode | OWNERS));
                }
                self.plan.steps.push(Step::Out(place.clone(), mark));
                Ok(())
            }
        }
    }
}

/// What a guest may say about permissions: nothing about who becomes another user by a file.
const PERMISSIONS: u16 = 0o777;

/// What the owner of a directory needs to change the names in it.
const OWNERS: u16 = 0o700;
/// What the owner of a directory keeps, whatever a guest says: one that cannot be read could not be sent any more.
const KEPT: u16 = 0o500;

fn permissions(wanted: &Directory) -> u16 {
    wanted.mode & PERMISSIONS | KEPT
}

fn mode_step<'a>(place: Place, mode: u16) -> Step<'a> {
    Step::Mode(place, Mode::from_raw_mode(u32::from(mode)))
}
