use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A on Ping -> End;
        end End;
        stop -> End;
    }
}
impl On<Ping> for A {
    async fn on(self, e: Ping, _: &mut Cx<G>) -> Next<Self, Ping> { go(End { n: e.n }) }
}
impl On<Pong> for A {
    async fn on(self, e: Pong, _: &mut Cx<G>) -> Next<Self, Pong> { go(End { n: e.n }) }
}
fn main() {}
