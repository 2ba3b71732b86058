use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A -> End | B;
        end End, B;
        stop -> End;
        serves Search;
    }
}
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(End { n: self.n }) }
}
impl Opens<Search> for A { fn open(_: Search) -> A { A { n: 0 } } }
impl Answers<Search> for End { fn answer(self) -> Found { Found::One(self.n) } }
fn main() {}
