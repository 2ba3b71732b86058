//! probe incomplete.
use tools::{Context, Failure, tool};

/// Writes.
#[tool(tier = workspace, recovery = probeable, probe = looks, timeout = 1s)]
async fn write(
    _context: &Context,
    /// Where.
    path: String,
) -> Result<String, Failure> {
    Ok(path)
}

mod looks {
    pub(super) async fn evidence(_look: &tools::Look, _path: String) -> Result<tools::Evidence, tools::Failure> {
        Ok(tools::Evidence::default())
    }
}

fn main() {}
