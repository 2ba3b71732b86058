use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A after self.due(3) -> B;
        B after self -> End;
        end End;
        stop -> End;
    }
}
impl On<Elapsed> for A {
    async fn on(self, _: Elapsed, _: &mut Cx<G>) -> Next<Self, Elapsed> { go(B { n: self.n }) }
}
impl On<Elapsed> for B {
    async fn on(self, _: Elapsed, _: &mut Cx<G>) -> Next<Self, Elapsed> { go(End { n: self.n }) }
}
fn begin(engine: &Engine, budget: Budget) {
    let _ = engine.start(A { n: 1 }, budget);
}
fn main() {}
