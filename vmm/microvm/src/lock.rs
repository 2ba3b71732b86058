//! The lock that everything here is behind, which ignores that somebody panicked while holding it: what it guards is valid
//! between any two statements, and a thread that panics ends the guest anyway.
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whatever happened to others who did.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
