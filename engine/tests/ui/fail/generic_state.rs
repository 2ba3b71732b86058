use engine::prelude::*;
include!("../base.rs");
#[state] pub struct Holding<T> { pub it: T }
fn main() {}
