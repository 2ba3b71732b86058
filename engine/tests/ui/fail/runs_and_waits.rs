use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A -> End;
        A on Ping -> End;
        end End;
        stop -> End;
    }
}
fn main() {}
