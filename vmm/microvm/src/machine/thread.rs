//! The threads of a machine. None of them ends in silence: one that cannot be filtered, or that panics, ends the guest and
//! says which it was. A guest that hangs because half of its monitor is gone is worse than none.
use crate::{bell::Bell, bus::End, jail::filters, lock::lock};
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    thread::{Builder, JoinHandle},
};

/// How the guest ended, and the bell that says so.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    pub(crate) how: Arc<Mutex<Option<End>>>,
    pub(crate) bell: Arc<Bell>,
}

/// Nothing that these threads do is deep: packets go straight between sockets and guest memory, and a processor takes orders.
const STACK: usize = 256 * 1024;

impl Ending {
    pub(super) fn new(bell: Arc<Bell>) -> Ending {
        Ending { how: Arc::default(), bell }
    }

    /// The first end counts.
    pub(super) fn set(&self, end: End) {
        lock(&self.how).get_or_insert(end);
        self.bell.ring();
    }
}

/// Starts a thread that works behind its filter.
pub(super) fn start(
    name: String,
    filter: filters::Program,
    ending: Ending,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let thread = Builder::new().name(name.clone()).stack_size(STACK);
    thread.spawn(move || {
        if let Err(error) = filter.apply() {
            return ending.set(End::Broken(format!("its thread {name} has no filter: {error}")));
        }
        // Whoever else holds what it worked on does not look at it any more: the guest has ended.
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            ending.set(End::Broken(format!("its thread {name} panicked")));
        }
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        config::Seccomp,
        jail::filters::{Class, Program},
    };

    pub(in crate::machine) fn ending() -> Ending {
        Ending::new(Arc::new(Bell::new().unwrap()))
    }

    fn end_of(filter: Program, work: impl FnOnce() + Send + 'static) -> Option<End> {
        let ending = ending();
        start("vcpu7".to_owned(), filter, ending.clone(), work).unwrap().join().unwrap();
        lock(&ending.how).clone()
    }

    #[test]
    fn a_thread_that_cannot_work_ends_the_guest() {
        let off = || Program::of(Class::Vcpu, Seccomp::Off).unwrap();
        let broken = |why: &str| Some(End::Broken(why.to_owned()));
        assert_eq!(end_of(off(), || {}), None);
        assert_eq!(end_of(off(), || panic!("in the middle")), broken("its thread vcpu7 panicked"));
        let unfiltered = end_of(Program::unusable(), || panic!("it does not come to this"));
        assert!(
            matches!(&unfiltered, Some(End::Broken(why)) if why.starts_with("its thread vcpu7 has no filter")),
            "{unfiltered:?}"
        );
    }

    /// Not a test by itself: another one runs it as a program.
    #[test]
    #[ignore = "the process of the test below"]
    fn panics() {
        for class in [Class::Vcpu, Class::Devices] {
            let filter = Program::of(class, Seccomp::Kill).unwrap();
            assert!(end_of(filter, || panic!("in the middle")).is_some());
        }
    }

    #[test]
    fn a_panic_takes_no_call_that_is_on_no_list() {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "machine::thread::tests::panics", "--nocapture"]);
        // A backtrace reads files.
        let output = command.env("RUST_BACKTRACE", "0").output().unwrap();
        assert!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
}
