//! The binary `oxydra`.
fn main() {}
