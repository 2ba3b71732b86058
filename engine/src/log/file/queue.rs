//! What was ordered and is not on its way to the disk yet. Appenders put whole frames in, the writer takes all at once;
//! neither waits for the other's disk or encoding while it holds the queue.
use super::{
    super::{LogFault, Lsn},
    frame::GROUP_BYTES_MAX,
};
use std::sync::{Condvar, Mutex, MutexGuard};

/// What may wait for the writer: one group of the largest size. Runs wait at their barriers long before; an appender
/// that comes here blocks its thread, for as long as one write and one sync take. That cannot be a deadlock: the writer
/// is a thread that waits for the disk and for nothing else, and a failed write lets everybody go.
const PENDING_BYTES_MAX: usize = GROUP_BYTES_MAX;

/// A buffer that grew beyond this for one large group is given back.
const SPARE_BYTES_MAX: usize = 1 << 20;

pub(super) struct Queue {
    pending: Mutex<Pending>,
    /// There is something to write, or it is over.
    work: Condvar,
    /// There is room again, or it is over.
    room: Condvar,
}

struct Pending {
    /// Drafted frames, one behind the other.
    frames: Vec<u8>,
    /// The last record that was ordered.
    last: Lsn,
    ended: Option<LogFault>,
    closing: bool,
}

impl Queue {
    pub(super) fn new(last: Lsn) -> Queue {
        let pending = Pending { frames: Vec::new(), last, ended: None, closing: false };
        Queue { pending: Mutex::new(pending), work: Condvar::new(), room: Condvar::new() }
    }

    /// Orders a drafted frame of `records` records and returns the address of its last one.
    pub(super) fn put(&self, frame: &[u8], records: usize) -> Result<Lsn, LogFault> {
        let full = |pending: &mut Pending| {
            let fits = pending.frames.is_empty() || pending.frames.len() + frame.len() <= PENDING_BYTES_MAX;
            pending.ended.is_none() && !fits
        };
        let mut pending = self.room.wait_while(self.pending(), full).expect(UNHARMED);
        if let Some(why) = &pending.ended {
            return Err(why.clone());
        }
        let idle = pending.frames.is_empty();
        pending.frames.extend_from_slice(frame);
        pending.last.0 += records as u64;
        let last = pending.last;
        drop(pending);
        if idle {
            self.work.notify_one();
        }
        Ok(last)
    }

    /// Returns the last record that was ordered.
    pub(super) fn last(&self) -> Result<Lsn, LogFault> {
        let pending = self.pending();
        pending.ended.clone().map_or(Ok(pending.last), Err)
    }

    /// Waits for frames and swaps them with an empty buffer; false when it was closed and all was taken.
    pub(super) fn take(&self, spare: &mut Vec<u8>) -> bool {
        spare.clear();
        spare.shrink_to(SPARE_BYTES_MAX);
        let nothing = |pending: &mut Pending| pending.frames.is_empty() && !pending.closing;
        let mut pending = self.work.wait_while(self.pending(), nothing).expect(UNHARMED);
        std::mem::swap(&mut pending.frames, spare);
        drop(pending);
        self.room.notify_all();
        !spare.is_empty()
    }

    /// Refuses all that comes and drops what waits. The first reason stays.
    pub(super) fn fail(&self, why: LogFault) {
        let mut pending = self.pending();
        pending.ended.get_or_insert(why);
        pending.frames = Vec::new();
        drop(pending);
        self.room.notify_all();
    }

    /// Refuses all that comes; what waits is still taken.
    pub(super) fn close(&self) {
        let mut pending = self.pending();
        pending.ended.get_or_insert(LogFault::Closed);
        pending.closing = true;
        drop(pending);
        self.work.notify_one();
        self.room.notify_all();
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().expect(UNHARMED)
    }
}

const UNHARMED: &str = "nothing panics while it holds the queue";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_taken_together_and_in_order() {
        let queue = Queue::new(Lsn(4));
        assert_eq!(queue.put(b"ab", 2).unwrap(), Lsn(6));
        assert_eq!(queue.put(b"c", 1).unwrap(), Lsn(7));
        let mut taken = b"left over".to_vec();
        assert!(queue.take(&mut taken));
        assert_eq!(taken, b"abc");
    }

    #[test]
    fn closing_lets_what_waits_through_and_failing_does_not() {
        let (closed, failed) = (Queue::new(Lsn(0)), Queue::new(Lsn(0)));
        let mut taken = Vec::new();
        for queue in [&closed, &failed] {
            queue.put(b"a", 1).unwrap();
        }
        failed.fail(LogFault::ReadOnly);
        for queue in [&closed, &failed] {
            queue.close();
        }
        assert!(closed.take(&mut taken) && !closed.take(&mut taken));
        assert!(!failed.take(&mut taken));
        assert!(matches!(closed.put(b"a", 1), Err(LogFault::Closed)));
        assert!(matches!(failed.put(b"a", 1), Err(LogFault::ReadOnly)));
    }

    #[test]
    fn a_full_queue_waits_for_the_writer() {
        let queue = Queue::new(Lsn(0));
        queue.put(&vec![0; PENDING_BYTES_MAX], 1).unwrap();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| queue.put(b"a", 1));
            let mut taken = Vec::new();
            assert!(queue.take(&mut taken) && taken.len() == PENDING_BYTES_MAX);
            assert_eq!(second.join().unwrap().unwrap(), Lsn(2));
        });
    }
}
