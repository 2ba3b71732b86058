//! How much the journal has grown since the last snapshot, and who is called when that is much. It writes none.
use std::sync::{
    OnceLock,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

pub(super) struct Growth {
    bytes: AtomicU64,
    /// At how much somebody is called.
    due: AtomicU64,
    least: u64,
    /// Somebody was called and has not begun.
    called: AtomicBool,
    call: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Growth {
    /// A journal that has grown by `bytes` already.
    pub(super) fn new(least: u64, bytes: u64) -> Growth {
        Growth {
            bytes: AtomicU64::new(bytes),
            due: AtomicU64::new(least),
            least,
            called: AtomicBool::new(false),
            call: OnceLock::new(),
        }
    }

    /// Says who is called. The first stays.
    pub(super) fn on(&self, call: Box<dyn Fn() + Send + Sync>) {
        // A second engine over one log is nothing that anybody builds; it would have no snapshots of its own.
        let _ = self.call.set(call);
        self.by(0);
    }

    /// Takes note of more.
    pub(super) fn by(&self, more: u64) {
        let bytes = self.bytes.fetch_add(more, Ordering::Relaxed) + more;
        let is_due = bytes > 0 && bytes >= self.due.load(Ordering::Relaxed);
        if let Some(call) = self.call.get().filter(|_| is_due)
            && !self.called.swap(true, Ordering::Relaxed)
        {
            call();
        }
    }

    /// A snapshot begins: what comes now is behind it.
    pub(super) fn begin(&self) {
        self.bytes.store(0, Ordering::Relaxed);
        self.called.store(false, Ordering::Relaxed);
    }

    /// It was kept, and is so large.
    pub(super) fn kept(&self, bytes: u64) {
        self.due.store(bytes.max(self.least), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn one_call_each_time_that_it_has_grown_by_enough() {
        let calls = Arc::new(AtomicU64::new(0));
        let counted = calls.clone();
        let growth = Growth::new(100, 60);
        growth.by(10);
        growth.on(Box::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        }));
        let mut seen = Vec::new();
        let mut by = |bytes| {
            growth.by(bytes);
            seen.push(calls.load(Ordering::Relaxed));
        };
        by(29);
        by(1);
        by(500);
        growth.begin();
        by(99);
        by(1);
        growth.begin();
        growth.kept(300);
        by(299);
        by(1);
        assert_eq!(seen, [0, 1, 1, 1, 2, 2, 3]);
    }
}
