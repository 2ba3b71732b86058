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
impl From<Stop> for B { fn from(_: Stop) -> Self { B { n: 0 } } }
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { if self.n == 0 { go(B { n: 1 }) } else { go(End { n: self.n }) } }
}
impl Step for B {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(C { n: self.n }) }
}
impl Step for C {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { if self.n == 0 { go(B { n: 1 }) } else { go(End { n: self.n }) } }
}
fn begin(engine: &Engine, budget: Budget) {
    let _ = engine.start(A { n: 1 }, budget);
}
fn main() {}
