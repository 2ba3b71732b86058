use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A asks each Search -> End;
        end End;
        stop -> End;
    }
}
impl Ask<Search> for A {
    fn ask(&self, _: &mut Purse) -> Search { Search { what: "it".into() } }
    async fn answered(self, _: Found, _: &mut Cx<G>) -> Next<Self, Search> { go(End { n: self.n }) }
}
fn main() {}
