//! borrowed argument.
use tools::{Context, Failure, tool};

/// Reads.
#[tool(tier = read_only, recovery = pure, timeout = 1s)]
async fn read(
    _context: &Context,
    /// Where.
    path: &str,
) -> Result<String, Failure> {
    Ok(path.to_owned())
}

fn main() {}
