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
fn shout(run: engine::Run<G>) {
    let _ = run.send(Ping { n: 1 });
    let _ = run.send(Pong { n: 1 });
}
fn main() {}
