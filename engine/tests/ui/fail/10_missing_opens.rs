use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A -> End;
        end End;
        stop -> End;
        serves Search;
    }
}
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(End { n: self.n }) }
}
impl Answers<Search> for End { fn answer(self) -> Found { Found::One(self.n) } }
fn main() {}
