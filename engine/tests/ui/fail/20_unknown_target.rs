use engine::prelude::*;
include!("../base.rs");
#[state] pub struct Asking { pub n: u32 }
graph! {
    graph G v1 {
        start A;
        A -> B | Askin;
        Asking -> End;
        end End;
        stop -> End;
    }
}
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { if self.n == 0 { go(B { n: 1 }) } else { go(Asking { n: self.n }) } }
}
impl Step for Asking {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(End { n: self.n }) }
}
fn begin(engine: &Engine, budget: Budget) {
    let _ = engine.start(A { n: 1 }, budget);
}
fn main() {}
