use engine::prelude::*;
include!("../base.rs");
#[state("sleeping")] pub struct Sleeping { pub n: u32 }
fn main() {}
