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
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(states::Waiting { n: self.n }) }
}
impl Step for states::Waiting {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(End { n: self.n }) }
}
fn begin(engine: &Engine, budget: Budget) {
    let _ = engine.start(A { n: 1 }, budget);
}
fn main() {}
