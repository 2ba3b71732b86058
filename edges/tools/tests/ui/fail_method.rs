//! method.
use tools::{Context, Failure, tool};

struct Reader;
impl Reader {
    /// Reads.
    #[tool(tier = read_only, recovery = pure, timeout = 1s)]
    async fn read(&self, _context: &Context) -> Result<String, Failure> {
        Ok(String::new())
    }
}

fn main() {}
