use engine::prelude::*;
include!("../base.rs");
mod v1 {
    pub struct A { pub s: String }
}
impl From<v1::A> for A { fn from(_: v1::A) -> A { A { n: 0 } } }
graph! {
    graph G v2 {
        start A;
        A -> End;
        end End;
        stop -> End;
        was v1::A => A;
    }
}
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(End { n: self.n }) }
}
fn main() {}
