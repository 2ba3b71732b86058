use engine::prelude::*;
include!("../base.rs");
#[durable::durable] pub enum Peer { Here(u32), There { sockets: Vec<std::net::TcpStream> } }
fn main() {}
