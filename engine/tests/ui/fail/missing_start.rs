use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        A -> End;
        end End;
        stop -> End;
    }
}
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(End { n: self.n }) }
}
fn begin(engine: &Engine, budget: Budget) {
    let _ = engine.start(A { n: 1 }, budget);
}
fn main() {}
