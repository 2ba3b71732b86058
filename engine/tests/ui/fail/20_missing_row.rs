use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A -> B | End;
        end End;
        stop -> End;
    }
}
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { if self.n == 0 { go(B { n: 1 }) } else { go(End { n: self.n }) } }
}
impl On<Ping> for B {
    async fn on(self, e: Ping, _: &mut Cx<G>) -> Next<Self, Ping> { go(End { n: e.n }) }
}
fn begin(engine: &Engine, budget: Budget) {
    let _ = engine.start(A { n: 1 }, budget);
}
fn main() {}
