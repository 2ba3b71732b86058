use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A asks Search -> End;
        end End;
        stop -> End;
    }
}
fn main() {}
