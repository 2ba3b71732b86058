use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A -> B | End;
        B -> C;
        C -> B;
        end End;
        stop -> End;
    }
}
fn main() {}
