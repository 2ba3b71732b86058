//! A result is read back by the engine alone.
use engine::bincode::{config, decode_from_slice};

fn main() {
    let _ = decode_from_slice::<policy::Scrubbed, _>(&[], config::standard());
}
