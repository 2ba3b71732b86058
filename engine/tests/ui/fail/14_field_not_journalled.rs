use engine::prelude::*;
include!("../base.rs");
#[state] pub struct Open { pub name: String, pub socket: std::net::TcpStream }
fn main() {}
