use engine::prelude::*;
include!("../base.rs");
#[state] pub struct Asking { pub n: u32 }
graph! {
    graph G v1 {
        start A;
        A -> Bee | Askin;
        Asking -> End;
        end End;
        stop -> End;
    }
}
fn main() {}
