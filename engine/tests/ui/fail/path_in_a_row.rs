use engine::prelude::*;
include!("../base.rs");
mod states {
    use engine::prelude::*;
    #[state] pub struct Waiting { pub n: u32 }
}
graph! {
    graph G v1 {
        start A;
        A -> states::Waiting;
        states::Waiting -> End;
        end End;
        stop -> End;
    }
}
fn main() {}
