use engine::prelude::*;
include!("../base.rs");
#[durable::durable] pub struct Wish { pub what: String }
graph! {
    graph G v1 {
        start A;
        A -> End;
        end End;
        stop -> End;
        serves Wish;
    }
}
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(End { n: self.n }) }
}
fn main() {}
