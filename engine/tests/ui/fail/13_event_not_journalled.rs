use engine::prelude::*;
include!("../base.rs");
pub struct Shout { pub n: u32 }
graph! {
    graph G v1 {
        start A;
        A on Shout -> End;
        end End;
        stop -> End;
    }
}
impl On<Shout> for A {
    async fn on(self, e: Shout, _: &mut Cx<G>) -> Next<Self, Shout> { go(End { n: e.n }) }
}
fn main() {}
