//! no return.
use tools::{Context, tool};

/// Reads.
#[tool(tier = read_only, recovery = pure, timeout = 1s)]
async fn read(_context: &Context) {}

fn main() {}
