use engine::prelude::*;
include!("../base.rs");
#[durable::durable] pub struct Wish { pub what: String }
graph! {
    graph G v1 {
        start A;
        A asks each Wish -> End;
        end End;
        stop -> End;
    }
}
fn main() {}
