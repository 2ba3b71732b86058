//! generic.
use tools::{Context, Failure, tool};

/// Reads.
#[tool(tier = read_only, recovery = pure, timeout = 1s)]
async fn read<T>(_context: &Context) -> Result<String, Failure> {
    Ok(String::new())
}

fn main() {}
