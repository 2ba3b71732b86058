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
fn main() {}
