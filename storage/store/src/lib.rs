//! Typed tables over the journal: a view, disposable and rebuilt.
