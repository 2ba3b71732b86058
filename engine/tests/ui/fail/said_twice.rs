use engine::prelude::*;
include!("../base.rs");
graph! {
    pub graph G(String) v1 {
        start A;
        start B;
        A -> B | End;
        B on Ping -> End;
        end End;
        stop -> End;
        stop -> End;
        serves Search;
        serves Search;
    }
}
impl Step for A {
    async fn step(self, cx: &mut Cx<G>) -> Next<Self> { if cx.env.is_empty() { go(B { n: 1 }) } else { go(End { n: self.n }) } }
}
impl On<Ping> for B {
    async fn on(self, e: Ping, _: &mut Cx<G>) -> Next<Self, Ping> { go(End { n: e.n }) }
}
impl Opens<Search> for A { fn open(_: Search) -> A { A { n: 0 } } }
impl Answers<Search> for End { fn answer(self) -> Found { Found::One(self.n) } }
fn begin(engine: &Engine, budget: Budget) {
    let _ = engine.start(A { n: 1 }, budget);
}
fn told(end: GEnd) -> u32 {
    match end {
        GEnd::End(end) => end.n,
    }
}
fn main() {}
