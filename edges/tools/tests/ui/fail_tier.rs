//! tier.
use tools::{Context, Failure, tool};

/// Reads.
#[tool(tier = harmless, recovery = pure, timeout = 1s)]
async fn read(_context: &Context) -> Result<String, Failure> {
    Ok(String::new())
}

fn main() {}
