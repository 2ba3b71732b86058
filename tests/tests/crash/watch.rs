//! Tells the trigger when the journal is written and when names in the workspace change, as the kernel says it. It reads
//! neither.
use crate::aim::{Trigger, What};
use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
use std::{mem::MaybeUninit, path::Path, sync::Arc, thread};

/// Room for many events at once: none may be lost.
const EVENTS_BYTES: usize = 16 << 10;

/// Watches until the journal's directory is gone.
pub(crate) fn watch(journal: &Path, files: &Path, drafts: &Path, trigger: Arc<Trigger>) {
    let inotify = init(CreateFlags::CLOEXEC).expect("the kernel watches files");
    let changes = WatchFlags::MODIFY | WatchFlags::DELETE_SELF;
    let journal = add_watch(&inotify, journal, changes).expect("there is a journal");
    let names = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::DELETE;
    add_watch(&inotify, files, names).expect("there is a workspace");
    let drafts = add_watch(&inotify, drafts, WatchFlags::CREATE).expect("there is a place for drafts");
    thread::spawn(move || {
        let mut room = vec![MaybeUninit::uninit(); EVENTS_BYTES];
        let mut events = Reader::new(inotify, &mut room);
        while let Ok(event) = events.next() {
            let is_segment = || event.file_name().is_some_and(|name| name.to_bytes().ends_with(b".seg"));
            if event.events().contains(ReadFlags::DELETE_SELF) {
                return;
            }
            let what = match event.wd() {
                wd if wd == journal => is_segment().then_some(What::Journal),
                wd if wd == drafts => Some(What::Draft),
                _ => Some(What::Files),
            };
            what.into_iter().for_each(|what| _ = trigger.saw(what));
        }
    });
}
