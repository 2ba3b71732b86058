//! recovery missing.
use tools::{Context, Failure, tool};

/// Reads.
#[tool(tier = read_only, timeout = 1s)]
async fn read(_context: &Context) -> Result<String, Failure> {
    Ok(String::new())
}

fn main() {}
