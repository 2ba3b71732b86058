use engine::prelude::*;
include!("../base.rs");
mod v1 {
    use engine::prelude::*;
    #[state] pub struct A { pub s: String }
}
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
