use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A -> End;
        End -> A;
        end End;
        stop -> End;
    }
}
fn main() {}
