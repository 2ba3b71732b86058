//! The tools an agent acts with.
