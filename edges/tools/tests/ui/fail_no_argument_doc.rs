//! no argument doc.
use tools::{Context, Failure, tool};

/// Reads.
#[tool(tier = read_only, recovery = pure, timeout = 1s)]
async fn read(_context: &Context, path: String) -> Result<String, Failure> {
    Ok(path)
}

fn main() {}
