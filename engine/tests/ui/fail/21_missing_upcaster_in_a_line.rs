use engine::prelude::*;
include!("../base.rs");
mod v1 {
    use engine::prelude::*;
    #[state] pub struct A { pub s: String }
    #[event] pub struct Ping { pub s: String }
}
mod v2 { use engine::prelude::*; #[state] pub struct A { pub s: String } }
impl From<v2::A> for A { fn from(old: v2::A) -> A { A { n: old.s.len() as u32 } } }
graph! {
    graph G v3 {
        start A;
        A on Ping -> End;
        end End;
        stop -> End;
        was v1::A => v2::A;
        was v2::A => A;
        was v1::Ping => Ping;
    }
}
impl On<Ping> for A {
    async fn on(self, ping: Ping, _: &mut Cx<G>) -> Next<Self, Ping> { go(End { n: self.n + ping.n }) }
}
fn main() {}
