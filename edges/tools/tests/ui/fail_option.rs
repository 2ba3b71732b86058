//! an option that there is not.
use tools::{Context, Failure, tool};

/// Reads.
#[tool(tier = read_only, recovery = pure, retries = 3, timeout = 1s)]
async fn read(_context: &Context) -> Result<String, Failure> {
    Ok(String::new())
}

fn main() {}
