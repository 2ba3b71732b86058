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
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(B { n: self.n }) }
}
impl Step for B {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { if self.n == 0 { go(A { n: 1 }) } else { go(End { n: self.n }) } }
}
fn begin(engine: &Engine, budget: Budget) {
    let _ = engine.start(A { n: 1 }, budget);
}
fn main() {}
