use engine::prelude::*;
include!("../base.rs");
mod other {
    use engine::prelude::*;
    #[event] pub struct Ping { pub n: u32 }
}
graph! {
    graph G v1 {
        start A;
        A on Ping -> End;
        A on other::Ping -> End;
        end End;
        stop -> End;
    }
}
fn main() {}
