//! probe missing.
use tools::{Context, Failure, tool};

/// Writes.
#[tool(tier = workspace, recovery = probeable, timeout = 1s)]
async fn write(_context: &Context) -> Result<String, Failure> {
    Ok(String::new())
}

fn main() {}
