use engine::prelude::*;
include!("../base.rs");
#[durable::durable]
#[non_exhaustive]
pub enum Answer { Yes, No }
#[durable::request(Answer)] pub struct Question { pub what: String }
fn main() {}
