// States, events and requests that the samples share.
#[state] pub struct A { pub n: u32 }
#[state] pub struct B { pub n: u32 }
#[state] pub struct C { pub n: u32 }
#[state] pub struct End { pub n: u32 }
#[event] pub struct Ping { pub n: u32 }
#[event] pub struct Pong { pub n: u32 }
#[durable::request(Found)] pub struct Search { pub what: String }
#[durable::durable] pub enum Found { One(u32), Nothing }
impl From<Stop> for End { fn from(_: Stop) -> Self { End { n: 0 } } }
