use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A -> End;
        end End;
        cancel -> End;
    }
}
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(End { n: self.n }) }
}
fn begin(engine: &Engine, budget: Budget) {
    let _ = engine.start(A { n: 1 }, budget);
}
fn told(end: GEnd) -> u32 {
    match end {
        GEnd::End(end) => end.n,
    }
}
fn main() {}
