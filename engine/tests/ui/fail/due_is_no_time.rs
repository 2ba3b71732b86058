use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A after self.n -> End;
        end End;
        stop -> End;
    }
}
impl On<Elapsed> for A {
    async fn on(self, _: Elapsed, _: &mut Cx<G>) -> Next<Self, Elapsed> { go(End { n: self.n }) }
}
fn main() {}
