use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A -> End;
        end End;
        cancel -> End;
    }
}
fn main() {}
