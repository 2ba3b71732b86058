//! Says what to do when a command needs the home to itself and somebody else runs in it.
use crate::exit::Failure;
use engine::log::LogFault;

/// Who owns the journal, if that is why it cannot be opened.
pub(crate) fn owner(failure: &Failure) -> Option<&str> {
    let Failure::Storage(cause) = failure else { return None };
    match cause.downcast_ref() {
        Some(LogFault::Owned { owner, .. }) => Some(owner),
        Some(
            LogFault::Damaged { .. }
            | LogFault::Io { .. }
            | LogFault::TooLarge { .. }
            | LogFault::ReadOnly
            | LogFault::Foreign { .. }
            | LogFault::Missing { .. }
            | LogFault::Closed,
        )
        | None => None,
    }
}

/// Why a command that changes the journal cannot: where somebody runs in the home, with what to do about it.
pub(crate) fn alone(failure: Failure, command: &str) -> Failure {
    match owner(&failure) {
        None => failure,
        Some(owner) => Failure::storage(format!(
            "`{command}` changes the journal, which {owner} is using: end that process (Ctrl-C twice; what it was doing \
             goes on when it is started again), then say this again"
        )),
    }
}
