use engine::prelude::*;
include!("../base.rs");
#[durable::request(Found)] pub struct Guess { pub what: String }
graph! {
    graph G v1 {
        start A;
        A asks Search -> End;
        A asks Guess -> End;
        end End;
        stop -> End;
    }
}
impl Ask<Search> for A {
    fn ask(&self, _: &mut Purse) -> Search { Search { what: "it".into() } }
    async fn answered(self, _: Found, _: &mut Cx<G>) -> Next<Self, Search> { go(End { n: self.n }) }
}
impl Ask<Guess> for A {
    fn ask(&self, _: &mut Purse) -> Guess { Guess { what: "it".into() } }
    async fn answered(self, _: Found, _: &mut Cx<G>) -> Next<Self, Guess> { go(End { n: self.n }) }
}
fn begin(engine: &Engine, budget: Budget) {
    let _ = engine.start(A { n: 1 }, budget);
}
fn main() {}
