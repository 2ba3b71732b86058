use engine::prelude::*;
include!("../base.rs");
mod states {
    use engine::prelude::*;
    #[state] pub struct Waiting { pub n: u32 }
}
use states::Waiting as Sleeping;
graph! {
    graph G v1 {
        start A;
        A -> Sleeping;
        Sleeping -> End;
        end End;
        stop -> End;
    }
}
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(Sleeping { n: self.n }) }
}
impl Step for Sleeping {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(End { n: self.n }) }
}
fn main() {}
