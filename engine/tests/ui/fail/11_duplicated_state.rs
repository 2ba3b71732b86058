use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A -> B;
        A -> End;
        B -> End;
        end End, End;
        stop -> End;
    }
}
fn main() {}
