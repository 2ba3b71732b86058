//! A store that is kept on disk, over a journal that is a list and the same at every run. Shared by the tests of what
//! happens to files.
use crate::{
    BootId, Kept, Keys, Row, Store, StoreFollower, Table,
    fixtures::{Journal, id, said, spent, touched},
    guarded::Guarded,
    shelf::SledShelf,
};
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

pub(super) const SESSIONS: u64 = 7;

/// A journal of so many turns, four facts each. `seed` makes it another one.
pub(super) fn journal(turns: u64, seed: u128) -> Arc<Journal> {
    let journal = Arc::new(Journal::default());
    for turn in 0..turns {
        let (session, instance) = (format!("s{}", turn % SESSIONS), u128::from(turn) | seed << 64);
        // Long enough that sled fills its buffers and writes while the process lives.
        let title = format!("{turn} {}", "a long title ".repeat(turn as usize * 13 % 300));
        journal.record(id(instance, 0, 0), &touched(&session, "ann", &title));
        journal.record(id(instance, 0, 1), &said(&session, &format!("{turn}?")));
        journal.record(id(instance, 1, 0), &said(&session, &format!("{turn}!")));
        journal.record(id(instance, 1, 1), &spent(&session, 1, turn));
    }
    journal
}

/// What a view of the journal holds, whatever it lies on.
pub(super) fn expected(journal: &Arc<Journal>) -> Vec<(Table, Row)> {
    let memory = Box::new(crate::MemoryView::new());
    let (store, mut follower) = Store::open(memory, journal.clone()).expect("an empty view");
    journal.feed(&mut follower);
    rows(&store.now())
}

pub(super) fn rows(view: &Guarded) -> Vec<(Table, Row)> {
    let everything = Keys::starting_with(&[]);
    let of = |table| view.range(table, &everything, usize::MAX).expect("readable");
    Table::ALL.into_iter().flat_map(|table| of(table).into_iter().map(move |row| (table, row))).collect()
}

/// A store and all its ends.
pub(super) struct House {
    pub(super) journal: Arc<Journal>,
    pub(super) store: Store,
    pub(super) follower: StoreFollower,
    told: Arc<Mutex<Vec<Kept>>>,
    /// The followers of views that replaced a broken one.
    _later: Arc<Mutex<Vec<StoreFollower>>>,
}

impl House {
    pub(super) fn open(dir: &Path, journal: &Arc<Journal>) -> House {
        House::open_in(BootId::current(), dir, journal)
    }

    pub(super) fn open_in(boot: Option<BootId>, dir: &Path, journal: &Arc<Journal>) -> House {
        House::open_on(Box::new(SledShelf::at(dir)), boot, journal)
    }

    pub(super) fn open_on(
        shelf: Box<dyn crate::shelf::Shelf>,
        boot: Option<BootId>,
        journal: &Arc<Journal>,
    ) -> House {
        let (told, later) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let (to, followers, source) = (told.clone(), later.clone(), journal.clone());
        let feed = move |mut follower: StoreFollower| {
            source.feed(&mut follower);
            followers.lock().expect("no test panics here").push(follower);
        };
        let told_to = move |kept: &Kept| to.lock().expect("no test panics here").push(kept.clone());
        let (store, follower) =
            Store::kept_on(shelf, boot, journal.clone(), Box::new(feed), Box::new(told_to));
        House { journal: journal.clone(), store, follower, told, _later: later }
    }

    /// Feeds the view with what it does not hold yet.
    pub(super) fn catch_up(&mut self) {
        self.journal.feed(&mut self.follower);
    }

    pub(super) fn rows(&self) -> Vec<(Table, Row)> {
        rows(&self.store.now())
    }

    pub(super) fn told(&self) -> Vec<Kept> {
        self.told.lock().expect("no test panics here").clone()
    }

    /// What was told, without paths.
    pub(super) fn said(&self) -> String {
        let line = |kept: &Kept| match kept {
            Kept::Quarantined { fault, at } => format!("{} (kept: {})", fault.with_causes(), at.is_some()),
            Kept::Removed(_) | Kept::InMemory => kept.to_string(),
        };
        self.told().iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
