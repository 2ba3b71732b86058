//! no context.
use tools::{Failure, tool};

/// Reads.
#[tool(tier = read_only, recovery = pure, timeout = 1s)]
async fn read(
    /// Where.
    path: String,
) -> Result<String, Failure> {
    Ok(path)
}

fn main() {}
