use engine::prelude::*;
include!("../base.rs");
#[durable::request] pub struct Question { pub what: String }
fn main() {}
