use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A -> B;
        B -> A | End;
        end End;
        cancel -> End;
        fault -> End;
    }
}
fn main() {}
