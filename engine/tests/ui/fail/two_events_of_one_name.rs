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
impl On<Ping> for A {
    async fn on(self, e: Ping, _: &mut Cx<G>) -> Next<Self, Ping> { go(End { n: e.n }) }
}
impl On<other::Ping> for A {
    async fn on(self, e: other::Ping, _: &mut Cx<G>) -> Next<Self, other::Ping> { go(End { n: e.n }) }
}
fn begin(engine: &Engine, budget: Budget) {
    let _ = engine.start(A { n: 1 }, budget);
}
fn main() {}
