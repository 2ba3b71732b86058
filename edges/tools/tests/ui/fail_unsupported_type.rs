//! unsupported type.
use tools::{Context, Failure, tool};

/// Reads.
#[tool(tier = read_only, recovery = pure, timeout = 1s)]
async fn read(
    _context: &Context,
    /// Where.
    path: std::path::PathBuf,
) -> Result<String, Failure> {
    Ok(format!("{path:?}"))
}

fn main() {}
