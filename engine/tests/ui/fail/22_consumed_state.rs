use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A -> End;
        end End;
        stop -> End;
    }
}
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(End { n: self.n }) }
}
async fn twice(a: A, cx: &mut Cx<G>) {
    let _ = a.step(cx).await;
    let _ = a.step(cx).await;
}
fn main() {}
