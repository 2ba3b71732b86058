use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A asks each Search -> End;
        end End;
        stop -> End;
    }
}
fn main() {}
