use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A -> B | End;
        B -> C;
        C -> B | End;
        end End;
        stop -> End;
        cancel -> B;
    }
}
fn main() {}
