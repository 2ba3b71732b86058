//! What a flow says that cannot do its work here. It is said past the runner, which keeps to itself what a test that passes
//! prints; `cargo xtask test` counts it.
use std::io::Write;

/// Says that nothing was tested, and why.
pub fn skipped(why: impl std::fmt::Display) {
    writeln!(std::io::stdout(), "SKIPPED: {why}").expect("there is a standard output");
}
