use engine::prelude::*;
include!("../base.rs");
graph! {
    graph G v1 {
        start A;
        A asks each Search -> End;
        A asks Search -> End;
        end End;
        stop -> End;
    }
}
impl AskEach<Search> for A {
    fn ask(&self, _: usize, _: &mut Purse) -> Option<Search> { None }
    async fn answered(self, _: Vec<Found>, _: &mut Cx<G>) -> Next<Self, Search> { go(End { n: self.n }) }
}
fn main() {}
