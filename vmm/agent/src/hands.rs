//! Threads that stand ready: work is given to one that waits, and to a new one only where none does. What the first command
//! of a restored guest touches is then what was there when it was saved: a thread that begins costs some forty fresh pages.
//! It bounds nothing: conversations and calls do, each with its own number.
use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
};

/// As many as one conversation with one command keeps busy, and the next conversation. More than these go when they are done.
const READY: usize = 6;

type Work = Box<dyn FnOnce() + Send>;

/// The threads, and what they are to do.
#[derive(Default)]
pub struct Hands {
    table: Mutex<Table>,
    given: Condvar,
}

#[derive(Default)]
struct Table {
    waiting: VecDeque<Work>,
    /// Threads that wait for work, or are about to.
    idle: usize,
}

impl std::fmt::Debug for Hands {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Hands").field("idle", &self.table().idle).finish_non_exhaustive()
    }
}

impl Hands {
    /// Lets as many threads as a command needs stand ready.
    pub fn ready() -> io::Result<Arc<Hands>> {
        let hands = Arc::new(Hands::default());
        (0..READY).try_for_each(|_| hands.another(None))?;
        Ok(hands)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("work is done outside of the lock")
    }

    /// Has work done at once.
    pub fn give(self: &Arc<Self>, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut table = self.table();
        // Each that waits has one piece of work waiting at most, so that none waits for another to end.
        if table.idle > table.waiting.len() {
            table.waiting.push_back(Box::new(work));
            drop(table);
            self.given.notify_one();
            return Ok(());
        }
        drop(table);
        self.another(Some(Box::new(work)))
    }

    fn another(self: &Arc<Self>, first: Option<Work>) -> io::Result<()> {
        let hands = Arc::clone(self);
        if first.is_none() {
            self.table().idle += 1;
        }
        thread::Builder::new().spawn(move || hands.work(first)).map(drop)
    }

    fn work(&self, first: Option<Work>) {
        if let Some(first) = first {
            first();
            let mut table = self.table();
            if table.idle >= READY {
                return;
            }
            table.idle += 1;
        }
        loop {
            let table = self.given.wait_while(self.table(), |table| table.waiting.is_empty());
            let mut table = table.expect("work is done outside of the lock");
            let work = table.waiting.pop_front().expect("it was waited for");
            table.idle -= 1;
            drop(table);
            work();
            let mut table = self.table();
            if table.idle >= READY {
                return;
            }
            table.idle += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn work_waits_for_no_other_work() {
        let hands = Hands::ready().unwrap();
        let (tell, told) = channel();
        // Each waits for all: with one thread fewer than pieces of work nobody would ever be done.
        let all = Arc::new(std::sync::Barrier::new(READY * 3));
        for number in 0..READY * 3 {
            let (all, tell) = (Arc::clone(&all), tell.clone());
            hands
                .give(move || {
                    all.wait();
                    tell.send(number).unwrap();
                })
                .unwrap();
        }
        drop(tell);
        let mut done: Vec<usize> = told.iter().collect();
        done.sort_unstable();
        assert_eq!(done, Vec::from_iter(0..READY * 3));
    }

    #[test]
    fn whoever_is_done_takes_the_next() {
        let hands = Arc::new(Hands::default());
        let name = |hands: &Arc<Hands>| {
            let (tell, told) = channel();
            hands.give(move || tell.send(thread::current().id()).unwrap()).unwrap();
            told.recv().unwrap()
        };
        let first = name(&hands);
        // It stands ready once it is counted, which it does by itself.
        while hands.table().idle == 0 {
            thread::yield_now();
        }
        assert_eq!(name(&hands), first);
    }
}
