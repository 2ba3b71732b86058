use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A -> B;
        B -> A | End;
        end End;
        stop -> End;
        serves Search;
        lap A;
    }
}
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(B { n: self.n }) }
}
impl Step for B {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { if self.n == 0 { go(A { n: 1 }) } else { go(End { n: self.n }) } }
}
impl Opens<Search> for A { fn open(_: Search) -> A { A { n: 0 } } }
impl Answers<Search> for End { fn answer(self) -> Found { Found::One(self.n) } }
fn main() {}
