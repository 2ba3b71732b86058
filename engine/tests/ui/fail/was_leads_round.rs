use engine::prelude::*;
include!("../base.rs");
mod v1 { use engine::prelude::*; #[state] pub struct A { pub s: String } }
mod v2 { use engine::prelude::*; #[state] pub struct A { pub s: String } }
impl From<v1::A> for v2::A { fn from(old: v1::A) -> v2::A { v2::A { s: old.s } } }
impl From<v2::A> for v1::A { fn from(old: v2::A) -> v1::A { v1::A { s: old.s } } }
graph! {
    graph G v3 {
        start A;
        A -> End;
        end End;
        stop -> End;
        was v1::A => v2::A;
        was v2::A => v1::A;
    }
}
impl Step for A {
    async fn step(self, _: &mut Cx<G>) -> Next<Self> { go(End { n: self.n }) }
}
fn main() {}
