//! The graphs of this build.
use branch::Branch;
use engine::{Graph, Meta};
use turn::Turn;

/// Every graph, in the order in which they are listed.
pub(crate) const GRAPHS: &[Meta] = &[Turn::META, Branch::META];
