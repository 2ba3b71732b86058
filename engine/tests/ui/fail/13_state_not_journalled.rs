use engine::prelude::*;
include!("../base.rs");
pub struct Plain { pub n: u32 }
graph! {
    graph G v1 {
        start A;
        A -> Plain;
        Plain -> End;
        end End;
        stop -> End;
    }
}
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(Plain { n: self.n }) }
}
impl Step for Plain {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(End { n: self.n }) }
}
fn main() {}
