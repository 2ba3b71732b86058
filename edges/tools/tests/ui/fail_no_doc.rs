//! no doc.
use tools::{Context, Failure, tool};

#[tool(tier = read_only, recovery = pure, timeout = 1s)]
async fn read(_context: &Context) -> Result<String, Failure> {
    Ok(String::new())
}

fn main() {}
